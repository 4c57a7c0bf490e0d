//! Pruning in the course of training, runs side by side and measures on data, end to end.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use phew_graph::Mask;
use serde_json::Value;

use crate::common::{command, json, refuses, stdout};

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
        ("at:0 --method gradient-paths --per-class 5 --density 0.2", phase(1), 1, "gradient-paths"),
        (
            "rewind --method top-paths --density 0.5,0.2",
            [phase(0), phase(1), phase(2)].concat(),
            2,
            "top-paths",
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
        let result = json(dir, &line);
        let run = dir.join(format!("run-{number}"));
        assert_eq!(epochs(&run), wanted, "{options}");
        assert_eq!((&result["epochs"], &result["steps"]), (&3.into(), &30.into()), "{options}");
        let density = if number == 0 { 0.1 } else { 0.2 };
        let (kept, prunable) = (result["kept"].as_f64().unwrap(), result["prunable"].as_f64());
        assert!((kept / prunable.unwrap() - density).abs() < 0.003, "{options}: {kept}");
        // The mask is one that all other commands read.
        let mask = format!("run-{number}/mask-{masks}.safetensors");
        let line = format!("inspect --arch run-{number}/arch.toml --mask {mask} --json");
        let shown = json(dir, &line);
        assert_eq!(shown["made_by"]["method"], method, "{options}");
        assert_eq!(shown["kept"], result["kept"], "{options}");
        assert!(!run.join(format!("mask-{}.safetensors", masks + 1)).exists(), "{options}");
        assert!(result["test"]["top1"].as_f64().unwrap() > 0.2, "{options}: {result}");
    }
}

#[test]
fn walks_in_the_course_of_training_stay_within_the_masks_before() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    recipe(dir);
    // Sparse masks leave inputs without weights, from which walks have only pruned ones to go.
    stdout(dir, "prune --arch mlp-bn-784-20-10 --method magnitude --density 0.05 -o given");
    let given = mask(dir, "given");
    for (run, options, first, target) in [
        ("rewound", "--prune rewind:0 --density 0.05,0.045,0.04", None, 635),
        ("gradual", "--prune gradual:10 --density 0.03", None, 476),
        ("masked", "--mask given --prune at:10 --density 0.03", Some(&given), 476),
    ] {
        let line = format!("train --recipe r.toml --method phew {options} -o {run} --json");
        let kept = json(dir, &line)["kept"].as_u64().unwrap();
        assert!((target..target + 2).contains(&kept), "{run}: {kept}");
        let files = (1..).map(|number| format!("{run}/mask-{number}.safetensors"));
        let files = files.take_while(|name| dir.join(name).exists());
        let masks: Vec<Mask> =
            first.cloned().into_iter().chain(files.map(|name| mask(dir, &name))).collect();
        assert!(masks.len() > 1, "{run}");
        let nested = |pair: &[Mask]| pair[1].and(&pair[0]).unwrap() == pair[1];
        assert!(masks.windows(2).all(nested), "{run}");
    }
    let line =
        "train --recipe r.toml --method phew --mask given --prune at:10 --density 0.06 -o more";
    let out = command(dir, line).output().unwrap();
    let error = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(1), "{error}");
    assert!(
        error.contains("density 0.06 asks for 952 weights, but paths reach only 794"),
        "{error}"
    );
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
    stdout(dir, &line("whole"));
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
    stdout(dir, &line("parts"));
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
        stdout(dir, &format!("init --arch mlp-bn-784-20-10 --seed {seed} -o w-{seed}"));
        let line = "prune --arch mlp-bn-784-20-10 --density 0.2";
        stdout(dir, &format!("{line} --weights w-{seed} --seed {seed} -o m-{seed}"));
    }
    let line = "--threads 1 train --recipe r.toml --weights w-{seed} --mask m-{seed} --json";
    let all = json(dir, &format!("{line} --seeds 3,5,8 -o all"));
    let mut accuracies = Vec::new();
    for (number, seed) in [3, 5, 8].into_iter().enumerate() {
        let line = line.replace("{seed}", &seed.to_string());
        let alone = json(dir, &format!("{line} --seed {seed} -o alone-{seed}"));
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
    stdout(dir, "prune --arch mlp-bn-784-20-10 --density 0.1 -o m");
    let line = "--threads 1 train --recipe r.toml --mask m";
    let config = |options: &str, run: &str| {
        stdout(dir, &format!("{line} {options} -o {run}"));
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
    let text = stdout(dir, "train --recipe r.toml --precision bf16 --dry-run");
    assert!(text.contains("precision = \"bf16\""), "{text}");
    let line = "--threads 1 train --recipe r.toml --json";
    let plain = json(dir, &format!("{line} -o f32"));
    let low = json(dir, &format!("{line} --precision bf16 -o bf16"));
    let loss = |result: &Value| result["train"]["loss"].as_f64().unwrap();
    let difference = (loss(&plain) - loss(&low)).abs();
    assert!(difference > 0.0 && difference < 0.1, "{difference}");
}

#[test]
fn measures_of_a_dense_and_a_masked_network_stand_side_by_side() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let arch = "--arch mlp-784-30-20-10 --seed 1";
    stdout(dir, &format!("prune {arch} --density 0.1 -o m"));
    let line = format!("measure {arch} --mask m --data digits --per-class 3 --inputs 6 --json");
    let exact = json(dir, &format!("{line} --gradients g.safetensors"));
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
    let free = json(dir, &format!("{line} --matrix-free --top 3"));
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
    stdout(dir, &format!("prune {arch} --density 0.1 --scores g.safetensors -o by-gradient"));
    let report = json(dir, &line.replace("--mask m", "gradient --mask by-gradient"));
    assert!(number(&report["gradient_share"]["magnitude"]) > share, "{report}");
    assert!(report["dense"]["kernel"].is_null());
    assert!(stdout(dir, &line.replace(" --json", "")).contains("gradient norm"));
}

/// Kept weights of a mask file, which its metadata does not change.
fn mask(folder: &Path, name: &str) -> Mask {
    Mask::load(&folder.join(name)).unwrap().0
}

#[test]
fn paths_are_ranked_by_the_gradient_until_a_density_is_reached() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let arch = "--arch mlp-784-30-20-10";
    let line = format!("prune {arch} --method gradient-paths --data digits --json");
    let report = json(dir, &format!("{line} --density 0.05 -o by-gradient"));
    let kept = report["kept"].as_u64().unwrap();
    // 5% of 24,320 weights; the last path is kept whole.
    assert!((1_216..1_219).contains(&kept), "{report}");
    assert_eq!((&report["data"], &report["density"]), (&"built-in digits".into(), &0.05.into()));
    let shown = json(dir, &format!("inspect {arch} --mask by-gradient --json"));
    assert_eq!(
        (&shown["effective"], &shown["made_by"]["method"]),
        (&kept.into(), &"gradient-paths".into())
    );
    // They carry more of the gradient than the paths of greatest weights, as many and as dense.
    stdout(dir, &format!("prune {arch} --method top-paths --density 0.05 -o by-weight"));
    let share = |mask: &str| {
        let report = json(dir, &format!("measure gradient {arch} --mask {mask} --json"));
        report["gradient_share"]["magnitude"].as_f64().unwrap()
    };
    assert!(share("by-gradient") > 1.5 * share("by-weight"));
    // The images decide; the same images give the same paths as the gradient that `phew measure` writes.
    stdout(dir, &format!("{line} --density 0.05 --data-seed 1 -o other"));
    assert_ne!(mask(dir, "other"), mask(dir, "by-gradient"));
    stdout(dir, &format!("measure gradient {arch} --gradients g"));
    stdout(
        dir,
        &format!("prune {arch} --method top-paths --weights g --paths 200 -o in-two-steps"),
    );
    stdout(dir, &format!("{line} --paths 200 -o in-one"));
    assert_eq!(mask(dir, "in-two-steps"), mask(dir, "in-one"));
}

#[test]
fn every_option_of_a_method_of_data_changes_its_mask_and_is_noted() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let cases = [
        (
            "grasp --data digits",
            vec![
                ("--temperature 1", "temperature", Value::from("1")),
                ("--parameters all", "parameters", "all".into()),
                ("--mode eval", "mode", "eval".into()),
                ("--per-class 3", "per_class", 3.into()),
                ("--score-batch 20", "score_batch", 20.into()),
                ("--data-seed 4", "data_seed", 4.into()),
                ("--schedule linear:2", "schedule", "linear:2".into()),
                ("--allocation uniform", "allocation", "uniform".into()),
            ],
        ),
        (
            "ntk-sap --schedule exponential:2",
            vec![("--draws 2", "draws", "2".into()), ("--epsilon 0.5", "epsilon", "0.5".into())],
        ),
    ];
    for (method, options) in cases {
        let line = format!(
            "prune --arch mlp-bn-784-30-10 --density 0.1 --json --force --method {method} -o"
        );
        let usual = json(dir, &format!("{line} usual"));
        for (option, name, value) in options {
            let report = json(dir, &format!("{line} other {option}"));
            assert_eq!(report["parameters"][name], value, "{option}");
            assert_ne!(usual["parameters"][name], value, "{option}");
            assert_ne!(mask(dir, "usual"), mask(dir, "other"), "{option} changes nothing");
        }
    }
    let line = "prune --arch mlp-bn-784-30-10 --density 0.1 -o m --method";
    for (options, part) in [
        ("snip --data digits --temperature 2", "--temperature is not an option of method `snip`"),
        ("snip --data digits --parameters all", "--parameters is not an option of method `snip`"),
        ("grasp --data digits --draws 2", "--draws is not an option of method `grasp`"),
        ("grasp --data digits --epsilon 0.5", "--epsilon is not an option of method `grasp`"),
        ("grasp --data digits --temperature 0", "temperature is 0, expected a positive number"),
        ("grasp --data digits --parameters some", "--parameters"),
        ("grasp --data digits --mode both", "possible values: train, eval"),
        ("grasp --data digits --per-class 0", "images of a class: found 0, expected 1 or more"),
        ("ntk-sap --draws 0", "draws is 0, expected a number of at least 1"),
        ("ntk-sap --epsilon=-1", "epsilon is -1, expected a positive number"),
        ("ntk-sap --mode eval", "--mode is not an option of method `ntk-sap`"),
        ("magnitude --data digits", "--data is not an option of method `magnitude`"),
        ("synflow-spatial --data digits", "--data is not an option of method `synflow-spatial`"),
        ("top-paths --data digits", "--data is not an option of method `top-paths`"),
        (
            "gradient-paths --data digits --mode eval --temperature 2",
            "--temperature is not an option",
        ),
    ] {
        refuses(dir, &format!("{line} {options}"), 2, &[part]);
    }
    assert!(!dir.join("m").exists());
}

#[test]
fn methods_of_data_score_the_transformation_task_by_its_own_loss() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let line = "prune --arch mlp-bn-784-20-784 --density 0.1 --force --json --data digits --method";
    for method in ["snip", "grasp", "gradient-paths"] {
        let report = json(dir, &format!("{line} {method} --transform 3 -o three"));
        assert_eq!(report["parameters"]["transform"], 3);
        stdout(dir, &format!("{line} {method} --transform 4 -o four"));
        assert_ne!(mask(dir, "three"), mask(dir, "four"), "{method}");
        refuses(dir, &format!("{line} {method} -o none"), 2, &["expected 10, the classes of"]);
    }
    // The mean square of normalised outputs is near 1; the cross-entropy of 784 classes would be in the hundreds.
    let arch = "--arch mlp-bn-784-20-784";
    let measured =
        json(dir, &format!("measure gradient {arch} --transform 3 --gradients g --json"));
    let loss = measured["dense"]["gradient"]["loss"].as_f64().unwrap();
    assert!(loss > 0.05 && loss < 10.0, "{loss}");
    // It is that loss whose gradient ranks paths, and that of a training of the task too.
    stdout(
        dir,
        &format!("prune {arch} --method top-paths --weights g --density 0.1 -o in-two-steps"),
    );
    stdout(dir, &format!("{line} gradient-paths --transform 3 -o three"));
    assert_eq!(mask(dir, "in-two-steps"), mask(dir, "three"));
    let text = "about = 'a test'\narch = 'mlp-bn-784-20-784'\nepochs = 1\nbatch = 500\n\
         [data]\nset = 'digits'\ntransform = { seed = 3 }\n\
         [loss]\nkind = 'mean-square'\n[optimiser]\nkind = 'adam'\n[schedule]\nrate = 0.001\n";
    std::fs::write(dir.join("t.toml"), text).unwrap();
    for method in ["snip", "gradient-paths"] {
        let line = format!("{line} {method} --transform 3 -o three");
        stdout(dir, &line);
        let train = "train --recipe t.toml --prune at:0 --density 0.1";
        stdout(dir, &format!("{train} --method {method} -o run-{method}"));
        let trained = mask(dir, &format!("run-{method}/mask-1.safetensors"));
        assert_eq!(trained, mask(dir, "three"), "{method}");
    }
}

#[test]
fn rivals_with_questions_of_their_own_are_answered() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let line = "prune --arch mlp-784-30-10 --density 0.1 --json --method";
    let sap = json(dir, &format!("{line} ntk-sap --schedule exponential:5 -o sap"));
    let px = json(dir, &format!("{line} px --schedule exponential:5 --data digits -o px"));
    for report in [&sap, &px] {
        assert_eq!(report["kept"], 2_382, "{report}");
    }
    assert_eq!(px["parameters"]["per_class"], 10);
    refuses(dir, &format!("{line} px -o p"), 2, &["name a set with --data"]);
    refuses(dir, &format!("{line} ntk-sap --data digits -o p"), 2, &["--data is not an option"]);
}

#[test]
fn a_pruning_in_the_course_of_training_takes_the_options_of_its_method_and_records_them() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    recipe(dir);
    let mask = |name: &str, options: &str| {
        stdout(dir, &format!("train --recipe r.toml --prune {options} -o {name}"));
        let config = std::fs::read_to_string(dir.join(name).join("config.toml")).unwrap();
        let (mask, _) = Mask::load(&dir.join(name).join("mask-1.safetensors")).unwrap();
        (mask.fingerprint(), config)
    };
    let walks = "at:4 --density 0.2 --method phew";
    let (usual, config) = mask("usual", walks);
    assert!(config.contains("bias = \"magnitude\""), "{config}");
    for (option, recorded) in [
        ("--bias uniform", "bias = \"uniform\""),
        ("--bias inverse", "bias = \"inverse\""),
        ("--starts forward", "starts = \"forward\""),
    ] {
        let (other, config) = mask(&option.replace([' ', '-'], ""), &format!("{walks} {option}"));
        assert!(config.contains(recorded), "{config}");
        assert_ne!(other, usual, "{option}");
    }
    let looks = "at:4 --density 0.2 --method grasp";
    let (usual, _) = mask("grasp", looks);
    for (option, recorded) in [
        ("--mode eval", "mode = \"eval\""),
        ("--score-batch 20", "score_batch = \"20\""),
        ("--temperature 1", "temperature = \"1\""),
        ("--invert", "invert = \"true\""),
        ("--data-seed 9", "data_seed = \"9\""),
    ] {
        let (other, config) = mask(&option.replace([' ', '-'], ""), &format!("{looks} {option}"));
        assert!(config.contains(recorded), "{config}");
        assert_ne!(other, usual, "{option}");
    }
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
        ("--prune after --density 0.2 --per-class 3", "--per-class is not an option of method"),
        ("--prune at:0 --density 0.2 --method top-paths --schedule linear:3", "--schedule is not"),
        ("--per-class 3", "--per-class needs --prune"),
        ("--bias uniform", "--bias needs --prune"),
        ("--prune after --density 0.2 --bias uniform", "--bias is not an option of method"),
        ("--prune at:0 --density 0.2 --method top-paths --paths 3", "--paths"),
        ("--precision f8", "expected f32, bf16 or f16"),
        ("--seed 1 --seeds 1,2", "--seed"),
    ] {
        refuses(dir, &format!("train --recipe r.toml {options} -o run"), 2, &[part]);
    }
    refuses(dir, "measure --arch mlp-784-9 --data digits", 2, &["expected 10, the classes of"]);
    refuses(dir, "measure kernel --arch mlp-784-10 --gradients g", 2, &["--gradients"]);
}
