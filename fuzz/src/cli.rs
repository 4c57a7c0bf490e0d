//! What phew-cli reads: plans, reproductions, figures, published numbers, and the folders of sweeps. Each function takes the
//! bytes of one file, whose others are sound, and must neither panic nor run for long.

use std::path::Path;

use phew_cli::collect::{Rows, pairs, summaries};
use phew_cli::figure::Figure;
use phew_cli::page::{Page, read_published};
use phew_cli::parsers;

fn put(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).expect("a scratch folder");
    }
    std::fs::write(path, bytes).expect("a scratch folder");
}

/// A plan of a sweep.
pub fn plan(bytes: &[u8], _: &Path) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = parsers::plan(text);
}

/// A reproduction.
pub fn reproduction(bytes: &[u8], _: &Path) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = parsers::reproduction(text);
}

/// The description of a figure.
pub fn figure(bytes: &[u8], _: &Path) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = Figure::from_toml(text);
}

/// Numbers that papers print.
pub fn published(bytes: &[u8], folder: &Path) {
    put(folder, "published.toml", bytes);
    let _ = read_published(Some(&folder.join("published.toml")));
}

/// The rows of a sweep, as a page shows them and tables sum them up.
pub fn rows(bytes: &[u8], folder: &Path) {
    put(folder, "rows.jsonl", bytes);
    let Ok(rows) = Rows::read(&folder.join("rows.jsonl")) else { return };
    let again = rows.to_json_lines().expect("rows are JSON");
    put(folder, "again.jsonl", again.as_bytes());
    assert_eq!(Rows::read(&folder.join("again.jsonl")).expect("its own words").len(), rows.len());
    let _ = (summaries(&rows), pairs(&rows, "method", &["seed".to_owned()]));
    let _ = Page::of(folder, None, &[]);
}

/// What its one job is, as its identity has it.
const SPEC: &str = r#"{"schema":1,"tool":"train","words":[],"settings":{},"files":{},"needs":{}}"#;

/// The files of a sweep of one training; in its folder `@id@` stands for the job's identity, and `@spec@` for what it is.
const SWEEP: [(&str, &str); 4] = [
    ("sweep.json", include_str!("../corpus/sweep_note/whole")),
    ("cells.jsonl", include_str!("../corpus/sweep_cells/whole")),
    ("jobs/@id@/result.json", include_str!("../corpus/sweep_result/whole")),
    ("jobs/@id@/run/metrics.jsonl", include_str!("../corpus/sweep_metrics/whole")),
];

/// Reads the folder of a sweep in which a file has other bytes; the rows that come of it.
pub fn sweep(file: &str, bytes: &[u8], folder: &Path) -> Option<usize> {
    let text = std::str::from_utf8(bytes).ok()?;
    let id = &phew_graph::content_hash(SPEC.as_bytes())[..20];
    let folder = folder.join("sweep");
    for (name, whole) in SWEEP {
        let text = if name.ends_with(file) { text } else { whole };
        put(&folder, &name.replace("@id@", id), filled(text, id).as_bytes());
    }
    let rows = parsers::sweep(&folder).ok().map(|rows| rows.len());
    let _ = Page::of(&folder, None, &[]);
    rows
}

fn filled(text: &str, id: &str) -> String {
    text.replace("@id@", id).replace("@spec@", SPEC)
}

/// The note of a sweep.
pub fn sweep_note(bytes: &[u8], folder: &Path) {
    sweep("sweep.json", bytes, folder);
}

/// The cells of a sweep.
pub fn sweep_cells(bytes: &[u8], folder: &Path) {
    sweep("cells.jsonl", bytes, folder);
}

/// The result of a job.
pub fn sweep_result(bytes: &[u8], folder: &Path) {
    sweep("result.json", bytes, folder);
}

/// The metrics of a training.
pub fn sweep_metrics(bytes: &[u8], folder: &Path) {
    sweep("metrics.jsonl", bytes, folder);
}
