//! `phew compact`: the smaller network that a mask leaves.

use phew_graph::{Arch, Extra, Network};

use crate::common::{folder, json, refuses, stdout};

#[test]
fn a_mask_at_very_low_density_leaves_a_smaller_network_that_loads() {
    let folder = folder();
    let at = folder.path();
    stdout(at, "init --arch vgg2-16 --seed 1 -o w.safetensors");
    let line = "prune --arch vgg2-16 --weights w.safetensors --density 0.002 -o m.safetensors";
    stdout(at, line);
    let line =
        "compact --arch vgg2-16 --weights w.safetensors --mask m.safetensors -o small.safetensors";
    let report = json(at, &format!("{line} --json"));
    let number = |name: &str| report[name].as_u64().unwrap();
    assert!(number("parameters") < number("parameters_before"));
    assert!(number("flops") < number("flops_before"));
    let arch = Arch::load(&at.join("small.toml")).unwrap();
    let small = Network::load(&at.join("small.safetensors"), arch, Extra::Refuse).unwrap();
    let shapes =
        small.arch().prunable().iter().map(|spec| serde_json::json!(spec.shape.in_files()));
    let said = report["layers"].as_array().unwrap().iter().map(|layer| layer["shape"].clone());
    assert_eq!(shapes.collect::<Vec<_>>(), said.collect::<Vec<_>>());
    // Before training nothing else is known than the mask: inspect comes to the same.
    let seen = json(at, "inspect --arch vgg2-16 --mask m.safetensors --json");
    for name in ["parameters", "parameters_before", "flops", "flops_before"] {
        assert_eq!(seen["compact"][name], report[name], "{name}");
    }
    let text = stdout(at, "inspect --arch vgg2-16 --mask m.safetensors");
    assert!(text.contains("phew compact leaves "), "{text}");
    let again = stdout(at, &format!("{line} --force --arch-out other.toml"));
    assert!(again.contains("architecture other.toml"), "{again}");
    refuses(at, line, 2, &["small.safetensors", "--force"]);
    refuses(at, &format!("{line} --force --arch-out x.json"), 2, &[".toml"]);
}
