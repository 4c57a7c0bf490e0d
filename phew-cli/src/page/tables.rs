//! Tables that lie in the folder as CSV.

use super::html::{escaped, folded, table};

/// A table shows no more rows; the files have them all.
const MOST: usize = 300;

/// Lines of fields (RFC 4180).
pub(super) fn parse(text: &str) -> Vec<Vec<String>> {
    let (mut lines, mut fields, mut field) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                field.push('"');
                characters.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                fields.push(std::mem::take(&mut field));
                lines.push(std::mem::take(&mut fields));
            }
            c => field.push(c),
        }
    }
    if !field.is_empty() || !fields.is_empty() {
        fields.push(field);
        lines.push(fields);
    }
    lines
}

/// The summary over seeds: what is measured of whole networks first, of each layer on demand.
pub(super) fn summary(csv: Option<&str>) -> String {
    of_values(csv, "summary.csv")
}

/// Paired differences between methods.
pub(super) fn pairs(csv: Option<&str>) -> String {
    of_values(csv, "pairs.csv")
}

/// A table in long form, split by its column `value`: each value has a part of its own.
fn of_values(csv: Option<&str>, file: &str) -> String {
    let mut lines = parse(csv.unwrap_or_default()).into_iter();
    let Some(head) = lines.next() else { return String::new() };
    let rows: Vec<Vec<String>> = lines.collect();
    let Some(column) = head.iter().position(|name| name == "value") else {
        return limited(&head, &rows, file);
    };
    let mut values: Vec<(String, Vec<Vec<String>>)> = Vec::new();
    for mut row in rows {
        if column < row.len() {
            let value = row.remove(column);
            match values.iter_mut().find(|(name, _)| *name == value) {
                Some((_, rows)) => rows.push(row),
                None => values.push((value, vec![row])),
            }
        }
    }
    let mut head = head;
    head.remove(column);
    // What is measured of each layer is for a figure.
    let of_layer = |name: &str| name.split('.').any(|part| part.parse::<u64>().is_ok());
    let layers = values.iter().filter(|(name, _)| of_layer(name)).count();
    let shown = values.iter().filter(|(name, _)| !of_layer(name));
    let mut out: String = shown
        .map(|(name, rows)| folded(name, &limited(&head, rows, file)))
        .collect::<Vec<_>>()
        .concat()
        .replacen("<details>", "<details open=\"\">", 1);
    if layers > 0 {
        out +=
            &format!("<p class=\"quiet\">{layers} numbers of layers: in {}.</p>\n", escaped(file));
    }
    out
}

/// The first rows, without columns in which nothing stands, and where the others are.
pub(super) fn limited(head: &[String], rows: &[Vec<String>], file: &str) -> String {
    let said =
        |c: &usize| rows.iter().any(|row| row.get(*c).is_some_and(|entry| !entry.is_empty()));
    let columns: Vec<usize> = (0..head.len()).filter(said).collect();
    let pick = |row: &Vec<String>| -> Vec<String> {
        columns.iter().map(|c| row.get(*c).cloned().unwrap_or_default()).collect()
    };
    let shown: Vec<Vec<String>> = rows.iter().take(MOST).map(pick).collect();
    let mut out = table(&pick(&head.to_vec()), &shown);
    if rows.len() > MOST {
        let rest = rows.len() - MOST;
        out += &format!("<p class=\"quiet\">and {rest} rows more: in {}.</p>\n", escaped(file));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_in_quotes_may_hold_commas_quotes_and_ends_of_lines() {
        let lines = parse("a,\"b, \"\"c\"\"\"\r\n1,\"x\ny\"\n2,");
        assert_eq!(lines[0], ["a", "b, \"c\""]);
        assert_eq!((lines[1][1].as_str(), lines[2].len()), ("x\ny", 2));
    }

    #[test]
    fn each_value_has_a_table_and_those_of_layers_are_counted() {
        let html =
            summary(Some("method,value,n,mean\nphew,accuracy,3,0.9\nphew,layers.0.width,3,5\n"));
        assert!(html.contains("<summary>accuracy</summary>") && html.contains("<td>phew</td>"));
        assert!(html.contains("1 numbers of layers") && !html.contains("layers.0"), "{html}");
        assert_eq!(pairs(None), "");
    }
}
