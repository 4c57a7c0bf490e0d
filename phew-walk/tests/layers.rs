//! Layers with a share of their own: what walks keep is the walks' own order, budget by budget.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use phew_graph::{Init, LayerShares, Mask, Network, TensorId, zoo};
use phew_walk::{Engine, Granularity, WalkParams, prune, prune_nested};

fn network() -> Network {
    Network::initialise(zoo::by_name("lenet-5").unwrap().build().unwrap(), Init::default(), 3)
        .unwrap()
}

fn params(density: f64) -> WalkParams {
    WalkParams::new(density).unwrap().seed(9).engine(Engine::Walk)
}

fn kept(mask: &Mask) -> Vec<usize> {
    mask.layers().iter().map(|layer| layer.kept()).collect()
}

#[test]
fn a_layer_keeps_the_first_weights_that_walks_pass_and_so_do_the_others_together() {
    let network = network();
    let shares = LayerShares::default().share("fc1", 0.01).unwrap();
    let shares = shares.share("conv2", 0.6).unwrap();
    let walked = prune(&network, &params(0.1).layers(shares)).unwrap();
    let (target, layers) = (walked.report.target, kept(&walked.mask));
    assert_eq!((layers[2], layers[1]), (480, 1440));
    let others: usize = [0, 3, 4].iter().map(|&layer| layers[layer]).sum();
    let free = target - 480 - 1440;
    // The walk that reaches the number is kept whole: at most one weight of each layer more.
    assert!((free..free + 3).contains(&others), "{layers:?} of {target}");
    // The same walks without any share pass those weights first: up to a density where the layer has as many, what it
    // keeps is within what more walks keep, and has what fewer walks keep.
    for layer in [1, 2] {
        let layer = TensorId::new(layer);
        let mine = walked.mask.layer(layer);
        let mut enough = false;
        for density in [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4] {
            let plain = prune(&network, &params(density)).unwrap().mask;
            let plain = plain.layer(layer);
            let common = plain.iter().filter(|&i| mine.get(i)).count();
            match plain.kept() <= mine.kept() {
                true => assert_eq!(common, plain.kept(), "{density}"),
                false => assert_eq!(common, mine.kept(), "{density}"),
            }
            enough |= plain.kept() >= mine.kept();
        }
        assert!(enough);
    }
}

#[test]
fn whole_layers_are_kept_by_both_engines_and_the_total_is_the_density_s() {
    let network = network();
    let shares = || LayerShares::default().keep_whole("conv1").unwrap().keep_whole("fc3").unwrap();
    for engine in [Engine::Walk, Engine::Bulk] {
        let walked = prune(&network, &params(0.3).engine(engine).layers(shares())).unwrap();
        let layers = kept(&walked.mask);
        assert_eq!((layers[0], layers[4]), (150, 840), "{engine}");
        let kept: usize = layers.iter().sum();
        assert!((18_441..18_447).contains(&kept), "{engine}: {kept}");
    }
}

#[test]
fn kernels_are_kept_whole_until_a_layer_has_its_share() {
    let network = network();
    let shares = LayerShares::default().share("conv2", 0.3).unwrap();
    let params = params(0.1).granularity(Granularity::Kernel).layers(shares);
    let walked = prune(&network, &params).unwrap();
    let layer = walked.mask.layer(TensorId::new(1));
    assert!((720..745).contains(&layer.kept()), "{}", layer.kept());
    let indices: Vec<usize> = layer.iter().collect();
    assert!(indices.chunks(25).all(|kernel| kernel[0] % 25 == 0 && kernel[24] == kernel[0] + 24));
}

#[test]
fn densities_of_one_call_are_nested_and_those_of_single_calls() {
    let network = network();
    let shares = || LayerShares::default().share("fc1", 0.02).unwrap();
    let nested = WalkParams::nested(&[0.2, 0.05]).unwrap().seed(9).layers(shares());
    let all = prune_nested(&network, &nested, |_| std::ops::ControlFlow::Continue(())).unwrap();
    assert!(all[0].mask.is_subset(&all[1].mask).unwrap());
    for (walked, density) in all.iter().zip([0.05, 0.2]) {
        let single = prune(&network, &params(density).layers(shares())).unwrap();
        assert_eq!(walked.mask, single.mask);
        assert_eq!(walked.mask.layer(TensorId::new(2)).kept(), 960);
    }
}

#[test]
fn what_walks_cannot_reach_is_refused_by_its_layer() {
    let network = network();
    let mut weights: Vec<Vec<f32>> = network.weights().iter().map(|w| w.to_vec()).collect();
    // Half of the first fully connected layer is 0, as on a chessboard: no walk passes a weight of 0 where others lead on,
    // and from each unit some do, either way.
    let dark = |index: usize| (index / 400 + index % 400).is_multiple_of(2);
    weights[2].iter_mut().enumerate().filter(|(i, _)| dark(*i)).for_each(|(_, w)| *w = 0.0);
    let network = network.with_weights(weights).unwrap();
    let shares = LayerShares::default().share("fc1", 0.6).unwrap();
    let error = prune(&network, &params(0.6).layers(shares)).unwrap_err().to_string();
    assert!(error.contains("`fc1.weight`") && error.contains("walks reach only 24000"), "{error}");
}
