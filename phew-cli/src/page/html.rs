//! The parts of a page.

pub(super) use crate::figure::escaped;
use crate::figure::font_face;

/// Readable on a phone and on paper: one column, tables that scroll by themselves.
const STYLE: &str = "
:root{color-scheme:light}
body{font:16px/1.5 Inter,system-ui,sans-serif;color:#222;background:#fff;max-width:60rem;margin:0 auto;padding:1rem}
h1{font-size:1.6rem;line-height:1.2;margin:.5rem 0 1rem}
h2{font-size:1.2rem;margin:2.2rem 0 .6rem;border-bottom:1px solid #ddd;padding-bottom:.2rem}
h3{font-size:1rem;margin:1.4rem 0 .4rem}
p{margin:.5rem 0}
.scroll{overflow-x:auto;margin:.5rem 0}
table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums}
th,td{padding:.2rem .7rem .2rem 0;text-align:left;vertical-align:top;border-bottom:1px solid #eee;white-space:nowrap}
th{font-weight:normal;color:#666;border-bottom:1px solid #999}
td.n,th.n{text-align:right}
td.w{white-space:normal;min-width:14rem}
figure{margin:1rem 0 1.6rem}
figure svg{max-width:100%;height:auto;display:block}
@media screen and (min-width:40rem){figure svg{zoom:1.35}}
@media screen and (max-width:40rem){figure.wide svg{max-width:none}}
summary{cursor:pointer;color:#0a5c8f}
pre{overflow-x:auto;background:#f6f6f6;padding:.7rem;font-size:.8rem;line-height:1.4}
.bad{color:#a33}
.quiet{color:#666}
";

/// The whole page.
pub(super) fn document(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<style>{}{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n",
        escaped(title),
        font_face(),
    )
}

/// A part with its heading; nothing if there is nothing in it.
pub(super) fn section(heading: &str, inner: &str) -> String {
    match inner.is_empty() {
        true => String::new(),
        false => format!("<section>\n<h2>{}</h2>\n{inner}</section>\n", escaped(heading)),
    }
}

/// What is shown when a reader asks for it.
pub(super) fn folded(label: &str, inner: &str) -> String {
    format!("<details><summary>{}</summary>\n{inner}</details>\n", escaped(label))
}

/// A table; columns of numbers are flush right, and no longer than they say something.
pub(super) fn table(head: &[String], rows: &[Vec<String>]) -> String {
    let is_number = |text: &String| text.is_empty() || text.parse::<f64>().is_ok();
    let numeric: Vec<bool> =
        (0..head.len()).map(|c| rows.iter().filter_map(|row| row.get(c)).all(is_number)).collect();
    let class = |c: usize| if numeric.get(c) == Some(&true) { " class=\"n\"" } else { "" };
    let mut out = String::from("<div class=\"scroll\"><table>\n<thead><tr>");
    for (c, name) in head.iter().enumerate() {
        out += &format!("<th{}>{}</th>", class(c), escaped(name));
    }
    out += "</tr></thead>\n<tbody>\n";
    for row in rows {
        out += "<tr>";
        for (c, entry) in row.iter().enumerate() {
            let shown = if numeric.get(c) == Some(&true) { short(entry) } else { entry.clone() };
            let class = match shown.len() > 60 {
                true => " class=\"w\"",
                false => class(c),
            };
            out += &format!("<td{class}>{}</td>", escaped(&shown));
        }
        out += "</tr>\n";
    }
    out + "</tbody>\n</table></div>\n"
}

/// A number with at most five significant digits; whole numbers as they are.
fn short(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(number) if number.fract() != 0.0 && text.len() > 7 => {
            let rounded: f64 = format!("{number:.4e}").parse().unwrap_or(number);
            match rounded.abs() {
                size if (1e-4..1e7).contains(&size) => rounded.to_string(),
                _ => format!("{rounded:e}"),
            }
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_align_numbers_and_shorten_them() {
        let rows = [["a<b".to_owned(), "0.123456789".to_owned()], ["c".into(), "20024000".into()]];
        let html = table(&["x".into(), "y".into()], &rows.map(Vec::from));
        assert!(html.contains("<td>a&lt;b</td><td class=\"n\">0.12346</td>"), "{html}");
        assert!(html.contains("<td class=\"n\">20024000</td>"));
        assert_eq!(short("1.23456789e-60"), "1.2346e-60");
    }
}
