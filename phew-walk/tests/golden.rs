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
    ("mlp-784-300-100-10", "8cd1716c7be1", 1057, 0x31e8a826a0ada8dd),
    ("lenet-5", "40bb46598a2e", 140, 0x1841c501272c7594),
    ("vgg11", "9a33ad957056", 12742, 0xe388899392fa9438),
    ("resnet20", "8c89dc8cb049", 238, 0xc93c5f4d980809d1),
    ("resnet18", "7e285612f8e6", 11198, 0x37e0faf1d4f1e20d),
    ("resnet50", "b2c6ed9b362f", 9770, 0x063d42cf157876d0),
    ("resnet18-modified", "07795ec93f0e", 11286, 0x008ec768b5361780),
    ("wrn-16-2", "5927d04334ba", 837, 0x0c574739c9968145),
];

#[test]
fn masks_of_the_zoo_are_the_published_ones() {
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
