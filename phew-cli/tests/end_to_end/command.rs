//! `phew init`, `prune` by walks and paths, `doctor`, signals: results, exit codes, bad input.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::common::{command, folder, json, phew, refuses};

#[test]
fn a_network_goes_from_its_weights_to_a_mask() {
    let folder = folder();
    let at = folder.path();
    let init = json(at, "init --arch resnet20 --seed 4 -o w.safetensors --json");
    assert_eq!(init["prunable"], 270_896);
    let report = json(
        at,
        "prune --arch resnet20 --weights w.safetensors --density 0.05 --seed 1 -o m.safetensors --json",
    );
    for key in [
        "method",
        "arch",
        "density",
        "seed",
        "kept",
        "prunable",
        "walks",
        "overshoot",
        "seconds",
        "layers",
    ] {
        assert!(!report[key].is_null(), "{key}");
    }
    assert_eq!(report["target"], 13_544);
    let layers = report["layers"].as_array().unwrap();
    let sum = |key: &str| layers.iter().map(|l| l[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!(sum("kept"), report["kept"].as_u64().unwrap());
    assert_eq!(sum("total"), 270_896);
    assert_eq!(layers[0]["name"], "conv1.weight");
    assert_eq!(layers[0]["shape"], serde_json::json!([16, 3, 3, 3]));
    assert_eq!(layers[0]["units_alive"], 16);

    let again =
        "prune --arch resnet20 --weights w.safetensors --density 0.05 --seed 1 -o n.safetensors";
    let table = String::from_utf8(phew(at, again).stdout).unwrap();
    assert!(table.contains(" walks and ") && table.contains(" weights a second\n"), "{table}");
    for key in ["walks_per_second", "weights_per_second"] {
        assert!(report[key].as_f64().unwrap() > 0.0, "{key}");
    }

    let seen = json(at, "inspect --arch resnet20 --mask m.safetensors --json");
    assert_eq!(seen["kept"], report["kept"]);
    assert_eq!(seen["effective"], report["kept"], "every kept weight is on a path");
    assert_eq!(seen["overshoot"], report["overshoot"]);
    assert_eq!(seen["made_by"]["weights"], init["weights"], "the mask names its weights");
}

#[test]
fn drawn_weights_are_those_of_init_and_the_bytes_repeat_on_any_threads() {
    let folder = folder();
    let at = folder.path();
    json(at, "init --arch lenet-5 --seed 7 -o w.safetensors --json");
    json(
        at,
        "prune --arch lenet-5 --weights w.safetensors --density 0.1 --seed 7 -o a.safetensors --json",
    );
    json(at, "prune --arch lenet-5 --density 0.1 --seed 7 --threads 1 -o b.safetensors --json");
    json(at, "prune --arch lenet-5 --density 0.1 --seed 7 --threads 3 -o c.safetensors --json");
    let read = |name: &str| std::fs::read(at.join(name)).unwrap();
    assert_eq!(read("b.safetensors"), read("c.safetensors"));
    // The metadata differ (drawn, or from a file); the tensors do not.
    let tensors = |bytes: &[u8]| bytes[bytes.len() - 61_470..].to_vec();
    assert_eq!(tensors(&read("a.safetensors")), tensors(&read("b.safetensors")));
}

#[test]
fn a_network_of_one_s_own_comes_from_toml() {
    let folder = folder();
    let at = folder.path();
    let toml = phew(at, "inspect --arch lenet-300-100 --toml").stdout;
    std::fs::write(at.join("net.toml"), toml).unwrap();
    let report = json(at, "prune --arch net.toml --density 0.1 -o m.safetensors --json");
    assert_eq!(report["prunable"], 266_200);
}

#[test]
fn options_reach_the_walks() {
    let folder = folder();
    let at = folder.path();
    let kept = |options: &str| {
        let line = format!(
            "prune --arch resnet20 --density 0.02 -o m.safetensors --force --json {options}"
        );
        let report = json(at, &line);
        let kept = |layer: &Value| layer["kept"].as_u64().unwrap();
        let layers: Vec<u64> = report["layers"].as_array().unwrap().iter().map(kept).collect();
        (layers, report)
    };
    let (default, _) = kept("");
    for (options, key, value) in [
        ("--skips main", "skips", "main"),
        ("--skips projection", "skips", "projection"),
        ("--bias uniform", "bias", "uniform"),
        ("--bias square", "bias", "square"),
        ("--bias inverse", "bias", "inverse"),
        ("--starts forward", "starts", "forward"),
        ("--starts reverse", "starts", "reverse"),
        ("--starts random", "starts", "random"),
        ("--granularity kernel", "granularity", "kernel"),
        ("--init xavier-uniform", "init", "xavier-uniform"),
    ] {
        let (layers, report) = kept(options);
        assert_ne!(layers, default, "{options}");
        let said = if key == "init" { &report[key] } else { &report["parameters"][key] };
        assert_eq!(said, value);
    }
}

#[test]
fn bad_requests_are_refused_in_one_line_and_write_nothing() {
    let folder = folder();
    let at = folder.path();
    json(at, "init --arch lenet-5 -o w.safetensors --json");
    let whole = std::fs::read(at.join("w.safetensors")).unwrap();
    std::fs::write(at.join("cut.safetensors"), &whole[..whole.len() / 2]).unwrap();
    std::fs::write(at.join("text.safetensors"), "not a tensor in sight").unwrap();
    std::fs::write(at.join("bad.toml"), "name = \"x\"\n[[op]]\nname = \"a\"\ntype = \"warp\"\n")
        .unwrap();
    let prune = |rest: &str| format!("prune --arch lenet-5 -o m.safetensors {rest}");

    for density in ["0", "1.5", "NaN", "-0.1", "inf"] {
        refuses(at, &prune(&format!("--density={density}")), 2, &["density is"]);
    }
    refuses(at, &prune("--density some"), 2, &["some"]);
    refuses(at, &prune("--density 1e-9"), 2, &["keeps none of 61470"]);
    refuses(
        at,
        &prune("--density 0.1 --weights none.safetensors"),
        1,
        &["none.safetensors", "No such file"],
    );
    refuses(
        at,
        &prune("--density 0.1 --weights text.safetensors"),
        1,
        &["text.safetensors", "not a valid"],
    );
    refuses(
        at,
        &prune("--density 0.1 --weights cut.safetensors"),
        1,
        &["cut.safetensors", "not a valid"],
    );
    refuses(
        at,
        "prune --arch vgg11 -o m --density 0.1 --weights w.safetensors",
        1,
        &["w.safetensors", "`features.0.weight`", "vgg11"],
    );
    refuses(at, "prune --arch vgg20 -o m --density 0.1", 2, &["`vgg20`", "vgg19"]);
    refuses(at, "prune --arch bad.toml -o m --density 0.1", 1, &["bad.toml", "`a`", "`warp`"]);
    refuses(at, "prune --arch none.toml -o m --density 0.1", 1, &["none.toml"]);
    refuses(at, "prune --arch bad.toml --classes 3 -o m --density 0.1", 2, &["--classes"]);
    refuses(
        at,
        "prune --arch vgg19 --input 3x4x4 -o m --density 0.1",
        2,
        &["vgg19", "`features.26`"],
    );
    refuses(at, "prune --arch vgg19 --input 3x4x5x6 -o m --density 0.1", 2, &["3x32x32"]);
    refuses(
        at,
        "prune --arch lenet-5 -o w.safetensors --density 0.1",
        2,
        &["w.safetensors", "--force"],
    );
    refuses(at, "prune --arch lenet-5 -o no/where/m --density 0.1", 2, &["no/where"]);
    refuses(at, "prune --arch lenet-5 -o . --density 0.1", 2, &["folder"]);
    #[cfg(unix)]
    {
        let pipe = Command::new("mkfifo").arg(at.join("pipe")).status().unwrap();
        assert!(pipe.success());
        let line = "prune --arch lenet-5 -o pipe --force --density 0.1";
        refuses(at, line, 2, &["not a regular file"]);
    }
    refuses(at, "prune --arch resnet20 --skips main --density 1 -o m", 2, &["270896", "268336"]);
    refuses(at, &prune("--density 0.1 --init kaiming"), 2, &["kaiming-normal"]);
    refuses(at, &prune("--density 0.1 --init-seed 1 --weights w.safetensors"), 2, &["--init-seed"]);
    refuses(
        at,
        "inspect --arch lenet-5 --mask w.safetensors",
        1,
        &["w.safetensors", "`conv1.weight`", "expected 0 or 1"],
    );
    refuses(at, "inspect --arch lenet-5 --mask none", 1, &["none"]);
    refuses(at, "wilt", 2, &["wilt"]);
    let twice = String::from_utf8(phew(at, "inspect --arch none.toml").stderr).unwrap();
    assert_eq!(twice.matches("No such file").count(), 1, "{twice}");
    json(at, &prune("--density 0.1 --json"));
    refuses(
        at,
        "inspect --arch vgg11 --mask m.safetensors",
        1,
        &["m.safetensors", "`features.0.weight`"],
    );
}

#[test]
fn several_densities_give_a_file_and_a_record_each() {
    let folder = folder();
    let at = folder.path();
    let run = phew(at, "prune --arch lenet-5 --density 0.2,0.05 --exact -o m.safetensors --json");
    let records: Vec<Value> = String::from_utf8(run.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(records.len(), 2);
    for (record, (density, kept)) in records.iter().zip([("0.05", 3_073), ("0.2", 12_294)]) {
        assert_eq!(record["kept"], kept, "exact");
        let name = format!("m-{density}.safetensors");
        assert_eq!(record["output"], name.as_str());
        assert_eq!(json(at, &format!("inspect --arch lenet-5 --mask {name} --json"))["kept"], kept);
    }
    refuses(
        at,
        "prune --arch lenet-5 --density 0.2,0.3,0.20 -o n.safetensors",
        2,
        &["density 0.2 is given twice"],
    );
    refuses(
        at,
        "prune --arch lenet-5 --density 0.2,0.01 -o m.safetensors",
        2,
        &["m-0.2.safetensors", "--force"],
    );
}

#[test]
fn the_engine_is_chosen_by_the_density_or_by_hand() {
    let folder = folder();
    let line = "prune --arch vgg11 --density 0.2 -o v.safetensors --force --json";
    let run = |engine: &str| json(folder.path(), &format!("{line} {engine}"));
    let [auto, walk] = ["", "--engine walk"].map(run);
    assert_eq!(auto["parameters"]["engine"], "bulk");
    assert_eq!(walk["parameters"]["engine"], "walk");
    assert!(auto["bulk_walks"].as_u64().unwrap() > 0 && walk["bulk_walks"] == 0);
}

#[test]
fn paths_can_be_ranked_instead_of_drawn() {
    let folder = folder();
    let at = folder.path();
    let run = |line: &str| json(at, &format!("prune --arch resnet20 -o m --force --json {line}"));
    let [top, bottom] = ["top", "bottom"].map(|m| run(&format!("--method {m}-paths --paths 300")));
    assert_eq!((&top["paths"], &bottom["paths"]), (&300.into(), &300.into()));
    assert!(top["ln_product_last"].as_f64() > bottom["ln_product_last"].as_f64());
    assert_eq!(json(at, "inspect --arch resnet20 --mask m --json")["effective"], bottom["kept"]);
    let greedy = run("--method greedy-paths");
    assert_eq!(greedy["paths"], 13, "three inputs and ten outputs");
    let prune = "prune --arch resnet20 -o n";
    refuses(at, &format!("{prune} --method top-paths"), 2, &["top-paths", "--density or --paths"]);
    refuses(at, &format!("{prune} --method top-paths --paths 3 --density 0.1"), 2, &["--density"]);
    refuses(at, &format!("{prune} --method greedy-paths --paths 3"), 2, &["--paths"]);
    refuses(at, &format!("{prune} --method greedy-paths --density 0.1"), 2, &["--density"]);
    refuses(at, &format!("{prune} --paths 3"), 2, &["--paths", "`phew`"]);
    refuses(at, prune, 2, &["--density"]);
}

#[test]
fn the_best_paths_are_kept_until_a_density_is_reached() {
    let folder = folder();
    let at = folder.path();
    let run = |line: &str| json(at, &format!("prune --arch resnet20 --force --json {line}"));
    let top = run("--method top-paths --density 0.05 -o top");
    let (kept, prunable) = (top["kept"].as_u64().unwrap(), top["prunable"].as_u64().unwrap());
    // The last path is kept whole: 20 weights at most.
    let target = prunable / 20;
    assert!((target..target + 20).contains(&kept), "{kept} {target}");
    assert_eq!((&top["density"], &top["parameters"]["paths"]), (&0.05.into(), &top["paths"]));
    assert_eq!(json(at, "inspect --arch resnet20 --mask top --json")["effective"], kept);
    // More of the same: the best 300 paths are among them.
    run("--method top-paths --paths 300 -o few");
    let both = json(at, "compare --arch resnet20 top few --json");
    assert_eq!(both["pairs"][0]["common"], both["masks"][1]["kept"]);
    let bottom = run("--method bottom-paths --density 0.05 -o bottom");
    assert!(bottom["ln_product_last"].as_f64() < top["ln_product_last"].as_f64());
}

#[test]
fn walks_can_be_drawn_by_scores_from_a_file() {
    let folder = folder();
    let at = folder.path();
    // Other weights serve as scores once their signs are gone: uniform ones are made by hand here.
    let scores = phew_graph::zoo::by_name("lenet-5").unwrap().build().unwrap();
    let network = phew_graph::Network::initialise(scores, phew_graph::Init::default(), 3).unwrap();
    let signless = network.weights().iter().map(|w| w.iter().map(|w| w.abs()).collect()).collect();
    let network = network.with_weights(signless).unwrap();
    network.save(&at.join("s.safetensors"), phew_graph::Overwrite::Refuse).unwrap();
    let prune = |rest: &str| {
        json(at, &format!("prune --arch lenet-5 --density 0.05 --seed 1 --force --json {rest}"))
    };
    prune("--init-seed 0 --scores s.safetensors -o a");
    prune("--weights s.safetensors -o b");
    prune("--init-seed 0 -o c");
    let tensors = |name: &str| {
        let bytes = std::fs::read(at.join(name)).unwrap();
        bytes[bytes.len() - 61_470..].to_vec()
    };
    assert_eq!(tensors("a"), tensors("b"), "scores act as weights do");
    assert_ne!(tensors("a"), tensors("c"));
    json(at, "init --arch lenet-5 -o w --json");
    refuses(
        at,
        "prune --arch lenet-5 --density 0.1 --scores w -o m",
        1,
        &["`conv1.weight`", "at least 0"],
    );
    refuses(at, "prune --arch lenet-5 --density 0.1 --scores w --bias square -o m", 2, &["--bias"]);
}

#[test]
fn an_existing_output_is_replaced_only_by_force() {
    let folder = folder();
    let at = folder.path();
    json(at, "init --arch lenet-5 -o w --json");
    let before = std::fs::read(at.join("w")).unwrap();
    refuses(at, "init --arch lenet-5 --seed 1 -o w", 2, &["w: already exists", "--force"]);
    assert_eq!(std::fs::read(at.join("w")).unwrap(), before);
    json(at, "init --arch lenet-5 --seed 1 -o w --force --json");
    assert_ne!(std::fs::read(at.join("w")).unwrap(), before);
}

#[test]
fn doctor_tells_what_there_is() {
    let folder = folder();
    let report = json(folder.path(), "doctor --json --threads 2");
    assert_eq!(report["threads"], 2);
    assert_eq!(report["training"], cfg!(feature = "train"));
    if cfg!(feature = "train") {
        assert!(report["libtorch"]["version"].as_str().unwrap().starts_with("2."));
        assert!(!report["libtorch"]["cuda_status"].as_str().unwrap().is_empty());
    }
    let text = String::from_utf8(phew(folder.path(), "doctor").stdout).unwrap();
    assert!(text.contains("threads") && text.contains(env!("CARGO_PKG_VERSION")));
}

#[cfg(unix)]
#[test]
fn a_signal_ends_every_long_command_and_leaves_nothing_behind() {
    let folder = folder();
    let at = folder.path();
    json(at, "init --arch mlp-3000-3000-10 -o w --json");
    json(at, "prune --arch mlp-3000-3000-10 --weights w --density 0.5 --method random -o k --json");
    // Each would take minutes, or hours.
    for line in [
        "prune --arch vgg11 --density 0.9999 -o m.safetensors",
        "prune --arch vgg11 --method synflow --schedule linear:1000000 --density 0.1 -o m.safetensors",
        "prune --arch vgg11 --method top-paths --paths 1000000000 -o m.safetensors",
        "transform isometry --arch mlp-3000-3000-10 --mask k --weights w -o m.safetensors",
        "inspect --arch mlp-9000-9000-10 --isometry",
        "verify --scale paper",
    ] {
        let mut child =
            command(at, line).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_secs(2));
        let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        assert_eq!(child.wait().unwrap().code(), Some(130), "{line}");
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!(stderr, "phew: interrupted; nothing half-written remains\n", "{line}");
        assert_eq!(at.read_dir().unwrap().count(), 2, "{line}");
    }
}

fn reference(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../reference").join(name);
    path.canonicalize().unwrap()
}

/// The architectures of the reference networks, as a user would write them.
const REFERENCE: [(&str, &str); 3] = [
    ("mlp", include_str!("networks/mlp.toml")),
    ("conv", include_str!("networks/conv.toml")),
    ("res", include_str!("networks/res.toml")),
];

#[test]
fn the_reference_networks_are_pruned_and_pytorch_reads_the_masks() {
    let folder = folder();
    let at = folder.path();
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.venv/bin/python");
    for (name, toml) in REFERENCE {
        let weights = reference(&format!("{name}.weights.safetensors"));
        std::fs::write(at.join(format!("{name}.toml")), toml).unwrap();
        let line = format!(
            "prune --arch {name}.toml --weights {} --density 0.3 -o {name}.safetensors --json",
            weights.display()
        );
        refuses(at, &line, 1, &["`batch.input`, `batch.target`", "--ignore-extra"]);
        let report = json(at, &format!("{line} --ignore-extra"));
        if !python.exists() {
            eprintln!("skipped: no {} (`make setup` makes it)", python.display());
            continue;
        }
        let script = format!(
            "from safetensors.torch import load_file\n\
             m, w = load_file('{name}.safetensors'), load_file('{}')\n\
             assert sorted(m) == sorted(k for k in w if not k.startswith('batch.')), m.keys()\n\
             assert all(m[k].shape == w[k].shape and str(m[k].dtype) == 'torch.bool' for k in m)\n\
             print(sum(int(v.sum()) for v in m.values()))",
            weights.display()
        );
        let run = Command::new(&python).current_dir(at).args(["-c", &script]).output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let kept: u64 = String::from_utf8_lossy(&run.stdout).trim().parse().unwrap();
        assert_eq!(kept, report["kept"].as_u64().unwrap());
    }
}
