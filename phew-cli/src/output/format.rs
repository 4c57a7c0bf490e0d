//! Numbers and tables as people read them.

use comfy_table::{CellAlignment, Table, presets};
use console::measure_text_width;

use super::width;

/// A table without borders: the first `left` columns are flush left, all others flush right. Columns for which the
/// terminal has no room are left out from the right, with a word.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>], left: usize) -> String {
    fitted(head, rows, left, width::limit())
}

/// A table whose last column is text, flush left: it is not left out, but broken where the terminal ends.
pub(crate) fn listing(head: &[&str], rows: &[Vec<String>], left: usize) -> String {
    let texts = head.len() - 1;
    drawn(head, rows, |column| column < left || column == texts)
}

/// A table with its title, and what its columns mean.
pub(crate) fn section(title: &str, legend: &str, table: &str) -> String {
    format!("\n{title}\n{table}{legend}\n")
}

/// Columns that a table keeps, whatever the width.
const FEWEST: usize = 2;

fn fitted(head: &[&str], rows: &[Vec<String>], left: usize, limit: Option<usize>) -> String {
    let is_left = |column| column < left;
    let whole = drawn(head, rows, is_left);
    let Some(limit) = limit else { return whole };
    let fits = |table: &str| table.lines().all(|line| measure_text_width(line) <= limit);
    if fits(&whole) {
        return whole;
    }
    for columns in (FEWEST..head.len()).rev() {
        let fewer: Vec<Vec<String>> =
            rows.iter().map(|row| row[..columns.min(row.len())].to_vec()).collect();
        let table = drawn(&head[..columns], &fewer, is_left);
        if columns == FEWEST || fits(&table) {
            let gone: Vec<&str> =
                head[columns..].iter().copied().filter(|name| !name.is_empty()).collect();
            return format!("{table}--wide shows also: {}\n", gone.join(", "));
        }
    }
    whole
}

fn drawn(head: &[&str], rows: &[Vec<String>], is_left: impl Fn(usize) -> bool) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(head.to_vec());
    for row in rows {
        table.add_row(row);
    }
    for (c, column) in table.column_iter_mut().enumerate() {
        column.set_padding((if c == 0 { 0 } else { 2 }, 0));
        let alignment = if is_left(c) { CellAlignment::Left } else { CellAlignment::Right };
        column.set_cell_alignment(alignment);
    }
    let lines: Vec<String> = table.lines().map(|l| l.trim_end().to_owned()).collect();
    lines.join("\n") + "\n"
}

/// `20024000` as `20,024,000`.
pub(crate) fn grouped(n: impl TryInto<u64>) -> String {
    let digits = n.try_into().map_or_else(|_| "?".to_owned(), |n: u64| n.to_string());
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A number as `show` writes it, or a dash where there is none: NaN, `null` in JSON.
pub(crate) fn or_dash(value: f64, show: impl FnOnce(f64) -> String) -> String {
    if value.is_nan() { "–".into() } else { show(value) }
}

/// `1 step`, `2,000 steps`.
pub(crate) fn counted(n: usize, what: &str) -> String {
    format!("{} {what}{}", grouped(n), if n == 1 { "" } else { "s" })
}

/// Numbers as a histogram of eight bars from the least to the greatest; nothing if they are all the same.
pub(crate) fn histogram(values: &[usize]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let (Some(&min), Some(&max)) = (values.iter().min(), values.iter().max()) else {
        return String::new();
    };
    if min == max {
        return String::new();
    }
    let mut counts = [0usize; BARS.len()];
    values.iter().for_each(|v| counts[(v - min) * BARS.len() / (max - min + 1)] += 1);
    let most = counts.iter().copied().max().unwrap_or(1);
    // An empty bin is a blank: the lowest bar says that there is something.
    let bar = |n: usize| if n == 0 { ' ' } else { BARS[(n * BARS.len()).div_ceil(most) - 1] };
    counts.map(bar).iter().collect()
}

/// A share as a percentage with three significant digits.
pub(crate) fn percent(share: f64) -> String {
    // A sum of nothing is −0.
    let percent = 100.0 * share + 0.0;
    match percent {
        p if p >= 99.95 || p == 0.0 => format!("{p:.0}%"),
        p if p >= 9.995 => format!("{p:.1}%"),
        p if p >= 0.9995 => format!("{p:.2}%"),
        p if p >= 0.09995 => format!("{p:.3}%"),
        p if p >= 0.009995 => format!("{p:.4}%"),
        p => format!("{p:.2e}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_without_room_are_left_out_from_the_right_with_a_word() {
        let rows = [["conv1.weight", "1,728", "99.0%"].map(str::to_owned).to_vec()];
        let head = ["layer", "kept", "density"];
        let at = |limit| fitted(&head, &rows, 1, limit);
        assert_eq!(at(None), at(Some(30)));
        assert_eq!(at(None), "layer          kept  density\nconv1.weight  1,728    99.0%\n");
        let fewer = "layer          kept\nconv1.weight  1,728\n--wide shows also: density\n";
        assert_eq!((at(Some(27)).as_str(), at(Some(5)).as_str()), (fewer, fewer));
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(grouped(0usize), "0");
        assert_eq!(grouped(999usize), "999");
        assert_eq!(grouped(20_024_000usize), "20,024,000");
    }

    #[test]
    fn one_is_singular() {
        assert_eq!([0, 1, 2000].map(|n| counted(n, "step")), ["0 steps", "1 step", "2,000 steps"]);
    }

    #[test]
    fn a_histogram_has_a_bar_for_each_eighth_of_the_range() {
        assert_eq!(histogram(&[0, 0, 0, 0, 0, 0, 0, 7]), "█      ▂");
        assert_eq!(histogram(&[3, 4]), "█   █   ");
        assert_eq!(histogram(&[5, 5, 5]), "");
    }

    #[test]
    fn percentages_have_three_digits() {
        let shares = [1.0, 0.5, 0.05, 0.005_1, 0.000_512, 1.234e-7, 0.0, -0.0];
        assert_eq!(
            shares.map(percent),
            ["100%", "50.0%", "5.00%", "0.510%", "0.0512%", "1.23e-5%", "0%", "0%"]
        );
    }
}
