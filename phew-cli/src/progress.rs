//! Progress bars, on a terminal only.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::stderr::{bars, hide};

/// How often a bar moves where nothing else moves it.
const TICK: Duration = Duration::from_millis(200);

/// Counts work of unknown length.
pub(crate) fn spinner(what: &str, unit: &str) -> ProgressBar {
    let template = format!("{{spinner}} {{prefix}} · {{human_pos}} {unit} · {{elapsed}}");
    let style = ProgressStyle::with_template(&template)
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    show(ProgressBar::new_spinner(), style, what)
}

/// A bar over `length` steps; over as many as somebody says later, where that is 0.
pub(crate) fn bar(length: u64, what: &str, unit: &str) -> ProgressBar {
    let template = format!(
        "{{prefix}} {{bar:16}} {{percent:>3}}% · {{human_pos}}/{{human_len}} {unit} · {{eta}} left {{wide_msg}}"
    );
    let style = ProgressStyle::with_template(&template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸ ");
    // One over 0 steps would be done.
    let bar = if length == 0 { ProgressBar::no_length() } else { ProgressBar::new(length) };
    show(bar, style, what)
}

/// A bar over jobs, whose message says the rest.
pub(crate) fn jobs(length: u64, what: &str) -> ProgressBar {
    let template = "{prefix} {bar:16} {human_pos}/{human_len} jobs · {elapsed}{wide_msg}";
    let style = ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸ ");
    show(ProgressBar::new(length), style, what)
}

fn show(bar: ProgressBar, style: ProgressStyle, what: &str) -> ProgressBar {
    let bar = bar.with_style(style).with_prefix(what.to_owned());
    if hide(&bar) {
        return bar;
    }
    let bar = bars().add(bar);
    bar.enable_steady_tick(TICK);
    bar
}
