//! Tiny random networks, and their paths one by one.
//!
//! The enumeration reads the operators of an architecture, not the path graph: it shares nothing with what it
//! checks.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use phew_graph::op::{
    Attention, ConvTranspose2d, Crop, LayerNorm, Linear, PositionsAsUnits, Shift, Slice, Tokens,
};
use phew_graph::{Arch, ArchBuilder, Conv2d, Mask, Network, Op, Pool, Shape, TensorId};
use proptest::prelude::*;

/// A path: its scalar weights as (tensor, index).
pub(crate) type Path = Vec<(TensorId, usize)>;

/// Every path from any input to any output unit.
pub(crate) fn all_paths(arch: &Arch) -> Vec<Path> {
    let last = arch.nodes().len() - 1;
    (0..arch.nodes()[last].shape.units()).flat_map(|u| paths_to(arch, last, u)).collect()
}

/// Every path that ends at unit `unit` of the output of node `node`.
fn paths_to(arch: &Arch, node: usize, unit: usize) -> Vec<Path> {
    let this = &arch.nodes()[node];
    let tensor = arch.prunable().with_ids().find(|(_, spec)| spec.nodes.contains(&node));
    let extend = |from: usize, index: usize| {
        let mut paths = paths_to(arch, this.inputs[0], from);
        paths.iter_mut().for_each(|p| p.push((tensor.unwrap().0, index)));
        paths
    };
    match &this.op {
        Op::Input(_) => vec![Vec::new()],
        Op::Conv2d(Conv2d { out, kernel, groups, .. })
        | Op::ConvTranspose2d(ConvTranspose2d { out, kernel, groups, .. }) => {
            let inputs = arch.nodes()[this.inputs[0]].shape.units() / groups;
            let kernel = kernel[0] * kernel[1];
            let group = unit / (out / groups);
            (0..inputs * kernel)
                .flat_map(|k| extend(group * inputs + k / kernel, unit * inputs * kernel + k))
                .collect()
        }
        Op::Linear(_) => {
            let inputs = arch.nodes()[this.inputs[0]].shape.units();
            (0..inputs).flat_map(|i| extend(i, unit * inputs + i)).collect()
        }
        Op::Flatten(_) => {
            let area = arch.nodes()[this.inputs[0]].shape.area();
            paths_to(arch, this.inputs[0], unit / area)
        }
        Op::Concat(_) => {
            let mut unit = unit;
            let units = |node: usize| arch.nodes()[node].shape.units();
            let holds = |&&from: &&usize| {
                let here = unit < units(from);
                unit -= if here { 0 } else { units(from) };
                here
            };
            let from = *this.inputs.iter().find(holds).unwrap();
            paths_to(arch, from, unit)
        }
        Op::Add(_) => this.inputs.iter().flat_map(|&i| paths_to(arch, i, unit)).collect(),
        Op::Slice(slice) => paths_to(arch, this.inputs[0], slice.first + unit),
        // Each position holds a scalar of every unit.
        Op::PositionsAsUnits(_) => {
            let units = arch.nodes()[this.inputs[0]].shape.units();
            (0..units).flat_map(|u| paths_to(arch, this.inputs[0], u)).collect()
        }
        Op::ChannelMean(_) => {
            let units = arch.nodes()[this.inputs[0]].shape.units();
            (0..units).flat_map(|u| paths_to(arch, this.inputs[0], u)).collect()
        }
        Op::Attention(attention) => {
            let head = this.shape.units() / attention.heads;
            let first = unit / head * head;
            let [query, key, value] = this.inputs[..] else { panic!("three inputs") };
            let mut paths = paths_to(arch, value, unit);
            for gate in [query, key] {
                paths.extend((first..first + head).flat_map(|u| paths_to(arch, gate, u)));
            }
            paths
        }
        Op::BatchNorm(_)
        | Op::Activation(_)
        | Op::MaxPool(_)
        | Op::AvgPool(_)
        | Op::LayerNorm(_)
        | Op::Shift(_)
        | Op::Tokens(_)
        | Op::Crop(_) => paths_to(arch, this.inputs[0], unit),
        other => panic!("paths through {} are not known here", other.kind()),
    }
}

/// A stage of a random network.
#[derive(Clone, Debug)]
pub(crate) enum Stage {
    Conv {
        out: usize,
        kernel: usize,
        grouped: bool,
    },
    /// A transposed convolution.
    Transposed {
        out: usize,
        kernel: usize,
        grouped: bool,
    },
    Pool,
    /// Two convolutions with an identity around them.
    Residual {
        middle: usize,
    },
    /// Two convolutions with a 1×1 projection around them.
    Projected {
        out: usize,
        middle: usize,
    },
    /// One convolution with an identity around it and another around both.
    Nested,
    Double,
    /// A convolution whose channels are appended to what it reads, or put before.
    Dense {
        growth: usize,
        before: bool,
    },
    /// A convolution of each channel by itself, to so many channels, and a 1×1 convolution of all.
    Separable {
        multiplier: usize,
        out: usize,
    },
    /// Two branches of 1 and 3 channels, and between them what they read, twice.
    Inception,
    /// Half of the channels each by a convolution of its own, with an identity around both.
    Halves,
}

fn stage() -> impl Strategy<Value = Stage> {
    prop_oneof![
        3 => (1..=2usize, 1..=2usize, any::<bool>()).prop_map(|(o, kernel, grouped)| Stage::Conv { out: 2 * o, kernel, grouped }),
        2 => (1..=2usize, 1..=2usize, any::<bool>()).prop_map(|(o, kernel, grouped)| Stage::Transposed { out: 2 * o, kernel, grouped }),
        1 => Just(Stage::Pool),
        2 => (1..=2usize).prop_map(|middle| Stage::Residual { middle }),
        2 => (1..=2usize, 1..=2usize).prop_map(|(o, middle)| Stage::Projected { out: 2 * o, middle }),
        1 => Just(Stage::Nested),
        1 => Just(Stage::Double),
        2 => (1..=2usize, any::<bool>()).prop_map(|(growth, before)| Stage::Dense { growth: 2 * growth, before }),
        2 => (1..=2usize, 1..=2usize).prop_map(|(multiplier, o)| Stage::Separable { multiplier, out: 2 * o }),
        1 => Just(Stage::Inception),
        1 => Just(Stage::Halves),
    ]
}

/// Convolutional networks of up to three stages with a linear head, and small perceptrons.
pub(crate) fn arch() -> impl Strategy<Value = Arch> {
    let mlp = proptest::collection::vec(1..=4usize, 2..=5)
        .prop_map(|widths| phew_graph::zoo::mlp(&widths).build().unwrap());
    let conv = (proptest::collection::vec(stage(), 1..=3), any::<bool>(), 1..=3usize)
        .prop_map(|(stages, flat, classes)| convolutional(&stages, flat, classes));
    let tokens = (1..=2usize, 1..=2usize, any::<bool>(), any::<bool>())
        .prop_map(|(heads, units, packed, class)| transformer(heads, units, packed, class));
    let mixed = (1..=2usize, 1..=2usize, 1..=2usize)
        .prop_map(|(tokens, width, inner)| mixer(tokens + 1, width, inner));
    prop_oneof![1 => mlp, 4 => conv, 1 => tokens, 1 => mixed]
}

/// A layer over tokens with a residual around it, and a linear layer of each token.
pub(crate) fn mixer(tokens: usize, width: usize, inner: usize) -> Arch {
    let at = |out| Linear { out, bias: false, at_positions: true };
    ArchBuilder::new("mixer", Shape::Sequence { channels: width, length: tokens })
        .op("stem", at(width))
        .op("turned", PositionsAsUnits::default())
        .op("up", at(inner))
        .relu("relu")
        .op("down", at(tokens))
        .op("back", PositionsAsUnits::default())
        .add("residual", &["back", "stem"])
        .avg_pool("mean", Pool::global())
        .flatten("token")
        .linear_unbiased("head", 2)
        .build()
        .unwrap()
}

/// A block of a transformer: attention of so many heads of so many units each within a residual, queries, keys and values
/// from one layer or from three.
pub(crate) fn transformer(heads: usize, units: usize, packed: bool, class: bool) -> Arch {
    let (width, inner) = (2, heads * units);
    let at = |out| Linear { out, bias: false, at_positions: true };
    let mut net = ArchBuilder::new("tokens", Shape::Sequence { channels: width, length: 3 })
        .op("class", Tokens { shape: vec![1, 1, width], behind: false })
        .op("positions", Shift { shape: vec![4, width], units_last: true });
    let norm = LayerNorm { groups: None, eps: 1e-5, affine: true, shift: true };
    net = net.op("norm", norm);
    let parts = ["query", "key", "value"];
    if packed {
        net = net.op("packed", at(3 * inner));
        for (place, part) in parts.into_iter().enumerate() {
            net = net.from("packed").op(part, Slice { first: place * inner, units: inner });
        }
    } else {
        for part in parts {
            net = net.from("norm").op(part, at(inner));
        }
    }
    net = net
        .join("attention", Attention { heads, causal: true, scale: None }, &parts)
        .op("out", at(width))
        .add("residual", &["out", "positions"]);
    net = match class {
        true => net.op("crop", Crop { first: 0, positions: 1 }).flatten("token"),
        false => net.avg_pool("mean", Pool::global()).flatten("token"),
    };
    net.linear_unbiased("head", 2).build().unwrap()
}

fn convolutional(stages: &[Stage], flat: bool, classes: usize) -> Arch {
    let mut channels = 2;
    let mut net =
        ArchBuilder::new("random", Shape::Image { channels, height: 8, width: 8 }).relu("start");
    for (s, stage) in stages.iter().enumerate() {
        let before = net.last().to_owned();
        let name = |part: &str| format!("{s}.{part}");
        match *stage {
            Stage::Conv { out, kernel, grouped } => {
                let groups = if grouped { 2 } else { 1 };
                net = net
                    .conv(name("conv"), Conv2d::new(out, kernel).groups(groups))
                    .batch_norm(name("bn"));
                channels = out;
            }
            Stage::Transposed { out, kernel, grouped } => {
                let groups = if grouped { 2 } else { 1 };
                let op = ConvTranspose2d {
                    groups,
                    padding: [kernel - 1; 2],
                    ..ConvTranspose2d::new(out, kernel)
                };
                net = net.op(name("up"), op).relu(name("relu"));
                channels = out;
            }
            Stage::Pool => net = net.avg_pool(name("pool"), Pool::new(2).stride(1)),
            Stage::Residual { middle } => {
                net = net
                    .conv(name("a"), Conv2d::new(middle, 1))
                    .relu(name("relu"))
                    .conv(name("b"), Conv2d::new(channels, 1))
                    .add(name("add"), &[&name("b"), &before]);
            }
            Stage::Projected { out, middle } => {
                net = net
                    .conv(name("a"), Conv2d::new(middle, 1))
                    .conv(name("b"), Conv2d::new(out, 1))
                    .batch_norm(name("bn"))
                    .from(&before)
                    .conv(name("p"), Conv2d::new(out, 1))
                    .add(name("add"), &[&name("bn"), &name("p")]);
                channels = out;
            }
            Stage::Nested => {
                net = net
                    .conv(name("a"), Conv2d::new(channels, 1))
                    .add(name("inner"), &[&before, &name("a")])
                    .relu(name("relu"))
                    .add(name("outer"), &[&name("relu"), &before]);
            }
            Stage::Double => net = net.add(name("add"), &[&before, &before]),
            Stage::Dense { growth, before: first } => {
                let (conv, old) = (name("conv"), before.as_str());
                let order = if first { [conv.as_str(), old] } else { [old, conv.as_str()] };
                net = net
                    .batch_norm(name("bn"))
                    .conv(&conv, Conv2d::new(growth, 1))
                    .concat(name("concat"), &order);
                channels += growth;
            }
            Stage::Separable { multiplier, out } => {
                net = net
                    .conv(name("depthwise"), Conv2d::new(multiplier * channels, 1).groups(channels))
                    .relu(name("relu"))
                    .conv(name("pointwise"), Conv2d::new(out, 1));
                channels = out;
            }
            Stage::Inception => {
                net = net
                    .conv(name("left"), Conv2d::new(1, 1))
                    .from(&before)
                    .conv(name("right"), Conv2d::new(3, 1))
                    .concat(name("concat"), &[&name("left"), &before, &before, &name("right")]);
                channels = 2 * channels + 4;
            }
            Stage::Halves => {
                net = net
                    .conv(name("left"), Conv2d::new(channels / 2, 1))
                    .from(&before)
                    .conv(name("right"), Conv2d::new(channels / 2, 1))
                    .concat(name("concat"), &[&name("left"), &name("right")])
                    .relu(name("relu"))
                    .add(name("add"), &[&name("relu"), &before]);
            }
        }
    }
    if flat {
        net = net.avg_pool("shrink", Pool::new(4).stride(4));
    } else {
        net = net.avg_pool("pool", Pool::global());
    }
    net.flatten("flatten").linear("fc", classes).build().unwrap()
}

/// An architecture, weights of which some are 0, and a mask.
pub(crate) fn masked_network() -> impl Strategy<Value = (Network, Mask)> {
    arch().prop_flat_map(|arch| {
        let len = arch.prunable_len();
        let weight = prop_oneof![1 => Just(0.0f32), 6 => -2.0..2.0f32];
        let weights = proptest::collection::vec(weight, len);
        let kept = proptest::collection::vec(proptest::bool::weighted(0.7), len);
        (Just(arch), weights, kept).prop_map(|(arch, weights, kept)| build(arch, &weights, &kept))
    })
}

fn build(arch: Arch, weights: &[f32], kept: &[bool]) -> (Network, Mask) {
    let mut mask = Mask::empty(&arch);
    let mut tensors = Vec::new();
    let mut from = 0;
    for (t, spec) in arch.prunable().with_ids() {
        tensors.push(weights[from..from + spec.len()].to_vec());
        for i in (0..spec.len()).filter(|i| kept[from + i]) {
            mask.layer_mut(t).insert(i);
        }
        from += spec.len();
    }
    let network = Network::initialise(arch, phew_graph::Init::default(), 0).unwrap();
    (network.with_weights(tensors).unwrap(), mask)
}
