//! A progress bar on stderr, on a terminal only.

use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressState, ProgressStyle};

/// Counts work of unknown length.
pub(crate) fn spinner(what: &str, unit: &str) -> ProgressBar {
    let template = format!("{{spinner}} {{prefix}} · {{human_pos}} {unit} · {{elapsed}}");
    let style = ProgressStyle::with_template(&template)
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = ProgressBar::new_spinner().with_style(style).with_prefix(what.to_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// A bar over `length` steps, hidden where stderr is no terminal or where it would be gone at once.
pub(crate) fn bar(length: u64, what: &str, unit: &str) -> ProgressBar {
    let template = format!(
        "{{prefix}} {{bar:32}} {{percent:>3}}% · {{human_pos}}/{{human_len}} {unit} · {{rate}} · {{eta}} left {{msg}}"
    );
    let style = ProgressStyle::with_template(&template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            // A terminal that cannot be written to has no one to tell.
            let _ = write!(out, "{}/s", HumanCount(state.per_sec() as u64));
        })
        .progress_chars("━╸ ");
    let bar = ProgressBar::new(length).with_style(style).with_prefix(what.to_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
