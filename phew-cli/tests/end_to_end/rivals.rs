//! `phew prune --method`, `--list-methods` and `phew compare`, end to end.

use phew_graph::Mask;
use phew_train::EngineOracle;

use crate::common::{json, refuses, stdout};

#[test]
fn every_method_is_listed_and_those_without_data_prune_to_the_exact_number() {
    let folder = tempfile::tempdir().unwrap();
    let list = stdout(folder.path(), "prune --list-methods");
    assert!(list.lines().all(|line| line.chars().count() <= 100), "{list}");
    // A method's lines: the first begins with its name, the others with blanks.
    let entry = |name: &str| {
        let lines = list.lines().skip_while(|l| l.split_whitespace().next() != Some(name));
        let more = |&(place, line): &(usize, &str)| place == 0 || line.starts_with(' ');
        let lines: Vec<&str> = lines.enumerate().take_while(more).map(|(_, line)| line).collect();
        lines.join("\n")
    };
    let mut pruned = 0;
    for info in phew_baselines::methods() {
        let row = entry(info.name);
        assert!(row.contains(info.paper) && row.contains(info.build.schedule), "{row}");
        let line = format!(
            "prune --arch mlp-30-40-10 --density 0.1 --seed 2 --method {} --json -o {}.safetensors",
            info.name, info.name
        );
        // With libtorch all questions are answered; those about data if a data set is named.
        let served = cfg!(feature = "train") || EngineOracle::answers(info.needs);
        let data = info.needs.data();
        assert_eq!(row.contains("(*)"), info.needs.oracle() && !served, "{row}");
        if data || info.needs.oracle() && !served {
            let empty = tempfile::tempdir().unwrap();
            refuses(empty.path(), &line, 2, &[&format!("needs {}", info.needs)]);
            continue;
        }
        let report = json(folder.path(), &line);
        assert_eq!((&report["kept"], &report["method"]), (&160.into(), &info.name.into()));
        let file = folder.path().join(format!("{}.safetensors", info.name));
        let (mask, note) = Mask::load(&file).unwrap();
        let note = note.unwrap();
        assert_eq!((mask.kept(), note.method.as_deref()), (160, Some(info.name)));
        assert_eq!(note.parameters["schedule"], info.build.schedule);
        pruned += 1;
    }
    assert_eq!(pruned, if cfg!(feature = "train") { 12 } else { 11 });
    let row = entry("gradient-paths");
    assert!(!row.contains("(*)"), "{row}");
    let explained = list.contains("(*) needs libtorch");
    assert_eq!(explained, !cfg!(feature = "train"), "only where it is used");
    let empty = tempfile::tempdir().unwrap();
    let line = "prune --arch mlp-30-40-10 --density 0.1 --method gradient-paths -o m";
    refuses(empty.path(), line, 2, &["needs gradients on data"]);
}

#[test]
fn options_of_a_method_change_its_mask_and_are_noted() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let prune = "prune --arch mlp-30-40-10 --density 0.1 --method magnitude --json -o";
    json(at, &format!("{prune} plain.safetensors"));
    let uniform = json(at, &format!("{prune} uniform.safetensors --allocation uniform"));
    assert_eq!(uniform["layers"][0]["kept"], 120);
    assert_eq!(uniform["parameters"]["allocation"], "uniform");
    let inverted = json(at, &format!("{prune} inverted.safetensors --invert"));
    assert_eq!(inverted["parameters"]["inverted"], "true");
    let both = json(
        at,
        "compare --arch mlp-30-40-10 plain.safetensors inverted.safetensors uniform.safetensors --json",
    );
    let pairs = both["pairs"].as_array().unwrap();
    assert_eq!(pairs.len(), 3);
    // The largest and the smallest tenth have nothing in common.
    assert_eq!((&pairs[0]["masks"], &pairs[0]["common"]), (&serde_json::json!([0, 1]), &0.into()));
    assert!(pairs[1]["jaccard"].as_f64().unwrap() > 0.3);
    assert!(pairs[1]["by_chance"].as_f64().unwrap() < 0.1);
    assert_eq!(both["masks"][1]["method"], "magnitude");
    let table = stdout(at, "compare --arch mlp-30-40-10 plain.safetensors uniform.safetensors");
    assert!(table.contains("fc1.weight") && table.contains("A and B: "), "{table}");
}

#[test]
fn a_mask_is_the_same_on_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    for method in ["synflow-l2", "random"] {
        let prune = |threads: u8| {
            let name = format!("{method}-{threads}.safetensors");
            let line = format!(
                "prune --arch lenet-5 --density 0.05 --method {method} --threads {threads} -o {name}"
            );
            stdout(folder.path(), &line);
            std::fs::read(folder.path().join(name)).unwrap()
        };
        assert!(prune(1) == prune(3), "{method}");
    }
}

#[test]
fn requests_that_make_no_sense_are_usage_errors() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let prune = "prune --arch mlp-30-40-10 -o m.safetensors --density";
    for (options, part) in [
        ("0.1 --method snap", "possible values: phew, top-paths,"),
        ("0.1 --method synflow --bias uniform", "--bias is not an option"),
        ("0.1 --invert", "--invert is not an option of method `phew`"),
        ("0.1 --method random --schedule linear:0", "schedule is `linear:0`"),
        ("1.5 --method random", "density is 1.5"),
        ("0.1 --method random --allocation given:1,2,3", "number of densities is 3"),
    ] {
        refuses(at, &format!("{prune} {options}"), 2, &[part]);
    }
    refuses(at, "prune --list-methods --density 0.1", 2, &["cannot be used with"]);
    refuses(at, "compare --arch mlp-30-40-10 one.safetensors", 2, &["at least two"]);
    refuses(at, "prune --method magnitude", 2, &["--arch"]);
    let line = "prune --method magnitude --arch lenet-5 -o m";
    refuses(at, line, 2, &["`magnitude` needs --density"]);
}

#[test]
fn the_engine_scores_on_data_whatever_the_number_of_threads_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let prune =
        "prune --arch lenet-5 --density 0.05 --data digits --per-class 3 --oracle engine --json";
    for method in ["snip", "snip-iterative", "force", "gradient-paths"] {
        let files = [1, 2].map(|threads| {
            let file = format!("{method}-{threads}.safetensors");
            let line = format!("{prune} --method {method} --threads {threads} -o {file}");
            let report = json(at, &line);
            assert_eq!(report["parameters"]["oracle"], "engine", "{method}");
            assert_eq!(report["parameters"]["per_class"], 3, "{method}");
            std::fs::read(at.join(file)).unwrap()
        });
        assert!(files[0] == files[1], "{method}");
        let (_, note) = Mask::load(&at.join(format!("{method}-1.safetensors"))).unwrap();
        let note = note.unwrap();
        assert_eq!(
            (note.data.as_deref(), note.libtorch, note.device),
            (Some("built-in digits"), None, None)
        );
    }
    let spatial =
        "prune --arch lenet-5 --density 0.05 --method synflow-spatial --oracle engine -o s --json";
    let report = json(at, spatial);
    assert_eq!(
        (&report["parameters"]["oracle"], &report["kept"]),
        (&"engine".into(), &3073.into())
    );
}

#[test]
fn what_an_oracle_does_not_answer_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let prune = "prune --arch lenet-5 --density 0.05 -o m --oracle engine";
    let grasp = format!("{prune} --method grasp --data digits");
    refuses(at, &grasp, 2, &["`grasp` needs Hessian-gradient products", "--oracle engine"]);
    refuses(at, &format!("{prune} --method magnitude"), 2, &["--oracle", "`magnitude`"]);
    refuses(at, &format!("{prune} --method snip"), 2, &["gradients on data", "--data"]);
    #[cfg(feature = "train")]
    {
        let line = format!("{prune} --method snip --data digits --device cpu");
        refuses(at, &line, 2, &["--device", "--oracle engine"]);
    }
    let attention = "name = 'soft'\n[[op]]\nname = 'x'\ntype = 'input'\nshape = [1, 28, 28]\n\
                     [[op]]\nname = 'flat'\ntype = 'flatten'\n[[op]]\nname = 'fc'\ntype = 'linear'\nout = 10\n\
                     [[op]]\nname = 'norm'\ntype = 'softmax'\n";
    std::fs::write(at.join("soft.toml"), attention).unwrap();
    let line =
        "prune --arch soft.toml --density 0.5 -o m --oracle engine --method snip --data digits";
    refuses(at, line, 1, &["operator `norm`", "softmax", "trains"]);
}
