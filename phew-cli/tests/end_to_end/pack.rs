//! `phew pack`: the kept weights and their places, in a small file that stands for weights and mask.

use phew_graph::{Arch, Extra, Mask, Network, zoo};

use crate::common::{folder, json, refuses, stdout};

fn arch() -> Arch {
    zoo::by_name("resnet20").unwrap().build().unwrap()
}

#[test]
fn a_packed_network_is_its_weights_under_the_mask_and_the_mask() {
    let folder = folder();
    let at = folder.path();
    stdout(at, "init --arch resnet20 --seed 1 -o w");
    for density in [0.02, 0.05, 0.5, 1.0] {
        let line = format!("prune --arch resnet20 --weights w --density {density} -o m --force");
        stdout(at, &line.replace("1 -o", "1 --method magnitude -o"));
        let report = json(at, "pack --arch resnet20 --weights w --mask m -o packed --force --json");
        let share = report["bytes"].as_f64().unwrap() / report["bytes_whole"].as_f64().unwrap();
        // Four bytes and one of position a weight; normalisation and the header are 2% of so small a network.
        assert!(density > 0.1 || share < 1.25 * density + 0.024, "{density}: {share}");
        assert!(share < 1.06, "{density}: {share}");

        let load = |file: &str| Network::load(&at.join(file), arch(), Extra::Refuse).unwrap();
        let mask = |file: &str| {
            let (mask, from) = Mask::load(&at.join(file)).unwrap();
            (mask.in_order_of(&arch(), file).unwrap(), from)
        };
        let ((mask_of_m, from), (packed_mask, packed_from)) = (mask("m"), mask("packed"));
        assert_eq!(packed_mask, mask_of_m);
        assert_eq!(packed_from, from);
        let (whole, packed) = (load("w"), load("packed"));
        let layers = mask_of_m.layers().iter();
        for ((w, p), layer) in whole.weights().iter().zip(packed.weights().iter()).zip(layers) {
            let expected = |i: usize| if layer.get(i) { w[i] } else { 0.0 };
            assert!((0..w.len()).all(|i| p[i].to_bits() == expected(i).to_bits()));
        }
        assert_eq!(packed.auxiliary(), whole.auxiliary());
    }
    refuses(at, "pack --arch resnet20 --mask m -o packed", 2, &["packed", "--force"]);
}

#[test]
fn halves_are_rounded_and_what_they_cannot_hold_is_refused() {
    let folder = folder();
    let at = folder.path();
    stdout(at, "prune --arch lenet-5 --density 0.05 -o m");
    let load = |file: &str| {
        let arch = zoo::by_name("lenet-5").unwrap().build().unwrap();
        Network::load(&at.join(file), arch, Extra::Refuse).unwrap()
    };
    stdout(at, "pack --arch lenet-5 --mask m -o f32");
    for (kind, error) in [("f16", 2.0_f32.powi(-11)), ("bf16", 2.0_f32.powi(-8))] {
        let text = stdout(at, &format!("pack --arch lenet-5 --mask m --type {kind} -o {kind}"));
        assert!(text.contains(&format!("in {kind}")), "{text}");
        let (exact, rounded) = (load("f32"), load(kind));
        for (exact, rounded) in exact.weights().iter().zip(rounded.weights().iter()) {
            let mut pairs = exact.iter().zip(*rounded);
            assert!(pairs.all(|(&a, &b)| (a - b).abs() <= a.abs() * error));
        }
        let size = |file: &str| std::fs::metadata(at.join(file)).unwrap().len();
        assert!(size(kind) < size("f32"));
    }
    let line = "pack --arch lenet-5 --init normal:1e6 --mask m --type f16 -o wide";
    refuses(at, line, 1, &[".weight", "does not fit f16", "bf16"]);
    assert!(!at.join("wide").exists());
}

#[test]
fn packed_weights_serve_every_command_and_damaged_ones_are_refused_by_name() {
    let folder = folder();
    let at = folder.path();
    stdout(at, "prune --arch lenet-5 --density 0.1 -o m");
    stdout(at, "pack --arch lenet-5 --mask m -o packed");
    let whole = json(at, "inspect --arch lenet-5 --mask m --metrics --json");
    let packed = json(at, "inspect --arch lenet-5 --mask packed --weights packed --metrics --json");
    assert_eq!(whole["metrics"]["path_kernel_trace"], packed["metrics"]["path_kernel_trace"]);
    stdout(at, "prune --arch lenet-5 --weights packed --method magnitude --density 0.05 -o n");

    let bytes = std::fs::read(at.join("packed")).unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let damage = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let start = text.find(from).unwrap();
        let mut bytes = bytes.clone();
        bytes[start..start + from.len()].copy_from_slice(to.as_bytes());
        std::fs::write(at.join("damaged"), bytes).unwrap();
        refuses(at, "inspect --arch lenet-5 --mask damaged", 1, &["damaged"]);
    };
    damage(r#"\"version\":1"#, r#"\"version\":7"#);
    damage(r"[120,400]", r"[920,400]");
    damage(r"[120,400]", r"[120,100]");
    damage(r#".kept":"#, r#".lost":"#);
}
