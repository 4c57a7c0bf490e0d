//! Masks that were published must never change silently: one pinned for each family of the zoo, and its weights.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use phew_graph::{Init, Mask, Network, SkipPolicy, zoo};
use phew_walk::{Bias, Engine, Order, WalkParams, best_paths, prune, ranked_paths};

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

fn network(name: &str) -> Network {
    let arch = zoo::by_name(name).unwrap().build().unwrap();
    Network::initialise(arch, Init::default(), 0).unwrap()
}

#[test]
fn masks_of_the_zoo_are_the_published_ones() {
    let found = GOLDEN.map(|(name, ..)| {
        let network = network(name);
        let walked = prune(&network, &WalkParams::new(0.01).unwrap()).unwrap();
        (name, network.fingerprint()[..12].to_owned(), walked.report.walks, digest(&walked.mask))
    });
    let expected =
        GOLDEN.map(|(name, weights, walks, mask)| (name, weights.to_owned(), walks, mask));
    assert_eq!(found, expected);
}

/// (network, bias, density, walks, mask digest) of the bulk engine, seed 0.
const BATCHES: [(&str, Bias, f64, u64, u64); 4] = [
    ("lenet-5", Bias::Magnitude, 0.5, 29_636, 0xf397361c9c216391),
    ("resnet20", Bias::Square, 0.3, 22_308, 0xcfa7114ee9f10fed),
    ("wrn-16-2", Bias::Uniform, 0.2, 29_059, 0x370d6b627feb46ea),
    ("vgg11", Bias::Inverse, 0.1, 415_113, 0x7dff625a9a7bd6ac),
];

#[test]
fn masks_of_the_bulk_engine_are_the_published_ones() {
    let found = BATCHES.map(|(name, bias, density, ..)| {
        let params = WalkParams::new(density).unwrap().bias(bias).engine(Engine::Bulk);
        let walked = prune(&network(name), &params).unwrap();
        (name, bias, density, walked.report.walks, digest(&walked.mask))
    });
    assert_eq!(found, BATCHES);
}

/// (network, order, products of the first and of the hundredth path, paths to 2 % and the last product, mask digest),
/// the products as the bits of their natural logarithms: these must not depend on the platform's logarithm.
const PATHS: [(&str, Order, [u64; 3], usize, u64); 4] = [
    (
        "lenet-5",
        Order::Greatest,
        [0xc011913c77179aa6, 0xc01374106fb193b6, 0xc014ea04999886ea],
        1_048,
        0xfd339274c9bcc1ff,
    ),
    (
        "lenet-5",
        Order::Least,
        [0xc044cc1b1d44b97a, 0xc042f25a6a74ceed, 0xc04163e38fa081d3],
        1_081,
        0xa85289e545ab3e52,
    ),
    (
        "resnet20",
        Order::Greatest,
        [0xbffc439c5fac1192, 0xc0022c2ae6f4821c, 0xc012aba50167155f],
        5_123,
        0xc9553ab42e450814,
    ),
    (
        "resnet20",
        Order::Least,
        [0xc06687334e50fa25, 0xc0665bb5c457c7b7, 0xc065dd47298f16f2],
        4_875,
        0xc7f61fe813adeb14,
    ),
];

#[test]
fn the_best_paths_have_the_same_bits_on_every_machine() {
    let found = PATHS.map(|(name, order, ..)| {
        let network = network(name);
        let ranked = ranked_paths(&network, order, SkipPolicy::Uniform, 100).unwrap();
        let best = best_paths(&network, order, SkipPolicy::Uniform, 0.02).unwrap();
        let products = [ranked[0].ln_product, ranked[99].ln_product, best.ln_last];
        (name, order, products.map(f64::to_bits), best.paths, digest(&best.mask))
    });
    assert_eq!(found, PATHS);
}
