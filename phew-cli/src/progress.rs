//! Progress bars, on a terminal only.

use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressState, ProgressStyle};

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

/// A bar over `length` steps.
pub(crate) fn bar(length: u64, what: &str, unit: &str) -> ProgressBar {
    let template = format!(
        "{{prefix}} {{bar:32}} {{percent:>3}}% · {{human_pos}}/{{human_len}} {unit} · {{rate}} · {{eta}} left {{msg}}"
    );
    let style = ProgressStyle::with_template(&template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{}/s", HumanCount(state.per_sec() as u64));
        })
        .progress_chars("━╸ ");
    show(ProgressBar::new(length), style, what)
}

/// A bar over jobs, whose message says the rest.
pub(crate) fn jobs(length: u64, what: &str) -> ProgressBar {
    let template = "{prefix} {bar:32} {human_pos}/{human_len} jobs · {elapsed}{msg}";
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
