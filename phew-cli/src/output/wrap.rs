//! Lines that end where the terminal does, between words.

use console::measure_text_width;

use super::width;

/// Breaks what is longer than a line of the terminal, if stdout is one.
pub(super) fn wrapped(text: &str) -> String {
    match width::limit() {
        Some(limit) => text.split_inclusive('\n').map(|line| broken(line, limit)).collect(),
        None => text.to_owned(),
    }
}

/// How far in what goes on in a new line stands at least behind the line's own start.
const HANGING: usize = 2;

/// Breaks a line between words. What goes on stands where the last column of the line begins, or else a little further
/// in than the line itself. Words longer than a line stay whole.
fn broken(line: &str, limit: usize) -> String {
    let (text, end) = match line.strip_suffix('\n') {
        Some(text) => (text, "\n"),
        None => (line, ""),
    };
    if measure_text_width(text) <= limit {
        return line.to_owned();
    }
    let (head, rest) = text.split_at(last_column(text));
    let own = measure_text_width(head);
    // A column that begins far to the right has no room for words: it goes into a line of its own.
    let (mut out, mut column, indent) = match () {
        () if own > limit / 2 => {
            let indent = leading(text) + HANGING;
            (format!("{}\n{:indent$}", head.trim_end(), ""), indent, indent)
        }
        () if own > leading(text) => (head.to_owned(), own, own),
        () => (head.to_owned(), own, own + HANGING),
    };
    for (place, word) in rest.split(' ').enumerate() {
        let (space, width) = (usize::from(place > 0), measure_text_width(word));
        if column + space + width > limit && column > indent {
            out += &format!("\n{:indent$}", "");
            column = indent;
        } else {
            out += &" "[..space];
            column += space;
        }
        out += word;
        column += width;
    }
    out + end
}

/// Spaces that a line begins with.
fn leading(text: &str) -> usize {
    text.len() - text.trim_start_matches(' ').len()
}

/// The byte at which the last column begins: behind the last two spaces that stand together.
fn last_column(text: &str) -> usize {
    text.rfind("  ").map_or_else(|| leading(text), |at| at + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_go_on_where_their_last_column_begins() {
        let fits = "as long as it may be\n";
        assert_eq!(broken(fits, 20), fits);
        assert_eq!(broken("as long as it may be\n", 12), "as long as\n  it may be\n");
        assert_eq!(
            broken("  claim  given m edges, most paths", 20),
            "  claim  given m\n         edges, most\n         paths"
        );
        assert_eq!(broken("    needs a pass through it", 16), "    needs a pass\n      through it");
    }

    #[test]
    fn widths_are_those_of_a_terminal_and_long_words_stay_whole() {
        assert_eq!(broken("σ₁ ≤ σ₂ × µ", 11), "σ₁ ≤ σ₂ × µ");
        assert_eq!(broken("σ₁ ≤ σ₂ × µ", 7), "σ₁ ≤ σ₂\n  × µ");
        assert_eq!(
            broken("see /a/long/folder/name of it", 10),
            "see\n  /a/long/folder/name\n  of it"
        );
        assert_eq!(broken("a name         and more", 18), "a name\n  and more");
    }

    #[test]
    fn nothing_but_spaces_changes() {
        let text = "lemma4     Patil & Dovrolis 2021, lemma 4 (appendix A.4); eq. (4), ICLR 2021";
        for limit in 1..90 {
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            let out = broken(text, limit);
            assert_eq!(words(&out), words(text));
            if limit > 30 {
                assert!(out.lines().all(|line| measure_text_width(line) <= limit), "{out}");
            }
        }
    }
}
