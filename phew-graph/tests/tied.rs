//! Operators that share tensors: what an architecture is then, what it computes, and what is refused.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use phew_graph::execute::Program;
use phew_graph::ndarray::{ArrayD, IxDyn};
use phew_graph::op::ConvTranspose2d;
use phew_graph::{
    Arch, ArchBuilder, Compaction, Conv2d, Extra, Init, LayerId, LayerMask, Mask, Network,
    NodeSpec, NormScale, Overwrite, PathGraph, Shape, TensorId, TensorNames, TensorSpec,
};

const IMAGE: Shape = Shape::Image { channels: 4, height: 6, width: 5 };

/// A convolution and a normalisation, both used twice with a residual around the second use, and layers of their own.
fn twice() -> Arch {
    ArchBuilder::new("twice", IMAGE)
        .conv("conv", Conv2d::new(4, 3).padding(1).bias())
        .batch_norm("norm")
        .relu("relu")
        .conv("again", Conv2d::new(4, 3).padding(1).bias())
        .tensor("weight", "conv.weight")
        .tensor("bias", "conv.bias")
        .batch_norm("renorm")
        .tensor("weight", "norm.weight")
        .tensor("bias", "norm.bias")
        .tensor("running_mean", "norm.running_mean")
        .tensor("running_var", "norm.running_var")
        .add("sum", &["renorm", "relu"])
        .conv("own", Conv2d::new(3, 1))
        .flatten("flatten")
        .linear("fc", 2)
        .build()
        .unwrap()
}

#[test]
fn a_shared_tensor_is_listed_once_and_used_by_each_operator() {
    let arch = twice();
    let names: Vec<&str> = arch.prunable().iter().map(|spec| spec.name.as_str()).collect();
    assert_eq!(names, ["conv.weight", "own.weight", "fc.weight"]);
    let names: Vec<&str> = arch.auxiliary().iter().map(|spec| spec.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "conv.bias",
            "norm.weight",
            "norm.bias",
            "norm.running_mean",
            "norm.running_var",
            "fc.bias"
        ]
    );
    assert_eq!(arch.prunable_len(), 4 * 4 * 9 + 3 * 4 + 2 * 3 * 30);
    let weight = TensorId::new(0);
    assert_eq!(arch.prunable()[weight].nodes.len(), 2);
    assert_eq!(arch.positions(weight), 2 * 30);
    assert_eq!(arch.extensions(), ["tied weights"]);
    assert_eq!(arch.tied_weight(), Some(&arch.prunable()[weight]));
    let graph = PathGraph::new(&arch);
    let uses: Vec<_> = graph.uses(weight).map(|ends| (ends.source, ends.target)).collect();
    let name = |layer: LayerId| graph[layer].name.as_str();
    let uses: Vec<_> = uses.into_iter().map(|(a, b)| (name(a), name(b))).collect();
    assert_eq!(uses, [("input", "conv"), ("conv", "sum")]);
}

#[test]
fn toml_names_what_is_shared_and_comes_back() {
    let arch = twice();
    let text = arch.to_toml();
    assert!(
        text.contains("[op.tensors]\nbias = \"conv.bias\"\nweight = \"conv.weight\""),
        "{text}"
    );
    assert_eq!(Arch::from_toml(&text, "twice").unwrap(), arch);
}

#[test]
fn a_tensor_may_be_shared_before_the_operator_that_it_is_named_after() {
    let arch = ArchBuilder::new("forward", Shape::Features(3))
        .linear_unbiased("a", 3)
        .tensor("weight", "b.weight")
        .linear_unbiased("b", 3)
        .build()
        .unwrap();
    assert_eq!(arch.prunable().iter().map(|spec| &spec.name).collect::<Vec<_>>(), ["b.weight"]);
}

#[test]
fn what_operators_cannot_share_is_refused_by_name() {
    let refused = |arch: ArchBuilder, parts: &[&str]| {
        let error = arch.build().unwrap_err().to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{error} lacks one of {parts:?}");
    };
    let conv = || ArchBuilder::new("t", IMAGE).conv("a", Conv2d::new(4, 1));
    let tied = |net: ArchBuilder| net.tensor("weight", "a.weight");
    // Another shape, other groups of the same one, and a weight with its axes the other way round.
    refused(
        tied(conv().conv("b", Conv2d::new(5, 1))),
        &["`b`", "`a.weight`", "`a`", "[4, 4, 1, 1]"],
    );
    let grouped = ArchBuilder::new("t", Shape::Image { channels: 8, height: 2, width: 2 })
        .conv("down", Conv2d::new(4, 1))
        .conv("a", Conv2d::new(4, 1))
        .from("input");
    let grouped = tied(grouped.conv("b", Conv2d::new(4, 1).groups(2)));
    refused(grouped.concat("both", &["a", "b"]), &["`b`", "`a.weight`", "groups"]);
    let up = ConvTranspose2d {
        out: 4,
        kernel: [1; 2],
        stride: [1; 2],
        padding: [0; 2],
        output_padding: [0; 2],
        dilation: [1; 2],
        groups: 1,
        bias: false,
    };
    refused(tied(conv().op("b", up)), &["`b`", "`a.weight`"]);
    // A weight that is a scale elsewhere, and one operator's tensor for two of its purposes.
    let norm = ArchBuilder::new("t", Shape::Features(3)).linear("a", 3).batch_norm("n");
    refused(norm.tensor("weight", "a.bias"), &["`n`", "`a.bias`", "`a`'s"]);
    let norm = ArchBuilder::new("t", Shape::Features(3)).linear("a", 3).batch_norm("n");
    refused(norm.tensor("weight", "n.bias"), &["`n`", "`n.bias`"]);
    let unnamed = ArchBuilder::new("t", Shape::Features(3)).linear("a", 3).tensor("weight", "");
    refused(unnamed, &["`a`", "an empty name"]);
    let unknown = ArchBuilder::new("t", Shape::Features(3)).linear("a", 3).tensor("scale", "b");
    refused(unknown, &["`a`", "`scale`"]);
}

fn network() -> Network {
    let drawn = Network::initialise(twice(), Init::default(), 3).unwrap();
    let weights = drawn.weights().iter().map(|values| values.to_vec()).collect();
    let auxiliary = drawn.arch().auxiliary().iter().map(|spec| {
        let scale = NormScale::Uniform.sample(spec, 5);
        (0..spec.len()).map(|i| scale[i % scale.len()] + 0.1 * i as f32).collect()
    });
    Network::new(drawn.arch().clone(), weights, auxiliary.collect()).unwrap()
}

/// The same network with a tensor of its own for each use.
fn untied(network: &Network) -> Network {
    let arch = network.arch();
    let specs: Vec<NodeSpec> = arch
        .specs()
        .into_iter()
        .map(|spec| NodeSpec { tensors: TensorNames::new(), ..spec })
        .collect();
    let apart = Arch::new("apart", specs).unwrap();
    // By node and role, of which a node has one tensor each.
    let values = |spec: &TensorSpec| {
        let same = network
            .tensors()
            .find(|(own, _)| own.role == spec.role && own.nodes.contains(&spec.nodes[0]));
        same.unwrap().1.to_vec()
    };
    let weights = apart.prunable().iter().map(values).collect();
    let auxiliary = apart.auxiliary().iter().map(values).collect();
    Network::new(apart, weights, auxiliary).unwrap()
}

fn run(network: &Network, mask: Option<&Mask>) -> Vec<f32> {
    let len = 2 * IMAGE.scalars();
    let numbers = (0..len).map(|i| (i as f32 * 0.7).sin()).collect();
    let inputs = ArrayD::from_shape_vec(IxDyn(&[2, 4, 6, 5]), numbers).unwrap();
    let outputs = Program::new(network, mask).unwrap().run(inputs.view()).unwrap();
    outputs.iter().copied().collect()
}

fn near(a: &[f32], b: &[f32]) -> bool {
    // Sums of some dozens of terms near 1, in another order: their number times ε, with room for three layers.
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-4 * (1.0 + b.abs()))
}

#[test]
fn the_engine_reads_a_shared_tensor_for_each_operator() {
    let network = network();
    assert_eq!(run(&network, None), run(&untied(&network), None));
}

#[test]
fn a_compact_network_keeps_shared_layers_whole_and_computes_the_same() {
    let network = network();
    // Of the shared weight rows and columns go as a whole; of the layer behind it one unit goes.
    let layers = network.arch().prunable().iter().map(|spec| {
        LayerMask::from_fn(&spec.name, &spec.shape, |i| match spec.name.as_str() {
            "conv.weight" => i / 36 != 2 && i / 9 % 4 != 1,
            "own.weight" => i / 4 != 1,
            _ => true,
        })
    });
    let mask = Mask::from_layers(layers.collect());
    let small = Compaction::of(&network, &mask).unwrap().network(&network, &mask).unwrap();
    let shapes: Vec<&[usize]> =
        small.arch().prunable().iter().map(|spec| &spec.shape[..]).collect();
    assert_eq!(shapes, [&[4, 4, 3, 3][..], &[2, 4, 1, 1], &[2, 60]]);
    let (found, expected) = (run(&small, None), run(&network, Some(&mask)));
    assert!(near(&found, &expected), "{found:?} {expected:?}");
    assert_eq!(small.arch().prunable()[TensorId::new(0)].nodes.len(), 2);
}

#[test]
fn files_hold_a_shared_tensor_once() {
    let folder = tempfile::tempdir().unwrap();
    let (network, path) = (network(), folder.path().join("w.safetensors"));
    network.save(&path, Overwrite::Refuse).unwrap();
    let arch = network.arch().clone();
    let back = Network::load(&path, arch, Extra::Refuse).unwrap();
    assert_eq!(back.weights(), network.weights());
    assert_eq!(back.auxiliary(), network.auxiliary());
}
