//! `phew sweep` and `phew collect`, end to end.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::{command, folder, json, phew, refuses, stdout};

/// 24 masks of ResNet-20, each looked at in two ways: 72 jobs.
const MASKS: &str = "name = 'masks'\nmeasure = ['widths', 'path-kernel-trace']\n[settings]\narch = 'resnet20'\n\
    [axes]\nmethod = ['phew', 'magnitude', 'random']\ndensity = [0.05, 0.10]\nseed = '0-3'\n";

fn write(at: &Path, name: &str, text: &str) {
    std::fs::write(at.join(name), text).unwrap();
}

/// Jobs that are done.
fn done(sweep: &Path) -> usize {
    let Ok(jobs) = std::fs::read_dir(sweep.join("jobs")) else { return 0 };
    jobs.filter(|job| job.as_ref().unwrap().path().join("result.json").exists()).count()
}

/// Starts a sweep, and waits until so many more jobs are done.
fn start(at: &Path, line: &str, sweep: &str, more: usize) -> Child {
    let before = done(&at.join(sweep));
    let mut child = command(at, line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    while done(&at.join(sweep)) < before + more {
        assert!(child.try_wait().unwrap().is_none(), "it was faster than the test");
        assert!(started.elapsed() < Duration::from_secs(300), "the sweep hangs");
        std::thread::sleep(Duration::from_millis(1));
    }
    child
}

fn tables(at: &Path, sweep: &str) -> Vec<String> {
    stdout(at, &format!("collect {sweep}"));
    let read = |name: &&str| std::fs::read_to_string(at.join(sweep).join(name)).unwrap();
    ["rows.csv", "summary.csv", "pairs.csv"].iter().map(read).collect()
}

#[cfg(unix)]
#[test]
fn a_sweep_that_is_killed_ten_times_ends_with_the_table_of_an_unbroken_one() {
    let folder = folder();
    let at = folder.path();
    write(at, "plan.toml", MASKS);
    let whole = json(at, "sweep plan.toml -o whole --json");
    assert_eq!(
        (&whole["jobs"], &whole["done"], &whole["ran"]),
        (&72.into(), &72.into(), &72.into())
    );
    // Moments that differ from kill to kill, and are the same in every run of the test.
    let mut moment = 12345_u64;
    for _ in 0..10 {
        let mut child = start(at, "sweep plan.toml -o parts --parallel 2", "parts", 2);
        moment = moment.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        std::thread::sleep(Duration::from_micros((moment >> 33) % 5000));
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success());
    }
    let rest = json(at, "sweep plan.toml -o parts --json");
    assert!(rest["done"] == 72 && rest["ran"].as_u64() > Some(0), "{rest}");
    assert_eq!(tables(at, "whole"), tables(at, "parts"));
    let left = std::fs::read_dir(at.join("parts/jobs")).unwrap().flat_map(|job| {
        std::fs::read_dir(job.unwrap().path()).unwrap().map(|file| file.unwrap().file_name())
    });
    assert!(left.into_iter().all(|name| !name.to_string_lossy().starts_with(".phew-")));

    let status = json(at, "sweep status parts --json");
    assert_eq!((&status["cells"], &status["cells_done"]), (&24.into(), &24.into()));
    assert_eq!(status["tools"]["prune"]["done"], 24);
    let collected = json(at, "collect parts --only method=phew,density<0.1 --json");
    assert_eq!((&collected["rows"], &collected["complete"]), (&4.into(), &4.into()));
    let summary = collected["summary"].as_array().unwrap();
    let kept = summary.iter().find(|s| s["value"] == "kept").unwrap();
    assert_eq!((&kept["n"], &kept["settings"]["density"]), (&4.into(), &0.05.into()));
    assert!(kept["interval"][0].as_f64() <= kept["mean"].as_f64(), "{kept}");
}

#[test]
fn what_fails_is_recorded_and_the_rest_goes_on() {
    let folder = folder();
    let at = folder.path();
    write(
        at,
        "plan.toml",
        "name = 'failing'\nmeasure = ['widths']\n[settings]\narch = 'lenet-5'\nmethod = 'magnitude'\n\
         [axes]\ndensity = [0.1, 1.5]\n",
    );
    let run = |options: &str| phew(at, &format!("sweep plan.toml -o s --json {options}"));
    let output = run("");
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("1 of the jobs failed, 1 more need"), "{error}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&report["done"], &report["ran"], &report["blocked"]),
        (&2.into(), &2.into(), &1.into())
    );
    let (id, message) = report["failed"].as_object().unwrap().iter().next().unwrap();
    assert!(message.as_str().unwrap().contains("density"), "{message}");
    let recorded = std::fs::read_to_string(at.join(format!("s/jobs/{id}/error.json"))).unwrap();
    assert!(recorded.contains("\"error\"") && recorded.contains("1.5"), "{recorded}");
    // It is not tried again unless that is asked for.
    let again = |options: &str| {
        let report: Value = serde_json::from_slice(&run(options).stdout).unwrap();
        (report["ran"].as_u64().unwrap(), report["failed"].as_object().unwrap().len())
    };
    let time = || {
        std::fs::metadata(at.join(format!("s/jobs/{id}/error.json"))).unwrap().modified().unwrap()
    };
    let first = time();
    assert_eq!((again(""), time() == first), ((0, 1), true));
    assert_eq!((again("--retry-failed"), time() == first), ((0, 1), false));
    assert_eq!(json(at, "sweep status s --json")["tools"]["prune"]["failed"], 1);
    // A row for it too, which says what is missing.
    let collected = json(at, "collect s --json");
    assert_eq!((&collected["rows"], &collected["complete"]), (&2.into(), &1.into()), "{collected}");
}

#[test]
fn a_plan_that_grows_runs_what_is_new_and_two_plans_share_results() {
    let folder = folder();
    let at = folder.path();
    let plan = |name: &str, seeds: &str, measures: &str| {
        let text = format!(
            "name = '{name}'\nmeasure = [{measures}]\n[settings]\narch = 'lenet-5'\ndensity = '0.10'\n\
             [axes]\nmethod = ['phew', 'random']\nseed = '{seeds}'\n"
        );
        write(at, &format!("{name}.toml"), &text);
    };
    let ran = |line: &str| json(at, line)["ran"].as_u64().unwrap();
    plan("a", "0-1", "'widths'");
    assert_eq!(ran("sweep a.toml -o a --json"), 8);
    assert_eq!(ran("sweep a.toml -o a --json"), 0);
    plan("a", "0-2", "'widths'");
    assert_eq!(ran("sweep a.toml -o a --json"), 4);
    plan("a", "0-2", "'widths', 'isometry'");
    assert_eq!(ran("sweep a.toml -o a --json"), 6);
    plan("b", "1-3", "'widths'");
    assert_eq!(ran("sweep b.toml -o b --store a --only seed<3 --json"), 0);
    let status = json(at, "sweep status b --json");
    assert_eq!((&status["cells"], &status["cells_done"]), (&6.into(), &4.into()));
    assert_eq!(ran("sweep b.toml -o b --store a --max-jobs 3 --json"), 3);
    assert_eq!(ran("sweep b.toml -o b --store a --json"), 1);
    assert!(!at.join("b/jobs").exists());
    assert_eq!(json(at, "collect b --json")["complete"], 6);
}

#[test]
fn two_processes_at_one_folder_do_each_job_once() {
    let folder = folder();
    let at = folder.path();
    write(at, "plan.toml", MASKS);
    let spawn = || {
        let mut line = command(at, "sweep plan.toml -o s --json --parallel 1");
        line.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let both = [spawn(), spawn()].map(|child| child.wait_with_output().unwrap());
    let reports = both.map(|output| {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    });
    assert!(reports.iter().all(|report| report["done"] == 72));
    assert_eq!(reports.iter().map(|report| report["ran"].as_u64().unwrap()).sum::<u64>(), 72);
}

#[test]
fn the_result_of_another_job_and_a_damaged_one_are_refused_by_name() {
    let folder = folder();
    let at = folder.path();
    write(
        at,
        "plan.toml",
        "name = 'a'\nmeasure = []\n[settings]\narch = 'lenet-5'\ndensity = 0.1\n[axes]\nseed = '0-1'\n",
    );
    let line = "sweep plan.toml -o s";
    stdout(at, line);
    let jobs: Vec<_> =
        std::fs::read_dir(at.join("s/jobs")).unwrap().map(|j| j.unwrap().path()).collect();
    let [one, two] = [&jobs[0], &jobs[1]].map(|job| job.join("result.json"));
    let text = std::fs::read(&one).unwrap();
    std::fs::copy(&two, &one).unwrap();
    let [a, b] = [&jobs[0], &jobs[1]].map(|job| job.file_name().unwrap().to_str().unwrap());
    let named = format!("{a}/result.json: is the result of job {b}");
    for line in [line, "sweep status s", "collect s"] {
        refuses(at, line, 1, &[&named]);
    }
    std::fs::write(&one, &text[..text.len() / 2]).unwrap();
    refuses(at, line, 1, &[&format!("{a}/result.json: is damaged")]);
    std::fs::write(&one, text).unwrap();
    stdout(at, line);
}

#[test]
fn a_list_of_commands_does_the_same_in_any_order() {
    let folder = folder();
    let at = folder.path();
    let plan = "name = 'l'\nmeasure = ['widths', 'jaccard']\n[settings]\narch = 'lenet-5'\ndensity = 0.1\n\
        transformation = 'shuffle'\nagainst.transformation = 'none'\n[axes]\nseed = '0-1'\n";
    write(at, "plan.toml", plan);
    let list = stdout(at, "sweep plan.toml -o l --engine list");
    let lines: Vec<&str> = list.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!((lines.len(), list.matches("# level").count()), (8, 3), "{list}");
    let level = std::fs::read_to_string(at.join("l/list/level-0.txt")).unwrap();
    assert_eq!(level.lines().count(), 2);
    for line in lines.iter().rev() {
        let status =
            std::process::Command::new("sh").args(["-c", line]).stdout(Stdio::null()).status();
        assert!(status.unwrap().success(), "{line}");
    }
    assert_eq!(stdout(at, "sweep plan.toml -o l --engine list"), "");
    stdout(at, "sweep plan.toml -o local");
    assert_eq!(tables(at, "l"), tables(at, "local"));
    let rows = std::fs::read_to_string(at.join("l/rows.jsonl")).unwrap();
    let row: Value = serde_json::from_str(rows.lines().next().unwrap()).unwrap();
    let jaccard = row["values"]["jaccard"].as_f64().unwrap();
    assert!(jaccard > 0.0 && jaccard < 0.5, "{row}");
    assert!(row["values"]["layers.2.density"].as_f64().is_some(), "{row}");
}

#[test]
fn a_dry_run_writes_nothing_and_estimates_all() {
    let folder = folder();
    let at = folder.path();
    write(at, "plan.toml", MASKS);
    let report = json(at, "sweep plan.toml -o s --dry-run --json");
    assert!(!at.join("s").exists());
    let kinds = report["kinds"].as_array().unwrap();
    assert_eq!(kinds.iter().map(|kind| kind["jobs"].as_u64().unwrap()).sum::<u64>(), 72);
    assert!(kinds.iter().all(|kind| kind["seconds"].as_f64() > Some(0.0)), "{report}");
    assert!(report["seconds"].as_f64() > Some(0.0));
    let text = stdout(at, "sweep plan.toml -o s --dry-run --only method=random");
    assert!(text.contains("prune resnet20 random") && text.contains("to go"), "{text}");
}

#[test]
fn plans_that_make_no_sense_are_refused_before_anything_runs() {
    let folder = folder();
    let at = folder.path();
    let begin = "name = 'a'\nmeasure = ['widths']\n[settings]\narch = 'lenet-5'\ndensity = 0.1\n";
    for (more, parts) in [
        ("bais = 'square'", &["plan.toml", "`bais`", "no command has such an option"][..]),
        ("prune.bais = 'square'", &["`prune` has no such option"]),
        ("bias = 'steep'", &["prune: invalid value 'steep' for '--bias"]),
        ("weights = 'w.safetensors'", &["setting `weights`", "w.safetensors"]),
        ("transformation = 'turn'", &["\"turn\"", "shuffle, widen, repair"]),
        ("factor = 3", &["`factor`", "one of widen"]),
        ("output = 'x'", &["`output`"]),
    ] {
        write(at, "plan.toml", &format!("{begin}{more}\n"));
        refuses(at, "sweep plan.toml -o s", 2, parts);
    }
    write(at, "plan.toml", begin);
    refuses(at, "sweep plan.toml -o s --only density", 2, &["expected NAME=VALUE"]);
    refuses(at, "sweep none.toml -o s", 2, &["none.toml"]);
    refuses(at, "sweep plan.toml -o plan.toml", 2, &["is a file, expected a folder"]);
    refuses(at, "sweep status .", 1, &["no folder of a sweep"]);
    refuses(at, "sweep", 2, &["PLAN.toml"]);
}

#[test]
fn a_plan_may_ask_for_the_engine_where_methods_need_derivatives() {
    let folder = folder();
    let at = folder.path();
    let plan = "name = 'engine'\nmeasure = ['widths']\n[settings]\narch = 'lenet-5'\ndensity = 0.1\ndata = 'digits'\n\
                per-class = 2\noracle = 'engine'\n[axes]\nmethod = ['snip', 'synflow-spatial', 'phew']\n";
    write(at, "plan.toml", plan);
    assert_eq!(json(at, "sweep plan.toml -o s --json")["ran"], 6);
    stdout(at, "collect s");
    let rows = std::fs::read_to_string(at.join("s/rows.jsonl")).unwrap();
    let rows: Vec<Value> = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 3);
    for row in rows {
        let id = row["jobs"]["mask"].as_str().unwrap();
        let file = at.join(format!("s/jobs/{id}/mask.safetensors"));
        let note = phew_graph::Mask::load(&file).unwrap().1.unwrap();
        let of_engine = row["settings"]["method"] != "phew";
        let oracle = note.parameters.get("oracle").and_then(Value::as_str);
        assert_eq!(oracle, of_engine.then_some("engine"), "{row}");
        assert_eq!(note.libtorch, None, "{row}");
    }
}

/// Three epochs of ten steps on the built-in digits.
#[cfg(feature = "train")]
fn recipe(at: &Path) {
    write(
        at,
        "r.toml",
        "about = 'a test'\narch = 'mlp-bn-784-20-10'\nepochs = 3\nbatch = 50\nrewind_step = 4\n\
         [data]\nset = 'digits'\ndraw = { train = 500, test = 200 }\n\
         [optimiser]\nkind = 'sgd'\nmomentum = 0.9\n[schedule]\nrate = 0.05\n",
    );
}

/// The value of a row that has these settings.
#[cfg(feature = "train")]
fn value(at: &Path, sweep: &str, settings: &[(&str, &str)], name: &str) -> Value {
    let rows = std::fs::read_to_string(at.join(sweep).join("rows.jsonl")).unwrap();
    let rows = rows.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let fits = |row: &Value| settings.iter().all(|(n, v)| text(&row["settings"][*n]) == *v);
    rows.into_iter().find(fits).unwrap()["values"][name].clone()
}

#[cfg(feature = "train")]
#[test]
fn what_needs_no_mask_and_what_a_gradient_says_are_measured() {
    let folder = folder();
    let at = folder.path();
    write(
        at,
        "plan.toml",
        "name = 'measured'\n\
         measure = ['connection-sensitivity', 'gradient-norm', 'neuron-sparsity', 'recipe', 'examples']\n\
         [settings]\nrecipe = 'resnet20-cifar10'\ndata = 'digits'\ntransform = 3\ncount = 12\n\
         arch = 'mlp-784-20-784'\nmethod = 'phew'\ndensity = 0.1\nper-class = 1\n",
    );
    stdout(at, "--threads 1 sweep plan.toml -o s");
    stdout(at, "collect s");
    let rows = std::fs::read_to_string(at.join("s/rows.jsonl")).unwrap();
    let row: serde_json::Value = serde_json::from_str(rows.lines().next().unwrap()).unwrap();
    let number = |name: &str| row["values"][name].as_f64().unwrap();
    let share = number("sensitivity.0.share") + number("sensitivity.1.share");
    assert!((share - 1.0).abs() < 1e-12 && number("gradient_norm") > 0.0, "{row}");
    assert_eq!((number("recipe.epochs"), number("recipe.drop.2")), (160.0, 120.0));
    assert_eq!(row["series"]["neurons.share"][0], 1.0);
    let id = row["jobs"]["examples"].as_str().unwrap();
    let file = at.join(format!("s/jobs/{id}/examples.safetensors"));
    let tensors = phew_graph::TensorFile::open(&file).unwrap();
    for name in ["inputs", "outputs"] {
        let array = tensors.array(name).unwrap();
        assert_eq!(array.shape(), [12, 1, 28, 28], "{name}");
        assert!(array.iter().all(|value| (0.0..=1.0).contains(value)), "{name}");
    }
    assert_ne!(tensors.array("inputs").unwrap(), tensors.array("outputs").unwrap());
}

#[cfg(all(unix, feature = "train"))]
#[test]
fn trainings_share_what_is_dense_and_go_on_after_a_signal() {
    let folder = folder();
    let at = folder.path();
    recipe(at);
    write(
        at,
        "plan.toml",
        "name = 'training'\nmeasure = ['accuracy', 'curves', 'gradient-norm']\n\
         [settings]\nrecipe = 'r.toml'\nper-class = 3\nepochs = 2\n\
         [axes]\nmethod = ['dense', 'phew', 'snip', 'magnitude']\ndensity = [0.2]\n\
         prune = ['none', 'after', 'restart:3', 'restart:5', 'rewind']\n\
         [[exclude]]\nprune = ['after', 'restart:3', 'restart:5', 'rewind']\nmethod = ['dense', 'phew', 'snip']\n\
         [[override]]\nwhen = { prune = 'rewind' }\nset = { density = '0.5,0.2' }\n",
    );
    let line = |sweep: &str| format!("--threads 1 sweep plan.toml -o {sweep}");
    stdout(at, &line("whole"));
    // dense, three masks' trainings, `after`, two restarts, two of `rewind`.
    let status = json(at, "sweep status whole --json");
    assert_eq!(status["tools"]["train"]["jobs"], 9, "{status}");
    let mut child = start(at, &line("parts"), "parts", 1);
    let sent = std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(75));
    stdout(at, &line("parts"));
    assert_eq!(tables(at, "whole"), tables(at, "parts"));
    let curves = std::fs::read_to_string(at.join("whole/curves.csv")).unwrap();
    assert_eq!(curves.lines().count(), 1 + 2 * 8);
    assert!(value(at, "whole", &[("method", "snip")], "gradient_norm").as_f64() > Some(0.0));

    // What the jobs come to is what one training with its prunings comes to.
    for (options, prune) in [
        ("after --density 0.2", "after"),
        ("restart:3 --density 0.2", "restart:3"),
        ("restart:5 --density 0.2", "restart:5"),
        ("rewind:4 --density 0.5,0.2", "rewind"),
    ] {
        let folder = prune.replace(':', "-");
        let line = format!(
            "--threads 1 train --recipe r.toml --epochs 2 --prune {options} -o {folder} --json"
        );
        let alone = json(at, &line);
        let settings = [("method", "magnitude"), ("prune", prune)];
        assert_eq!(alone["test"]["top1"], value(at, "whole", &settings, "accuracy"), "{prune}");
        assert_eq!(alone["test"]["loss"], value(at, "whole", &settings, "test_loss"), "{prune}");
        assert_eq!(
            value(at, "whole", &settings, "density").as_f64().map(|d| (d * 10.0).round()),
            Some(2.0)
        );
    }

    // A step that another plan begins from is kept of the dense network that is there, and nothing else is trained anew.
    write(
        at,
        "more.toml",
        "name = 'more'\nmeasure = ['accuracy']\n\
         [settings]\nrecipe = 'r.toml'\nepochs = 2\nmethod = 'magnitude'\ndensity = 0.2\n\
         [axes]\nprune = ['restart:2', 'restart:3']\n",
    );
    let status = json(at, "--threads 1 sweep more.toml -o more --store whole --json");
    assert_eq!((status["ran"].as_u64(), status["done"].as_u64()), (Some(3), Some(5)), "{status}");
    let line = "--threads 1 train --recipe r.toml --epochs 2 --prune restart:2 --density 0.2 -o two --json";
    let alone = json(at, line);
    stdout(at, "collect more");
    let settings = [("prune", "restart:2")];
    assert_eq!(alone["test"]["loss"], value(at, "more", &settings, "test_loss"));
}
