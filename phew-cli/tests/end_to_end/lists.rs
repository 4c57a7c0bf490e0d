//! Several densities, sparsities and seeds in one call.

use serde_json::Value;

use crate::common::{folder, json, refuses, stdout};

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
