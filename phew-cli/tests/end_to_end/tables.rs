//! What tables and listings look like.

use crate::common::{folder, stdout};

fn widest(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

#[test]
fn three_masks_are_compared_as_a_matrix() {
    let folder = folder();
    let at = folder.path();
    for method in ["phew", "random", "magnitude"] {
        let line = format!("prune --arch lenet-5 --method {method} --density 0.1 -o {method}");
        stdout(at, &line);
    }
    let text = stdout(at, "compare --arch lenet-5 phew random magnitude");
    let matrix: Vec<&str> = text.lines().skip_while(|line| *line != "Jaccard similarity").collect();
    let row = |place: usize| matrix[place].split_whitespace().collect::<Vec<_>>();
    assert_eq!(row(1), ["A", "B", "C"]);
    assert_eq!((row(2)[0], row(2)[1], row(4)[0], row(4)[3]), ("A", "–", "C", "–"));
    let number = |row: &[&str], place: usize| row[place].parse::<f64>().unwrap();
    // Walks by magnitude have more in common with the largest weights than chance gives, and random ones have not.
    let (phew_magnitude, by_chance) = (number(&row(2), 3), number(&row(4), 1));
    assert!(phew_magnitude > 1.2 * by_chance, "{text}");
    let (phew_random, by_chance) = (number(&row(2), 2), number(&row(3), 1));
    assert!((phew_random / by_chance - 1.0).abs() < 0.2, "{text}");
    // Two are compared layer by layer.
    let text = stdout(at, "compare --arch lenet-5 phew random");
    assert!(text.contains("conv1.weight") && !text.contains("Jaccard similarity\n"), "{text}");
}

#[test]
fn the_sections_of_metrics_have_titles_and_legends_within_a_hundred_columns() {
    let folder = folder();
    let at = folder.path();
    stdout(at, "prune --arch vgg2-16 --density 0.05 -o m");
    let text = stdout(at, "inspect --arch vgg2-16 --mask m --metrics");
    for words in [
        "Cost, share of",
        "Kept weights one by one",
        "Units of each layer",
        "Mean square",
        "Random walks",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(text.contains("stub: has weights on one side only"), "{text}");
    assert!(widest(&text) <= 100, "{}: {text}", widest(&text));
}

#[test]
fn path_counts_are_exact_however_large() {
    let folder = folder();
    let at = folder.path();
    let wide = ["1000"; 15].join("-");
    let line = format!("inspect --arch mlp-{wide} --metrics --json");
    let report: serde_json::Value = serde_json::from_str(&stdout(at, &line)).unwrap();
    let exact = format!("1{}", "0".repeat(45));
    assert_eq!(report["metrics"]["paths"], exact);
    assert_eq!(report["metrics"]["paths_dense"], exact);
}

#[test]
fn claims_come_as_a_table_and_their_settings_where_they_are_asked_for() {
    let folder = folder();
    let at = folder.path();
    let short = stdout(at, "verify --scale small");
    assert!(short.starts_with("claim "), "{short}");
    assert!(short.contains("lemma4") && !short.contains("expected  "), "{short}");
    let long = stdout(at, "verify --scale small -v");
    assert!(long.starts_with("claim ") && long.contains("expected  "), "{long}");
    let named = stdout(at, "verify lemma3 --scale small");
    assert!(named.starts_with("lemma3: ") && named.contains("expected  "), "{named}");
}
