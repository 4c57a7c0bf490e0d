//! Pruning in the course of training, runs side by side and measures on data, end to end.
#![cfg(feature = "train")]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

fn command(folder: &Path, line: &str) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("phew"));
    command.current_dir(folder).args(line.split_whitespace());
    command
}

fn phew(folder: &Path, line: &str) -> Output {
    command(folder, line).output().unwrap()
}

fn succeeds(folder: &Path, line: &str) -> String {
    let output = phew(folder, line);
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn object(folder: &Path, line: &str) -> Value {
    serde_json::from_str(&succeeds(folder, line)).unwrap()
}

fn refuses(folder: &Path, line: &str, part: &str) {
    let output = phew(folder, line);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{line}: {stderr}");
    assert!(stderr.contains(part), "{line}: {stderr} lacks {part}");
}

/// Three epochs of ten steps on the built-in digits.
fn recipe(folder: &Path) {
    let text = "about = 'a test'\narch = 'mlp-bn-784-20-10'\nepochs = 3\nbatch = 50\nrewind_step = 4\n\
         [data]\nset = 'digits'\ndraw = { train = 500, test = 200 }\n\
         [optimiser]\nkind = 'sgd'\nmomentum = 0.9\n[schedule]\nrate = 0.05\n";
    std::fs::write(folder.join("r.toml"), text).unwrap();
}

/// The phase and the epoch of each line of a run's metrics.
fn epochs(run: &Path) -> Vec<(u64, u64)> {
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    let text = std::fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|line| (number(&line["phase"]), number(&line["epoch"]))).collect()
}

#[test]
fn every_way_of_pruning_in_the_course_of_training_runs_and_leaves_its_masks() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    recipe(dir);
    let three = [1, 2, 3];
    let phase = |phase| three.map(|epoch| (phase, epoch)).to_vec();
    let cases = [
        ("at:0 --method phew --density 0.1", phase(1), 1, "phew"),
        (
            "at:13 --method snip --per-class 5 --density 0.2",
            vec![(0, 1), (1, 2), (1, 3)],
            1,
            "snip",
        ),
        (
            "at:5 --method synflow --schedule exponential:10 --density 0.2",
            vec![(1, 1), (1, 2), (1, 3)],
            1,
            "synflow",
        ),
        ("after --density 0.2", [phase(0), phase(1)].concat(), 1, "magnitude"),
        (
            "gradual:2 --density 0.2",
            [phase(0), vec![(1, 4), (2, 5)], phase(2)].concat(),
            2,
            "magnitude",
        ),
        ("rewind --density 0.2", [phase(0), phase(1)].concat(), 1, "magnitude"),
        ("rewind:0 --density 0.5,0.2", [phase(0), phase(1), phase(2)].concat(), 2, "magnitude"),
        (
            "rewind --density 0.2 --redraw neuronwise-sparse",
            [phase(0), phase(1)].concat(),
            1,
            "magnitude",
        ),
    ];
    for (number, (options, wanted, masks, method)) in cases.into_iter().enumerate() {
        let line =
            format!("--threads 1 train --recipe r.toml --prune {options} -o run-{number} --json");
        let result = object(dir, &line);
        let run = dir.join(format!("run-{number}"));
        assert_eq!(epochs(&run), wanted, "{options}");
        assert_eq!((&result["epochs"], &result["steps"]), (&3.into(), &30.into()), "{options}");
        let density = if number == 0 { 0.1 } else { 0.2 };
        let (kept, prunable) = (result["kept"].as_f64().unwrap(), result["prunable"].as_f64());
        assert!((kept / prunable.unwrap() - density).abs() < 0.003, "{options}: {kept}");
        // The mask is one that all other commands read, and the trained weights are as sparse.
        let mask = format!("run-{number}/mask-{masks}.safetensors");
        let line = format!(
            "inspect --arch run-{number}/arch.toml --weights run-{number}/weights.safetensors --mask {mask} --json"
        );
        let shown = object(dir, &line);
        assert_eq!(shown["made_by"]["method"], method, "{options}");
        assert_eq!(shown["kept"], result["kept"], "{options}");
        assert!(!run.join(format!("mask-{}.safetensors", masks + 1)).exists(), "{options}");
        assert!(result["test"]["top1"].as_f64().unwrap() > 0.2, "{options}: {result}");
    }
}

#[cfg(unix)]
#[test]
fn a_killed_run_of_iterative_pruning_goes_on_and_ends_with_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    recipe(dir);
    let line = |run: &str| {
        format!(
            "--threads 1 train --recipe r.toml --epochs 4 --prune rewind:7 --density 0.5,0.2,0.1 --method grasp -o {run}"
        )
    };
    succeeds(dir, &line("whole"));
    let run = dir.join("parts");
    for (signal, lines) in [("-KILL", 2), ("-TERM", 5), ("-KILL", 9), ("-USR1", 12)] {
        let mut child = command(dir, &line("parts")).stderr(Stdio::null()).spawn().unwrap();
        let started = Instant::now();
        let done = || std::fs::read_to_string(run.join("metrics.jsonl")).unwrap_or_default();
        while done().lines().count() < lines {
            assert!(child.try_wait().unwrap().is_none(), "it was faster than the test");
            assert!(started.elapsed() < Duration::from_secs(300), "the run hangs");
            std::thread::sleep(Duration::from_millis(1));
        }
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let code = child.wait().unwrap().code();
        assert_eq!(code, if signal == "-KILL" { None } else { Some(75) }, "{signal}");
    }
    succeeds(dir, &line("parts"));
    for file in ["weights", "mask-1", "mask-2", "mask-3", "early"] {
        let read = |run: &str| std::fs::read(dir.join(run).join(format!("{file}.safetensors")));
        assert!(read("whole").unwrap() == read("parts").unwrap(), "{file} differs");
    }
    assert_eq!(epochs(&dir.join("whole")), epochs(&run));
}

#[test]
fn runs_side_by_side_give_what_each_gives_alone() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    recipe(dir);
    for seed in [3, 5, 8] {
        succeeds(dir, &format!("init --arch mlp-bn-784-20-10 --seed {seed} -o w-{seed}"));
        let line = "prune --arch mlp-bn-784-20-10 --density 0.2";
        succeeds(dir, &format!("{line} --weights w-{seed} --seed {seed} -o m-{seed}"));
    }
    let line = "--threads 1 train --recipe r.toml --weights w-{seed} --mask m-{seed} --json";
    let all = object(dir, &format!("{line} --seeds 3,5,8 -o all"));
    let mut accuracies = Vec::new();
    for (number, seed) in [3, 5, 8].into_iter().enumerate() {
        let line = line.replace("{seed}", &seed.to_string());
        let alone = object(dir, &format!("{line} --seed {seed} -o alone-{seed}"));
        let run = &all["runs"][number];
        assert_eq!((&run["seed"], &run["test"]), (&alone["seed"], &alone["test"]));
        for file in ["weights.safetensors", "metrics.jsonl", "config.toml"] {
            let read = |run: String| std::fs::read(dir.join(run).join(file)).unwrap();
            assert!(read(format!("all/seed-{seed}")) == read(format!("alone-{seed}")), "{file}");
        }
        accuracies.push(alone["test"]["top1"].as_f64().unwrap());
    }
    let mean = accuracies.iter().sum::<f64>() / 3.0;
    let variance = accuracies.iter().map(|a| (a - mean).powi(2)).sum::<f64>() / 2.0;
    assert!((all["mean"].as_f64().unwrap() - mean).abs() < 1e-12);
    assert!((all["deviation"].as_f64().unwrap() - variance.sqrt()).abs() < 1e-12);
}

#[test]
fn a_mask_can_be_given_new_weights() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    recipe(dir);
    succeeds(dir, "prune --arch mlp-bn-784-20-10 --density 0.1 -o m");
    let line = "--threads 1 train --recipe r.toml --mask m";
    let config = |options: &str, run: &str| {
        succeeds(dir, &format!("{line} {options} -o {run}"));
        let text = std::fs::read_to_string(dir.join(run).join("config.toml")).unwrap();
        text.lines().find(|line| line.starts_with("weights")).unwrap().to_owned()
    };
    let weights = [
        config("", "own"),
        config("--redraw dense", "dense"),
        config("--redraw layerwise-sparse", "layerwise"),
        config("--redraw neuronwise-sparse", "neuronwise"),
        config("--redraw dense --redraw-seed 9", "other"),
    ];
    // All differ, and the same request is the same run.
    let distinct: std::collections::BTreeSet<&String> = weights.iter().collect();
    assert_eq!(distinct.len(), 5, "{weights:?}");
    assert_eq!(config("--redraw dense --redraw-seed 1", "again"), weights[1]);
}

#[test]
fn low_precision_trains_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    recipe(dir);
    let text = succeeds(dir, "train --recipe r.toml --precision bf16 --dry-run");
    assert!(text.contains("precision = \"bf16\""), "{text}");
    let line = "--threads 1 train --recipe r.toml --json";
    let plain = object(dir, &format!("{line} -o f32"));
    let low = object(dir, &format!("{line} --precision bf16 -o bf16"));
    let loss = |result: &Value| result["train"]["loss"].as_f64().unwrap();
    let difference = (loss(&plain) - loss(&low)).abs();
    assert!(difference > 0.0 && difference < 0.1, "{difference}");
}

#[test]
fn measures_of_a_dense_and_a_masked_network_stand_side_by_side() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let arch = "--arch mlp-784-30-20-10 --seed 1";
    succeeds(dir, &format!("prune {arch} --density 0.1 -o m"));
    let line = format!("measure {arch} --mask m --data digits --per-class 3 --inputs 6 --json");
    let exact = object(dir, &format!("{line} --gradients g.safetensors"));
    let number = |value: &Value| value.as_f64().unwrap();
    assert_eq!((&exact["images"], &exact["inputs"]), (&30.into(), &6.into()));
    // At initialisation the loss is that of guesses: ln 10 where outputs are near 0, as the masked network's are.
    let losses = ["dense", "masked"].map(|which| number(&exact[which]["gradient"]["loss"]));
    assert!((losses[1] - 2.3).abs() < 0.5 && losses[0] > 2.0 && losses[0] < 5.0, "{losses:?}");
    assert!(
        number(&exact["masked"]["jacobian"]["mean"]) < number(&exact["dense"]["jacobian"]["mean"])
    );
    let share = number(&exact["gradient_share"]["magnitude"]);
    let square = number(&exact["gradient_share"]["square"]);
    assert!(number(&exact["density"]) < share && share < square && square < 1.0, "{exact}");
    let free = object(dir, &format!("{line} --matrix-free --top 3"));
    for which in ["dense", "masked"] {
        let near = |a: f64, b: f64, scale: f64| assert!((a - b).abs() < 1e-3 * scale, "{a} {b}");
        let [e, f] = [&exact, &free].map(|report| &report[which]);
        for k in 0..3 {
            let values = [e, f].map(|r| number(&r["kernel"]["eigenvalues"][k]));
            near(values[0], values[1], number(&e["kernel"]["eigenvalues"][0]));
        }
        let scale = number(&e["jacobian"]["greatest"]);
        for end in ["greatest", "least"] {
            near(number(&e["jacobian"][end]), number(&f["jacobian"][end]), scale);
        }
        assert!(f["jacobian"]["mean"].is_null() && f["kernel"]["trace"].is_null());
    }
    // The gradient as scores: walks that follow it.
    succeeds(dir, &format!("prune {arch} --density 0.1 --scores g.safetensors -o by-gradient"));
    let report = object(dir, &line.replace("--mask m", "gradient --mask by-gradient"));
    assert!(number(&report["gradient_share"]["magnitude"]) > share, "{report}");
    assert!(report["dense"]["kernel"].is_null());
    let ranked = "prune --arch mlp-784-30-20-10 --method top-paths --paths 200 -o p";
    succeeds(dir, &format!("{ranked} --weights g.safetensors"));
    let paths = object(dir, &format!("measure gradient {arch} --mask p --per-class 3 --json"));
    let share = &paths["gradient_share"]["magnitude"];
    assert!(number(share) > 2.0 * number(&paths["density"]), "{paths}");
    assert!(succeeds(dir, &line.replace(" --json", "")).contains("gradient norm"));
}

#[test]
fn rivals_with_questions_of_their_own_are_answered() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let line = "prune --arch mlp-784-30-10 --density 0.1 --json --method";
    let sap = object(dir, &format!("{line} ntk-sap --schedule exponential:5 -o sap"));
    let px = object(dir, &format!("{line} px --schedule exponential:5 --data digits -o px"));
    for report in [&sap, &px] {
        assert_eq!(report["kept"], 2_382, "{report}");
    }
    assert_eq!(px["parameters"]["per_class"], 10);
    refuses(dir, &format!("{line} px -o p"), "name a set with --data");
    refuses(dir, &format!("{line} ntk-sap --data digits -o p"), "looks at no data");
}

#[test]
fn senseless_requests_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    recipe(dir);
    for (options, part) in [
        ("--prune sometimes --density 0.1", "at:STEP"),
        ("--prune after", "--density"),
        ("--density 0.1", "--prune"),
        ("--prune after --density 0.2,0.1", "one --density"),
        ("--prune rewind --density 0.1,0.2", "none greater than the one before"),
        ("--prune at:31 --density 0.2", "found 31, expected 30 or less"),
        ("--prune after --density 0.2 --redraw dense", "--redraw is an option of --mask"),
        ("--redraw dense", "--redraw needs --mask"),
        ("--prune after --density 0.2 --method phew --per-class 3", "not an option of method"),
        ("--precision f8", "expected f32, bf16 or f16"),
        ("--seed 1 --seeds 1,2", "--seed"),
    ] {
        refuses(dir, &format!("train --recipe r.toml {options} -o run"), part);
    }
    refuses(dir, "measure --arch mlp-784-9 --data digits", "10 classes");
    refuses(dir, "measure kernel --arch mlp-784-10 --gradients g", "--gradients");
}
