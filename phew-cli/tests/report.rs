//! The page of results through the library: a folder in, one HTML file out.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;

use phew_cli::commands::{Plot, Report};
use phew_cli::{Command, exit_code, parse};

const ROWS: &str = r#"{"schema":1,"settings":{"arch":"resnet20","data":"cifar10","method":"random","density":0.105,"seed":0},"values":{"accuracy":0.86}}
{"schema":1,"settings":{"arch":"resnet20","data":"cifar10","method":"random","density":0.107,"seed":1},"values":{"accuracy":0.84}}
{"schema":1,"settings":{"arch":"resnet20","data":"cifar10","method":"phew","density":0.107,"seed":1},"jobs":{"train":"ab"},"values":{"kept":5},"missing":["train"]}
"#;

fn report(folder: &Path, words: &[&str]) -> anyhow::Result<phew_cli::commands::ReportReport> {
    let start = [folder.to_str().unwrap().to_owned()].into_iter();
    let report: Report = parse(start.chain(words.iter().map(|word| (*word).to_owned()))).unwrap();
    report.run()
}

#[test]
fn the_page_has_what_lies_in_the_folder_and_needs_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    // Nothing to show.
    assert_eq!(exit_code(&report(folder.path(), &[]).unwrap_err()), 2);
    write("rows.jsonl", ROWS);
    write("plan.toml", "name = 'small'\nabout = 'Shrunk: 2 epochs & 1 seed.'\n");
    write("summary.csv", "method,density,value,n,mean\nrandom,0.107,accuracy,1,0.84123456789\n");
    write("pairs.csv", "a,b,value,n,mean\nphew,random,accuracy,1,0.01\n");
    write("jobs/ab/error.json", r#"{"id":"ab","error":["no such folder","data"],"phew":"0.1.0"}"#);
    // A job of another sweep in the same store is nothing of this one's.
    write("jobs/ef/error.json", r#"{"id":"ef","error":["elsewhere"],"phew":"0.1.0"}"#);
    let cell = r#"{"settings":{},"measure":[],"jobs":{"train":"ab","mask":"cd"}}"#;
    write("cells.jsonl", &[cell; 5].join("\n"));
    write("jobs/cd/result.json", r#"{"id":"cd","phew":"0.0.9"}"#);
    let plot: Plot = parse([folder.path().to_str().unwrap()]).unwrap();
    plot.run().unwrap();

    let found = report(folder.path(), &[]).unwrap();
    assert_eq!((found.figures, found.rows, found.missing, found.failed), (1, 3, 1, 1));
    // Frankle et al., table H.1: random pruning of ResNet-20 at 89.3% sparsity.
    assert_eq!(found.compared, 1);
    let html = std::fs::read_to_string(&found.output).unwrap();
    for part in [
        "<h1>small</h1>",
        "Shrunk: 2 epochs &amp; 1 seed.",
        "<svg xmlns",
        "no such folder: data",
        "2 cells without any",
        "0.84123<",
        "85.40 ± 0.30",
        "85.00 ± 1.41",
        "−0.40",
        "0.0.9",
    ] {
        assert!(html.contains(part), "{part}");
    }
    assert!(!html.contains("elsewhere"));
    // The font stands in it once, and nothing is loaded from elsewhere.
    assert_eq!(html.matches("@font-face").count(), 1);
    assert!(
        !html.contains("http://")
            || html.matches("http://").count() == html.matches("http://www.w3.org").count()
    );
    assert!(!html.contains("<script") && !html.contains("src=\""));
    // Well-formed, but for the tags that HTML does not close.
    let body = html.split_once("<body>").unwrap().1.split_once("</body>").unwrap().0;
    roxmltree::Document::parse(&format!("<body>{body}</body>")).unwrap();

    assert_eq!(exit_code(&report(folder.path(), &[]).unwrap_err()), 2);
    let found = report(folder.path(), &["--force", "--title", "A < B"]).unwrap();
    assert!(std::fs::read_to_string(found.output).unwrap().contains("<title>A &lt; B</title>"));
}
