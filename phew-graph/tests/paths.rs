//! The path-sum engine against the enumeration of every path.

mod support;

use phew_graph::{
    Abs, EdgeValue, Edges, Init, Mask, Network, NonZero, One, PathGraph, PathSums, Reach, Square,
    TensorId, zoo,
};
use proptest::prelude::*;
use support::{Path, all_paths, masked_network, transformer};

/// All values are sums of at most 10⁵ positive products of at most 20 factors: each factor and addition
/// rounds once, so 10³ · 2⁻⁵² is generous and 10⁻¹² a safe bound.
fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * a.abs().max(b.abs())
}

fn product<E: EdgeValue>(edges: &Edges<'_, E>, path: &Path) -> f64 {
    path.iter().map(|&(t, i)| edges.value(t, i)).product()
}

fn agrees<E: EdgeValue + Copy>(
    network: &Network,
    mask: Option<&Mask>,
    value: E,
) -> Result<(), TestCaseError> {
    let paths = all_paths(network.arch());
    let graph = PathGraph::new(network.arch());
    let weights = network.weights();
    let edges = Edges::new(&weights, value).masked_by(mask);
    let sums = PathSums::new(&graph, &edges);
    let total: f64 = paths.iter().map(|p| product(&edges, p)).sum();
    prop_assert!(close(sums.total(), total), "{} {total}", sums.total());
    prop_assert!(total == 0.0 || close(sums.ln_total().exp(), total));
    for (tensor, spec) in network.arch().prunable().with_ids() {
        let shares = sums.edge_shares(tensor, &edges);
        prop_assert_eq!(shares.len(), spec.len());
        for (index, share) in shares.iter().enumerate() {
            let through = paths.iter().filter(|p| p.contains(&(tensor, index)));
            let expected: f64 = through.map(|p| product(&edges, p)).sum();
            let found = share * total;
            prop_assert!(close(found, expected), "{}[{index}]: {found} {expected}", spec.name);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn sums_and_shares_are_those_of_all_paths((network, mask) in masked_network()) {
        for mask in [None, Some(&mask)] {
            agrees(&network, mask, One)?;
            agrees(&network, mask, Abs)?;
            agrees(&network, mask, Square)?;
            agrees(&network, mask, NonZero)?;
        }
    }

    #[test]
    fn derivatives_leave_out_the_edge_itself((network, mask) in masked_network()) {
        let graph = PathGraph::new(network.arch());
        let weights = network.weights();
        let edges = Edges::new(&weights, Square).masked(&mask);
        let sums = PathSums::new(&graph, &edges);
        prop_assume!(sums.total() > 0.0);
        let paths = all_paths(network.arch());
        for (tensor, spec) in network.arch().prunable().with_ids() {
            for index in 0..spec.len() {
                let edge = (tensor, index);
                let rest = |p: &Path| p.iter().filter(|&&e| e != edge).map(|&(t, i)| edges.value(t, i)).product::<f64>();
                let expected: f64 = paths.iter().filter(|p| p.contains(&edge)).map(rest).sum();
                let found = sums.derivatives(tensor).at(index) * sums.total();
                prop_assert!(close(found, expected), "{found} {expected}");
            }
        }
    }

    #[test]
    fn reach_marks_exactly_the_units_and_weights_on_surviving_paths((network, mask) in masked_network()) {
        let graph = PathGraph::new(network.arch());
        let kept = |p: &&Path| p.iter().all(|&(t, i)| mask.layer(t).get(i));
        let paths = all_paths(network.arch());
        let surviving: Vec<&Path> = paths.iter().filter(kept).collect();
        let reach = Reach::of_mask(&graph, &mask);
        prop_assert_eq!(reach.connected(), !surviving.is_empty());
        let effective = reach.effective(&graph, &mask);
        for (tensor, layer) in effective.layers().with_ids() {
            for index in 0..layer.len() {
                let on_path = surviving.iter().any(|p| p.contains(&(tensor, index)));
                prop_assert_eq!(layer.get(index), on_path, "{}[{}]", layer.name(), index);
            }
        }
    }

    #[test]
    fn one_thread_and_three_give_the_same_bytes((network, mask) in masked_network()) {
        let graph = PathGraph::new(network.arch());
        let weights = network.weights();
        let edges = Edges::new(&weights, Abs).masked(&mask);
        let sums = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| PathSums::new(&graph, &edges))
        };
        let (one, three) = (sums(1), sums(3));
        prop_assert_eq!(one.forward, three.forward);
        prop_assert_eq!(one.backward, three.backward);
    }
}

#[test]
fn one_thread_and_three_give_the_same_bytes_on_large_layers() {
    let arch = zoo::mlp(&[700, 900, 500, 10]).build().unwrap();
    let network = Network::initialise(arch, Init::default(), 3).unwrap();
    let graph = PathGraph::new(network.arch());
    let weights = network.weights();
    let sums = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| PathSums::new(&graph, &Edges::new(&weights, Square)))
    };
    assert_eq!(sums(1).forward, sums(3).forward);
    assert_eq!(sums(1).backward, sums(3).backward);
}

#[test]
fn a_full_mask_changes_no_byte() {
    let network =
        Network::initialise(zoo::by_name("resnet20").unwrap().build().unwrap(), Init::default(), 1)
            .unwrap();
    let graph = PathGraph::new(network.arch());
    let weights = network.weights();
    let dense = Mask::dense(network.arch());
    let plain = PathSums::new(&graph, &Edges::new(&weights, Abs));
    let masked = PathSums::new(&graph, &Edges::new(&weights, Abs).masked(&dense));
    assert_eq!(plain.forward, masked.forward);
    assert_eq!(plain.backward, masked.backward);
}

/// A chain of 400 layers of one unit: the products leave f64's range after about 100 layers of 10⁻³.
#[test]
fn depth_neither_overflows_nor_underflows() {
    let arch = zoo::mlp(&[1; 401]).build().unwrap();
    let network = Network::initialise(arch, Init::default(), 0).unwrap();
    let graph = PathGraph::new(network.arch());
    for weight in [1e-3f32, 1e3] {
        let network = network.with_weights(vec![vec![weight]; 400]).unwrap();
        let weights = network.weights();
        let sums = PathSums::new(&graph, &Edges::new(&weights, Square));
        let expected = 800.0 * f64::from(weight).ln();
        // ln of a mantissa and of 2^n each round once: 10⁻¹⁵ relative each.
        assert!((sums.ln_total() / expected - 1.0).abs() < 1e-14, "{} {expected}", sums.ln_total());
        let shares = sums.edge_shares(TensorId::new(17), &Edges::new(&weights, Square));
        assert!((shares[0] - 1.0).abs() < 1e-12);
    }
}

/// VGG-19 with 10 classes: 3·64·64·128·…·10 channel pairs, nine parallel edges each.
#[test]
fn path_counts_of_the_zoo_are_those_worked_out_by_hand() {
    let ln_paths = |name: &str| {
        let arch = zoo::by_name(name).unwrap().build().unwrap();
        let graph = PathGraph::new(&arch);
        PathSums::new(&graph, &Edges::structure()).ln_total()
    };
    let widths = [3.0f64, 64.0, 64.0, 128.0, 128.0, 256.0, 256.0, 256.0, 256.0];
    let expected = widths.iter().map(|w| w.ln()).sum::<f64>()
        + 8.0 * 512f64.ln()
        + 10f64.ln()
        + 16.0 * 9f64.ln();
    assert!((ln_paths("vgg19") / expected - 1.0).abs() < 1e-14);
    // From each of its c units a block reaches each of c units by 9·c·9 ways through the middle, and one unit
    // by the identity. Where c changes to 2c, each of 2c units is reached by 9·2c·9 ways, or by the projection.
    let block = |c: f64| (81.0 * c * c + 1.0).ln();
    let change = |c: f64| (c * (81.0 * c + 1.0)).ln();
    let resnet20 = (3.0f64 * 9.0 * 16.0).ln()
        + 3.0 * block(16.0)
        + change(32.0)
        + 2.0 * block(32.0)
        + change(64.0)
        + 2.0 * block(64.0)
        + 10f64.ln();
    assert!(
        (ln_paths("resnet20") / resnet20 - 1.0).abs() < 1e-14,
        "{} {resnet20}",
        ln_paths("resnet20")
    );
    // A dense layer of 12 channels appends 12 units, each reached by 9 ways from every unit before; a 1×1
    // convolution to c channels multiplies paths by c.
    let dense_block = 12.0 * 109f64.ln();
    let densenet = (27.0f64 * 16.0 * 160.0 * 304.0 * 10.0).ln() + 3.0 * dense_block;
    let found = ln_paths("densenet-40-12");
    assert!((found / densenet - 1.0).abs() < 1e-14, "{found} {densenet}");
}

/// Two heads of two units. From one unit of what an attention reads, a path comes to a unit of its output by its value, and
/// by both units of its head of the queries and of the keys: five ways.
#[test]
fn paths_through_attention_are_those_worked_out_by_hand() {
    for packed in [true, false] {
        let arch = transformer(2, 2, packed, true);
        // To each of two units around it by four of its units or by the identity, from two inputs, to two classes.
        let expected = 2 * (2 * 4 * 5 + 1) * 2;
        assert_eq!(all_paths(&arch).len(), expected);
        let graph = PathGraph::new(&arch);
        let sums = PathSums::new(&graph, &Edges::structure());
        assert!(close(sums.total(), expected as f64), "{}", sums.total());
        assert_eq!(arch.extensions(), ["attention"]);
        // 4×4 products of tokens, each of 4 units, once with the keys and once with the values.
        assert_eq!(arch.attention_multiply_adds(), 2 * 4 * 4 * 4);
    }
    assert_eq!(
        zoo::by_name("lenet-5").unwrap().build().unwrap().extensions(),
        Vec::<String>::new()
    );
}
