//! Masks that were published must never change silently: one pinned for each family of the zoo, and its weights.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use phew_graph::{Init, Mask, Network, zoo};
use phew_walk::{WalkParams, prune};

/// FNV-1a over the kept indices, tensor by tensor.
fn digest(mask: &Mask) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    let mut eat = |value: u64| {
        for byte in value.to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    };
    for layer in mask.layers() {
        eat(layer.kept() as u64);
        layer.iter().for_each(|i| eat(i as u64));
    }
    hash
}

/// (network, first twelve digits of the weights' fingerprint, walks, mask digest), seed 0 and density 1 %
/// everywhere. A change of any of these is a change of published results: it needs a note in the changelog.
const GOLDEN: [(&str, &str, u64, u64); 8] = [
    ("mlp-784-300-100-10", "8cd1716c7be1", 1072, 0x36fc9e16ba9478ca),
    ("lenet-5", "40bb46598a2e", 141, 0x2b5ee63096969c72),
    ("vgg11", "9a33ad957056", 12728, 0xcae413edb100e267),
    ("resnet20", "8c89dc8cb049", 239, 0x2e37ef383152d342),
    ("resnet18", "7e285612f8e6", 11229, 0x46939f8d5dd89c77),
    ("resnet50", "b2c6ed9b362f", 9777, 0xe2e5de197574fed1),
    ("resnet18-modified", "07795ec93f0e", 11281, 0x6fe9b4c72386655d),
    ("wrn-16-2", "5927d04334ba", 858, 0xfd0d44f4f9b2b504),
];

#[test]
fn masks_of_the_zoo_are_those_of_the_first_release() {
    let found = GOLDEN.map(|(name, ..)| {
        let arch = zoo::by_name(name).unwrap().build().unwrap();
        let network = Network::initialise(arch, Init::default(), 0).unwrap();
        let walked = prune(&network, &WalkParams::new(0.01).unwrap()).unwrap();
        (name, network.fingerprint()[..12].to_owned(), walked.report.walks, digest(&walked.mask))
    });
    let expected =
        GOLDEN.map(|(name, weights, walks, mask)| (name, weights.to_owned(), walks, mask));
    assert_eq!(found, expected);
}
