//! Every example runs.

#[path = "../examples/prune_state_dict.rs"]
#[expect(dead_code, reason = "its `main` reads the arguments of the program that it is in")]
mod prune_state_dict;
#[path = "../examples/rank_paths.rs"]
mod rank_paths;

use phew_graph::{Init, Mask, Network, Overwrite, zoo};

#[test]
fn a_state_dict_is_pruned_into_a_mask_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let weights = folder.path().join("lenet.safetensors");
    let arch = zoo::by_name("lenet-300-100").unwrap().build().unwrap();
    let network = Network::initialise(arch, Init::default(), 3).unwrap();
    network.save(&weights, Overwrite::Refuse).unwrap();
    prune_state_dict::run(&weights).unwrap();
    let (mask, info) = Mask::load(&folder.path().join("lenet.mask.safetensors")).unwrap();
    mask.check(network.arch(), "mask").unwrap();
    let kept = mask.kept() as f64 / mask.len() as f64;
    assert!((0.05..0.051).contains(&kept), "{kept}");
    assert_eq!(info.unwrap().weights, network.fingerprint());
}

#[test]
fn paths_are_ranked() {
    rank_paths::main().unwrap();
}
