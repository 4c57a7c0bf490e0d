//! `phew train` and `phew data`, end to end.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{command, json, refuses, stdout};

/// A small recipe: LeNet-5 on 1,000 digits, with checkpoints after every epoch.
fn recipe(folder: &Path, epochs: u32) {
    let text = format!(
        "about = 'a test'\narch = 'lenet-5'\nepochs = {epochs}\nbatch = 50\n\
         [data]\nset = 'digits'\ndraw = {{ train = 1000, test = 200 }}\n\
         [optimiser]\nkind = 'sgd'\nmomentum = 0.9\n[schedule]\nrate = 0.02\n[augment]\npad = 1\n"
    );
    std::fs::write(folder.join("r.toml"), text).unwrap();
}

#[test]
fn a_masked_run_goes_from_initial_weights_to_a_result() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    recipe(dir, 3);
    stdout(dir, "init --arch lenet-5 --seed 3 -o w.safetensors");
    stdout(dir, "prune --arch lenet-5 --weights w.safetensors --density 0.1 -o m.safetensors");
    let line = "--threads 1 train --recipe r.toml --weights w.safetensors --mask m.safetensors -o run --json";
    let result = json(dir, line);
    assert_eq!(result["epochs"], 3);
    assert_eq!(result["steps"], 60);
    assert_eq!(result["method"], "phew, density 0.1, seed 0");
    assert_eq!(result["threads"], 1);
    let (kept, prunable) = (result["kept"].as_u64().unwrap(), result["prunable"].as_u64().unwrap());
    assert_eq!(prunable, 61_470);
    assert!((6_147..6_200).contains(&kept), "{kept}");
    assert!(result["test"]["top1"].as_f64().unwrap() > 0.2, "{result}");
    let metrics = std::fs::read_to_string(dir.join("run/metrics.jsonl")).unwrap();
    assert_eq!(metrics.lines().count(), 3);
    // The trained network is one that phew reads, and it is as sparse as its mask.
    let shown = json(dir, "inspect --arch lenet-5 --mask m.safetensors --json");
    assert_eq!(shown["kept"], kept);
    stdout(dir, "prune --arch lenet-5 --weights run/weights.safetensors --density 0.05 -o again");
    // The same command shows the result of the run that is done; another seed is another run.
    assert_eq!(json(dir, line), result);
    refuses(dir, &format!("{line} --seed 1"), 2, &["holds another run ('seed = 0'"]);
}

#[test]
fn kept_weights_alone_are_trained_as_all_are() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    recipe(dir, 1);
    stdout(dir, "init --arch lenet-5 --seed 3 -o w.safetensors");
    stdout(dir, "prune --arch lenet-5 --weights w.safetensors --density 0.1 -o m.safetensors");
    let line =
        "--threads 1 train --recipe r.toml --weights w.safetensors --mask m.safetensors --json";
    let loss = |options: &str| {
        let result = json(dir, &format!("{line} {options}"));
        result["train"]["loss"].as_f64().unwrap()
    };
    let (by_libtorch, by_kept) = (loss("-o a"), loss("--backend sparse -o b"));
    // Twenty steps on the same batches: roundings alone differ.
    assert!((by_libtorch - by_kept).abs() < 1e-4, "{by_libtorch} {by_kept}");
    let config = std::fs::read_to_string(dir.join("b/config.toml")).unwrap();
    assert!(config.contains("backend = \"sparse\""), "{config}");
    refuses(dir, &format!("{line} -o b"), 2, &["holds another run"]);
    let half = format!("{line} --backend sparse --precision bf16 -o c");
    refuses(dir, &half, 2, &["precision: found bf16, expected f32"]);
}

/// Starts a run and waits until it has done so many epochs.
fn start(folder: &Path, epochs: usize) -> Child {
    let mut child = command(folder, "--threads 1 train --recipe r.toml --seed 2 -o run")
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let started = Instant::now();
    let done = || {
        let text = std::fs::read_to_string(folder.join("run/metrics.jsonl")).unwrap_or_default();
        text.lines().count()
    };
    while done() < epochs {
        assert!(child.try_wait().unwrap().is_none(), "it was faster than the test");
        assert!(started.elapsed() < Duration::from_secs(300), "the run hangs");
        std::thread::sleep(Duration::from_millis(2));
    }
    child
}

#[cfg(unix)]
#[test]
fn signals_write_a_checkpoint_and_a_kill_loses_nothing_that_matters() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, parts) = (dir.path().join("whole"), dir.path().join("parts"));
    for folder in [&whole, &parts] {
        std::fs::create_dir(folder).unwrap();
        recipe(folder, 12);
    }
    stdout(&whole, "--threads 1 train --recipe r.toml --seed 2 -o run");
    for (signal, epochs) in [("-TERM", 2), ("-USR1", 4), ("-KILL", 6)] {
        let mut child = start(&parts, epochs);
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let status = child.wait().unwrap();
        let wanted = if signal == "-KILL" { None } else { Some(75) };
        assert_eq!(status.code(), wanted, "{signal}");
        assert!(!parts.join("run/result.json").exists());
    }
    stdout(&parts, "--threads 1 train --recipe r.toml --seed 2 -o run");
    for file in ["weights.safetensors", "metrics.jsonl", "config.toml"] {
        let read = |folder: &Path| std::fs::read(folder.join("run").join(file)).unwrap();
        assert!(read(&whole) == read(&parts), "{file} differs");
    }
}

#[test]
fn a_dry_run_prints_a_recipe_that_can_be_used() {
    let dir = tempfile::tempdir().unwrap();
    let line = "train --recipe resnet20-cifar10 --epochs 8 --rate 0.2 --data-dir /d --dry-run";
    let text = stdout(dir.path(), line);
    for part in ["at = [4, 6]", "rate = 0.2", "dir = \"/d\"", "weight_decay = 0.0001"] {
        assert!(text.replace("\n    ", "").replace(",\n]", "]").contains(part), "{part}: {text}");
    }
    let steps = stdout(dir.path(), "train --recipe resnet20-cifar10 --drop 0.2 --dry-run");
    assert!(steps.contains("factor = 0.2") && !text.contains("factor = 0.2"), "{steps}");
    std::fs::write(dir.path().join("mine.toml"), &text).unwrap();
    assert_eq!(stdout(dir.path(), "train --recipe mine.toml --dry-run"), text);
    assert!(!dir.path().join("run").exists());
}

#[test]
fn fewer_images_are_taken_of_each_class_alike_and_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    recipe(dir, 1);
    let few = "--train-images 200 --test-images 50";
    let result = json(dir, &format!("--threads 1 train --recipe r.toml {few} -o digits --json"));
    assert_eq!((&result["steps"], &result["data"]), (&4.into(), &"built-in digits".into()));
    let config = std::fs::read_to_string(dir.join("digits/config.toml")).unwrap();
    assert!(config.contains("train = 200\ntest = 50"), "{config}");
    // Of a set in files a part is taken.
    for (part, count) in [("train", 20), ("t10k", 10)] {
        let size = |n: u8| [0, 0, 0, n];
        let head = [[0, 0, 8, 3], size(count), size(8), size(8)].concat();
        let pixels = (0..64 * usize::from(count)).map(|i| (i % 251) as u8);
        let images: Vec<u8> = head.into_iter().chain(pixels).collect();
        std::fs::write(dir.join(format!("{part}-images-idx3-ubyte")), images).unwrap();
        let head = [[0, 0, 8, 1], size(count)].concat();
        let labels: Vec<u8> = head.into_iter().chain((0..count).map(|i| i % 10)).collect();
        std::fs::write(dir.join(format!("{part}-labels-idx1-ubyte")), labels).unwrap();
    }
    let line =
        "--threads 1 train --recipe r.toml --arch mlp-64-4-10 --batch 2 --data mnist --data-dir .";
    let result = json(dir, &format!("{line} --train-images 8 -o part --json"));
    assert_eq!(result["steps"], 4);
    assert!(result["data"].as_str().unwrap().ends_with(", 8 images to train on"), "{result}");
    let config = std::fs::read_to_string(dir.join("part/config.toml")).unwrap();
    assert!(config.contains("[recipe.data.subset]\ntrain = 8\nseed = 0"), "{config}");
    let what = "images to test on: found 11, expected 1 to 10";
    refuses(dir, &format!("{line} --test-images 11 -o more"), 2, &[what]);
}

#[test]
fn scales_of_normalisations_are_the_same_by_whatever_command_they_are_drawn() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    recipe(dir, 1);
    let arch = "--arch mlp-bn-784-20-10";
    stdout(dir, &format!("init {arch} --norm-scale uniform --seed 3 -o w"));
    let by = ["--weights w", "--norm-scale uniform", "--norm-scale one", ""];
    let norms = by.map(|by| {
        let line =
            format!("--threads 1 measure gradient {arch} {by} --data digits --seed 3 --json");
        json(dir, &line)["dense"]["gradient"]["norm"].as_f64().unwrap().to_bits()
    });
    assert_eq!((norms[0], norms[2]), (norms[1], norms[3]));
    assert_ne!(norms[0], norms[2]);
    let runs = by.map(|by| {
        let name = by.replace(['-', ' '], "") + "run";
        stdout(dir, &format!("--threads 1 train --recipe r.toml {arch} {by} --seed 3 -o {name}"));
        let read = |file: &str| std::fs::read(dir.join(&name).join(file)).unwrap();
        let config = String::from_utf8(read("config.toml")).unwrap();
        (read("weights.safetensors"), config.contains("norm_scale = \"uniform\""))
    });
    assert!(runs[0].0 == runs[1].0 && runs[2].0 == runs[3].0 && runs[0].0 != runs[2].0);
    assert_eq!(runs.map(|(_, recorded)| recorded), [false, true, false, false]);
    let masks = ["--norm-scale uniform", "--norm-scale one"].map(|by| {
        let line = format!("prune {arch} {by} --density 0.1 --force -o m --json");
        json(dir, &line)["norm_scale"].clone()
    });
    assert_eq!(masks, ["uniform".into(), serde_json::Value::Null]);
}

#[test]
fn a_run_is_pruned_in_its_course_and_says_when() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    recipe(dir, 2);
    let run = |when: &str| {
        let name = when.replace(':', "-");
        let line = format!("--threads 1 train --recipe r.toml --prune {when} --density 0.1");
        json(dir, &format!("{line} -o {name} --json"))
    };
    let restarted = run("restart:7");
    assert_eq!((&restarted["steps"], &restarted["kept"]), (&40.into(), &6147.into()));
    assert_eq!(restarted["pruning"]["when"], "restart");
    assert_eq!(restarted["remaining"]["step"], serde_json::json!([0, 7, 7, 40]));
    let during = run("during:2");
    assert_eq!((&during["steps"], &during["kept"]), (&40.into(), &6147.into()));
    assert_eq!(during["remaining"]["step"], serde_json::json!([0, 10, 10, 20, 20, 40]));
    let density = during["remaining"]["density"][2].as_f64().unwrap();
    // 0.1 + 0.9 / 8.
    assert!((density - 0.2125).abs() < 1e-4, "{density}");
}

#[test]
fn bad_requests_are_refused_with_one_clear_line() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    recipe(dir, 1);
    std::fs::create_dir(dir.join("damaged")).unwrap();
    for file in ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"] {
        std::fs::write(dir.join("damaged").join(file), "no").unwrap();
    }
    std::fs::write(dir.join("word.toml"), "about = ''\nepochs = 'many'\n").unwrap();
    let cases = [
        ("train --recipe nonsense -o run", 2, "resnet20-cifar10"),
        ("train --recipe none.toml -o run", 1, "none.toml"),
        ("train --recipe r.toml --arch resnet21 -o run", 2, "no network `resnet21`"),
        ("train --recipe r.toml --arch mlp-784-9 -o run", 2, "output of the network: found [9]"),
        ("train --recipe r.toml --rate 0 -o run", 2, "learning rate: found 0"),
        ("train --recipe r.toml --drop 0.2 -o run", 2, "a schedule with steps"),
        ("train --recipe resnet20-cifar10 --drop 0 -o run", 2, "factor: found 0"),
        (
            "train --recipe r.toml --prune restart:99 --density 0.1 -o run",
            2,
            "found 99, expected 20",
        ),
        (
            "train --recipe r.toml --prune during:11 --density 0.1 -o run",
            2,
            "11, expected 10 or fewer",
        ),
        ("train --recipe r.toml --weights w --norm-scale one -o run", 2, "cannot be used with"),
        ("train --recipe r.toml --device cuda:77 -o run", 2, "CUDA is"),
        ("train --recipe r.toml --mask r.toml -o run", 1, "r.toml"),
        ("train --recipe r.toml --data mnist --data-dir . -o run", 1, "phew data fetch mnist"),
        ("train --recipe r.toml --data-dir . -o run", 2, "need no folder"),
        ("train --recipe r.toml", 2, "--output"),
        ("data fetch imagenet", 2, "tiny-imagenet"),
        ("data check cifar10 --dir .", 1, "phew data fetch cifar10"),
        ("data describe mnist-test-split --dir damaged", 1, "t10k-images-idx3-ubyte: 2 bytes"),
        ("data describe folder --dir none", 1, "none/train: not found"),
        ("train --recipe word.toml -o run", 1, "word.toml: is not a recipe: line 2"),
    ];
    for (line, code, part) in cases {
        refuses(dir, line, code, &[part]);
    }
    assert!(!dir.join("run/result.json").exists());
}

#[test]
fn data_sets_are_listed_and_described() {
    let dir = tempfile::tempdir().unwrap();
    assert!(stdout(dir.path(), "data list").contains("tiny-imagenet"));
    let set = json(dir.path(), "data describe digits --json");
    assert_eq!(set["shape"], serde_json::json!([1, 28, 28]));
    assert_eq!(set["train_per_class"][3], 2000);
    assert!(stdout(dir.path(), "data describe digits").contains("20,000 images to train on"));
}

#[test]
fn methods_that_look_at_data_prune_with_the_sets_images() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    for method in ["snip", "grasp"] {
        let line = format!(
            "prune --arch lenet-300-100 --method {method} --density 0.02 --data digits --per-class 5 --json -o {method}"
        );
        let report = json(dir, &line);
        assert_eq!(report["kept"], 5_324);
        assert_eq!(report["parameters"]["per_class"], 5);
        assert_eq!(report["data"], "built-in digits");
        for name in ["data_hash", "device", "libtorch", "threads"] {
            assert!(!report[name].is_null(), "{method}: {name}");
        }
        // Another choice of images, another mask; the same choice, the same bytes.
        stdout(dir, &line.replace(&format!("-o {method}"), "-o again --force"));
        let read = |name: &str| std::fs::read(dir.join(name)).unwrap();
        assert!(read(method) == read("again"));
        stdout(dir, &line.replace(&format!("-o {method}"), "-o again --force --data-seed 1"));
        assert!(read(method) != read("again"));
    }
    let line = "prune --arch lenet-300-100 --density 0.1 -o m --method";
    refuses(dir, &format!("{line} snip"), 2, &["name a set with --data"]);
    refuses(dir, &format!("{line} phew --data digits"), 2, &["--data is not an option"]);
    refuses(dir, &format!("{line} snip --per-class 5"), 2, &["--data"]);
}

/// Whether a signal comes while the program starts, while it draws its data or while it trains: it ends.
#[cfg(unix)]
#[test]
fn no_signal_is_lost_before_training_begins() {
    let dir = tempfile::tempdir().unwrap();
    for (run, seconds) in [1, 2, 4].into_iter().enumerate() {
        let line = format!("--threads 1 train --recipe digits --epochs 100000 -o run-{run}");
        let mut child = command(dir.path(), &line).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_secs(seconds));
        let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let sent = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if sent.elapsed() > Duration::from_secs(120) {
                child.kill().unwrap();
                panic!("after {seconds} s the signal was lost");
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        // Before the program listens, the signal ends it by itself.
        assert!(matches!(status.code(), Some(75) | None), "{status}");
    }
}

#[test]
fn a_training_says_where_its_mask_or_its_pruning_comes_from() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let base = "--threads 1 train --arch lenet-300-100 --train-images 200 --test-images 50 --epochs 1 --json";
    let mut said = Vec::new();
    for bias in ["magnitude", "uniform"] {
        stdout(dir, &format!("prune --arch lenet-300-100 --density 0.1 --bias {bias} -o {bias}.m"));
        let run = json(dir, &format!("{base} --mask {bias}.m -o {bias}"));
        let from = &run["provenance"];
        assert_eq!((&from["method"], &from["parameters"]["bias"]), (&"phew".into(), &bias.into()));
        assert_eq!((&from["run_seed"], &from["weights_seed"]), (&0.into(), &0.into()));
        assert_eq!((&from["density"], &from["kept"]), (&0.1.into(), &run["kept"]));
        for name in ["arch_hash", "data_hash", "device", "libtorch", "mask", "threads", "weights"] {
            assert!(!from[name].is_null(), "{name}");
        }
        // What the folder's file says is what was printed.
        let text = std::fs::read_to_string(dir.join(bias).join("result.json")).unwrap();
        let kept: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(kept["provenance"], *from);
        said.push(from["mask"].clone());
    }
    assert_ne!(said[0], said[1]);
    let prune = "--prune at:2 --method phew --bias square --density 0.2 --method-seed 5";
    let planned = json(dir, &format!("{base} {prune} --dry-run"));
    assert_eq!(
        (&planned["pruner"]["method"], &planned["pruner"]["seed"]),
        (&"phew".into(), &5.into())
    );
    assert_eq!(planned["pruner"]["parameters"]["bias"], "square");
    let text = stdout(dir, &format!("{} {prune} --dry-run", base.replace(" --json", "")));
    assert!(text.contains("# pruner = ") && text.contains("# pruning = "), "{text}");
    // It is still a recipe.
    std::fs::write(dir.join("r.toml"), &text).unwrap();
    stdout(dir, "train --recipe r.toml --dry-run");
    let run = json(dir, &format!("{base} {prune} -o pruned"));
    let from = &run["provenance"];
    assert_eq!(
        (&from["method"], &from["seed"], &from["density"]),
        (&"phew".into(), &5.into(), &0.2.into())
    );
    assert_eq!(from["parameters"]["bias"], "square");
    let dense = json(dir, &format!("{base} -o dense"));
    assert!(dense["provenance"]["method"].is_null() && dense["provenance"]["mask"].is_null());
}

#[test]
fn layers_and_patterns_are_kept_in_the_course_of_training_too() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let base = "--threads 1 train --arch lenet-300-100 --train-images 200 --test-images 50 --epochs 1 --force --json";
    let base = base.replace(" --force", "");
    for (name, method) in [("walks", "phew"), ("scores", "magnitude")] {
        let line =
            format!("{base} --prune at:2 --method {method} --density 0.2 --exclude fc3 -o {name}");
        let run = json(dir, &line);
        assert_eq!(run["provenance"]["parameters"]["layers"], "fc3=1", "{method}");
        let (mask, _) = phew_graph::Mask::load(&dir.join(name).join("mask-1.safetensors")).unwrap();
        let last = mask.layers().iter().find(|layer| layer.name() == "fc3.weight").unwrap();
        assert_eq!(last.kept(), last.len(), "{method}");
        assert!(mask.density() < 0.21, "{method}");
    }
    let pattern = "--prune at:2 --method magnitude --pattern 2:4";
    let run = json(dir, &format!("{base} {pattern} --density 0.5 -o pattern"));
    assert_eq!(run["kept"].as_u64().unwrap() * 2, run["prunable"].as_u64().unwrap());
    refuses(dir, &format!("{base} {pattern} --density 0.4 -o other"), 2, &["needs --density 0.5"]);
}

#[test]
fn tensors_of_one_s_own_are_trained_on_measured_and_scored_by() {
    use phew_graph::ndarray::{Array1, Array2};

    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    // Which of three features is the greatest, as numbers to come close to: the features themselves.
    let inputs = |count: usize, from: f32| {
        Array2::from_shape_fn((count, 3), |(i, j)| ((i as f32 + from) * (1.3 + j as f32)).sin())
    };
    let (train, test) = (inputs(120, 0.0), inputs(30, 0.5));
    let sums = |of: &Array2<f32>| Array1::from_iter(of.rows().into_iter().map(|row| row.sum()));
    let (train_sums, test_sums) = (sums(&train), sums(&test));
    let tensors = [
        ("train.input", train.view().into_dyn()),
        ("train.target", train_sums.view().into_dyn()),
        ("test.input", test.view().into_dyn()),
        ("test.target", test_sums.view().into_dyn()),
    ];
    let path = dir.join("mine.safetensors");
    phew_graph::write_arrays(&path, tensors, None, phew_graph::Overwrite::Refuse).unwrap();
    let data = "--data tensors --data-dir mine.safetensors";
    let report =
        json(dir, &format!("measure gradient --arch mlp-3-8-1 {data} --per-class 20 --json"));
    assert_eq!(report["provenance"]["data"], "mine");
    let snip = format!("prune --arch mlp-3-8-1 --method snip {data} --density 0.5 -o snip --json");
    let mask = json(dir, &snip);
    assert_eq!((&mask["data"], &mask["kept"]), (&"mine".into(), &16.into()));
    let recipe = "about = 'sums'\narch = 'mlp-3-8-1'\ninit = 'kaiming-normal'\nepochs = 20\nbatch = 20\n\
                  [data]\nset = 'tensors'\ndir = 'mine.safetensors'\n[loss]\nkind = 'mean-square'\n\
                  [optimiser]\nkind = 'adam'\n\
                  [schedule]\nrate = 0.01\nfall = { kind = 'exponential', factor = 1.0 }\n";
    std::fs::write(dir.join("r.toml"), recipe).unwrap();
    let line = "train --recipe r.toml --epochs";
    let loss = |epochs: u32| {
        let run = json(dir, &format!("{line} {epochs} -o run-{epochs} --json"));
        run["test"]["loss"].as_f64().unwrap()
    };
    let (first, last) = (loss(1), loss(40));
    assert!(last < 0.5 * first, "{first} {last}");
}

#[test]
fn a_network_run_without_libtorch_is_right_as_often_as_its_training_says() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    stdout(dir, "prune --arch lenet-5 --density 0.2 -o m.safetensors");
    let line = "train --arch lenet-5 --data digits --epochs 1 --batch 500 --mask m.safetensors -o run --json";
    let trained = json(dir, line);
    let line =
        "run --arch lenet-5 --weights run/weights.safetensors --mask m.safetensors --data digits";
    let run = json(dir, &format!("{line} -o y.safetensors --json"));
    assert_eq!(run["inputs"], 4000);
    assert_eq!(run["shape"], serde_json::json!([4000, 10]));
    assert_eq!(run["test"]["data"], "built-in digits");
    // Sums in another order: one of four thousand images may fall to the other side.
    for share in ["top1", "top5"] {
        let [run, trained] = [&run["test"], &trained["test"]].map(|q| q[share].as_f64().unwrap());
        assert!(trained > 0.2 && (run - trained).abs() < 0.0003, "{share} {run} {trained}");
    }
    let [run, trained] = [&run["test"], &trained["test"]].map(|q| q["loss"].as_f64().unwrap());
    assert!((run - trained).abs() < 1e-4 * trained, "{run} {trained}");
    let text = stdout(dir, line);
    assert!(text.contains("\nbuilt-in digits: loss "), "{text}");
    for (line, said) in [
        ("run --arch lenet-5", "--inputs"),
        ("run --arch lenet-5 --data digits --inputs y.safetensors", "cannot be used with"),
        (
            "run --arch lenet-5 --inputs y.safetensors --channels 3 -o z",
            "--channels is for the images of --data",
        ),
        ("run --arch lenet-5 --input 1x30x30 --data digits", "[1, 28, 28] as built-in digits has"),
    ] {
        refuses(dir, line, 2, &[said]);
    }
}
