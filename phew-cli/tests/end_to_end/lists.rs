//! Several densities, sparsities and seeds in one call.

use phew_graph::{Init, Network, Overwrite, write_arrays, zoo};
use serde_json::Value;

use crate::common::{folder, json, phew, refuses, stdout};

fn records(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_method_takes_densities_and_seeds_and_gives_the_masks_of_single_calls() {
    let folder = folder();
    let at = folder.path();
    for method in ["phew", "synflow", "random", "bottom-paths"] {
        let line = format!("prune --arch mlp-20-10-5 --method {method} --json");
        let several = format!("{line} --seeds 0-1,3 -o {method}-{{seed}}-{{density}}");
        let all = records(&stdout(at, &format!("{several} --density 0.5,0.2")));
        assert_eq!(all.len(), 6, "{method}");
        for record in &all {
            let (seed, density) = (&record["seed"], &record["density"]);
            let name = format!("{method}-{seed}-{density}");
            assert_eq!(record["output"], name.as_str());
            // A nested pair of walks draws for both densities at once: it is compared with the same pair.
            let asked = match method {
                "phew" => format!("{line} --seed {seed} --density 0.5,0.2 -o one --force"),
                _ => format!("{line} --seed {seed} --density {density} -o one-{density} --force"),
            };
            stdout(at, &asked);
            let bytes = |name: &str| std::fs::read(at.join(name)).unwrap();
            assert_eq!(bytes(&name), bytes(&format!("one-{density}")), "{name}");
        }
    }
}

#[test]
fn weights_that_no_seed_changes_are_read_once() {
    let folder = folder();
    let at = folder.path();
    let arch = zoo::by_name("mlp-20-10-5").unwrap().build().unwrap();
    let network = Network::initialise(arch, Init::default(), 7).unwrap();
    let renamed = network.arrays().map(|(name, array)| (format!("module.{name}"), array));
    write_arrays(&at.join("w.safetensors"), renamed, None, Overwrite::Refuse).unwrap();
    let line = "prune --arch mlp-20-10-5 --weights w.safetensors --density 0.5 --json";
    let output = phew(at, &format!("{line} -o m --seeds 0-4"));
    assert_eq!(records(&String::from_utf8(output.stdout).unwrap()).len(), 5);
    // A reading says once how the names were read.
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.matches("`module.`").count(), 1, "{said}");
    for seed in 0..5 {
        stdout(at, &format!("{line} -o one-{seed} --seed {seed}"));
        let bytes = |name: String| std::fs::read(at.join(name)).unwrap();
        assert_eq!(bytes(format!("m-seed-{seed}")), bytes(format!("one-{seed}")));
    }
}

#[test]
fn names_that_do_not_say_which_mask_are_completed() {
    let folder = folder();
    let at = folder.path();
    let line = "prune --arch mlp-20-10-5 --density 0.5,0.2 --seeds 4,2 -o m.safetensors";
    let text = stdout(at, line);
    for name in ["m-0.2-seed-2", "m-0.5-seed-2", "m-0.2-seed-4", "m-0.5-seed-4"] {
        assert!(at.join(format!("{name}.safetensors")).is_file(), "{name}");
        assert!(text.contains(name), "{text}");
    }
    refuses(at, line, 2, &["m-0.5-seed-2.safetensors", "--force"]);
    let same = "prune --arch mlp-20-10-5 --method random --density 0.5,0.50 -o n-{density}";
    refuses(at, same, 2, &["n-0.5", "given twice"]);
    refuses(at, "prune --arch mlp-20-10-5 --density 0.5 --seeds 3-1 -o n", 2, &["expected 1-3"]);
    refuses(at, "prune --arch mlp-20-10-5 --density 0.5 --seeds 1 --seed 1 -o n", 2, &["--seed"]);
}

#[test]
fn a_sparsity_is_one_minus_a_density() {
    let folder = folder();
    let at = folder.path();
    let line = "prune --arch lenet-5 --json -o";
    let sparse = json(at, &format!("{line} s --sparsity 0.95"));
    let dense = json(at, &format!("{line} d --density 0.05"));
    assert_eq!(sparse["density"], dense["density"]);
    assert_eq!(std::fs::read(at.join("s")).unwrap(), std::fs::read(at.join("d")).unwrap());
    refuses(at, "prune --arch lenet-5 --sparsity 1 -o n", 2, &["density", "0"]);
    refuses(at, "prune --arch lenet-5 --sparsity 0.5 --density 0.5 -o n", 2, &["--density"]);
}
