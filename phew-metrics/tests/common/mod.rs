//! Every path of a small network as a chain of scalar weights, read off the operators one by one: nothing here
//! uses the path graph or its sums, which the tests hold against it.
#![allow(dead_code, reason = "each test binary uses a part of this")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use phew_graph::{
    Activation, Arch, ArchBuilder, Conv2d, Init, LayerMask, Mask, Network, Op, Pool, Role, Shape,
    TensorId, TensorSpec, stream, stream_key,
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Scalar weights `(tensor, index)` of a path, from the input on.
pub(crate) type Chain = Vec<(TensorId, usize)>;

/// A network with at most [`MOST`] paths, some weights of 0, and a mask.
#[derive(Clone, Debug)]
pub(crate) struct Tiny {
    pub(crate) network: Network,
    pub(crate) mask: Mask,
}

const MOST: usize = 1_500;

/// Draws a tiny network: an MLP, or convolutions with groups, pooling, identity and projection skips.
pub(crate) fn tiny(seed: u64) -> Tiny {
    draw(seed, Activation::Relu, false)
}

/// As [`tiny`]; with `ties` several layers share a weight.
pub(crate) fn tiny_with(seed: u64, ties: bool) -> Tiny {
    draw(seed, Activation::Relu, ties)
}

/// As [`tiny_with`], of linear operators only.
pub(crate) fn tiny_linear(seed: u64, ties: bool) -> Tiny {
    draw(seed, Activation::Identity, ties)
}

fn draw(seed: u64, f: Activation, ties: bool) -> Tiny {
    for attempt in 0.. {
        let mut rng = stream(stream_key("tiny", seed), attempt);
        let mut arch = if rng.random_bool(0.35) { mlp(&mut rng, f) } else { conv(&mut rng, f) };
        if ties {
            arch = tied(&arch, &mut rng);
            if arch.tied_weight().is_none() {
                continue;
            }
        }
        let count = chain_count(&arch);
        if !(1..=MOST).contains(&count) {
            continue;
        }
        let network = Network::initialise(arch, Init::default(), rng.random()).unwrap();
        let zeros = if rng.random_bool(0.5) { 0.0 } else { 0.15 };
        let mut zeroed = |v: &f32| if rng.random_bool(zeros) { 0.0 } else { *v };
        let weights =
            network.weights().iter().map(|w| w.iter().map(&mut zeroed).collect()).collect();
        let network = network.with_weights(weights).unwrap();
        let density = rng.random_range(0.4..1.0);
        let layers = network.arch().prunable().iter().map(|s| {
            let keep: Vec<bool> = (0..s.len()).map(|_| rng.random_bool(density)).collect();
            LayerMask::from_fn(&s.name, &s.shape, |i| keep[i])
        });
        let mask = Mask::from_layers(layers.collect());
        return Tiny { network, mask };
    }
    unreachable!("some attempt is small enough");
}

/// The architecture with most of its weights in the place of others of the same shape and groups.
fn tied(arch: &Arch, rng: &mut ChaCha8Rng) -> Arch {
    let mut specs = arch.specs();
    let groups = |spec: &TensorSpec| match &arch.nodes()[spec.nodes[0]].op {
        Op::Conv2d(conv) => conv.groups,
        _ => 1,
    };
    let weights: Vec<&TensorSpec> = arch.prunable().iter().collect();
    for (place, spec) in weights.iter().enumerate() {
        let alike = |other: &&&TensorSpec| {
            (&other.shape, groups(other)) == (&spec.shape, groups(spec)) && other.name != spec.name
        };
        if let Some(other) = weights[..place].iter().find(alike).filter(|_| rng.random_bool(0.8)) {
            specs[spec.nodes[0]].tensors.insert("weight".into(), other.name.clone());
        }
    }
    Arch::new("tied", specs).unwrap()
}

fn mlp(rng: &mut ChaCha8Rng, f: Activation) -> Arch {
    let shape = if rng.random_bool(0.5) {
        Shape::Features(rng.random_range(1..4))
    } else {
        Shape::Image { channels: rng.random_range(1..3), height: 1, width: 2 }
    };
    let mut net = ArchBuilder::new("tiny", shape);
    if matches!(shape, Shape::Image { .. }) {
        net = net.flatten("flatten");
    }
    for l in 0..rng.random_range(1..5) {
        net =
            net.linear(format!("fc{l}"), rng.random_range(1..5)).activation(format!("relu{l}"), f);
    }
    net.build().unwrap()
}

fn conv(rng: &mut ChaCha8Rng, f: Activation) -> Arch {
    let groups = rng.random_range(1..3);
    let image = Shape::Image { channels: 2, height: 4, width: 4 };
    let width = 2;
    let kernel = |rng: &mut ChaCha8Rng| rng.random_range(1..3);
    let first = Conv2d::new(width, kernel(rng)).padding(1).groups(groups);
    let mut net = ArchBuilder::new("tiny", image).conv("conv0", first).batch_norm("bn0");
    net = net.activation("relu0", f);
    for block in 0..rng.random_range(0..3) {
        let before = net.last().to_owned();
        let a = format!("a{block}");
        let b = format!("b{block}");
        net = net.conv(&a, Conv2d::new(width, 1)).activation(format!("r{block}"), f);
        net = net.conv(&b, Conv2d::new(width, 1));
        let add = format!("add{block}");
        match rng.random_range(0..5) {
            0 => net = net.add(add, &[&b, &before]),
            1 => {
                let p = format!("p{block}");
                net = net.from(&before).conv(&p, Conv2d::new(width, 1)).add(add, &[&b, &p]);
            }
            // Concatenated in either order, and brought back to the width.
            2 => {
                let concat = format!("concat{block}");
                let inputs = if rng.random_bool(0.5) { [&b, &before] } else { [&before, &b] };
                net = net.concat(concat, &inputs.map(String::as_str));
                net = net.conv(format!("c{block}"), Conv2d::new(width, 1));
            }
            // Depthwise, and brought back to the width.
            3 => {
                net = net.conv(format!("d{block}"), Conv2d::new(2 * width, 1).groups(width));
                net = net.conv(format!("c{block}"), Conv2d::new(width, 1));
            }
            _ => {}
        }
    }
    if rng.random_bool(0.5) {
        net = match f {
            Activation::Identity => net.avg_pool("pool", Pool::new(2)),
            _ => net.max_pool("pool", Pool::new(2)),
        };
    } else {
        net = net.avg_pool("pool", Pool::global());
    }
    net.flatten("flatten").linear("fc", rng.random_range(1..4)).build().unwrap()
}

fn tensor_of(arch: &Arch, node: usize) -> TensorId {
    let mut specs = arch.prunable().with_ids();
    specs.find(|(_, s)| s.nodes.contains(&node) && s.role == Role::Weight).unwrap().0
}

/// A step back: node, unit, and the weight passed, if any.
type Back = (usize, usize, Option<(TensorId, usize)>);

/// The steps back from a unit of a node.
fn back(arch: &Arch, node: usize, unit: usize) -> Vec<Back> {
    let n = &arch.nodes()[node];
    match &n.op {
        Op::Input(_) => Vec::new(),
        Op::Conv2d(conv) => {
            let tensor = tensor_of(arch, node);
            let inputs = arch.nodes()[n.inputs[0]].shape.units() / conv.groups;
            let group = unit / (conv.out / conv.groups);
            let kernel = conv.kernel[0] * conv.kernel[1];
            let mut steps = Vec::new();
            for i in 0..inputs {
                for k in 0..kernel {
                    let index = (unit * inputs + i) * kernel + k;
                    steps.push((n.inputs[0], group * inputs + i, Some((tensor, index))));
                }
            }
            steps
        }
        Op::Linear(_) => {
            let tensor = tensor_of(arch, node);
            let inputs = arch.nodes()[n.inputs[0]].shape.units();
            (0..inputs).map(|i| (n.inputs[0], i, Some((tensor, unit * inputs + i)))).collect()
        }
        Op::Add(_) => n.inputs.iter().map(|&i| (i, unit, None)).collect(),
        Op::Flatten(_) => {
            vec![(n.inputs[0], unit / arch.nodes()[n.inputs[0]].shape.area(), None)]
        }
        Op::Concat(_) => {
            let (from, unit) = in_concat(arch, node, unit);
            vec![(from, unit, None)]
        }
        Op::BatchNorm(_) | Op::Activation(_) | Op::MaxPool(_) | Op::AvgPool(_) => {
            vec![(n.inputs[0], unit, None)]
        }
        other => panic!("steps through {} are not known here", other.kind()),
    }
}

/// The node and its unit that are a unit of a concatenation.
pub(crate) fn in_concat(arch: &Arch, node: usize, mut unit: usize) -> (usize, usize) {
    for &from in &arch.nodes()[node].inputs {
        let units = arch.nodes()[from].shape.units();
        if unit < units {
            return (from, unit);
        }
        unit -= units;
    }
    panic!("a concatenation has as many units as its inputs together");
}

fn chain_count(arch: &Arch) -> usize {
    let mut counts: Vec<Vec<usize>> = Vec::new();
    for node in 0..arch.nodes().len() {
        let units = arch.nodes()[node].shape.units();
        let count = |u| match node {
            0 => 1,
            _ => back(arch, node, u).iter().map(|&(n, v, _)| counts[n][v]).sum(),
        };
        counts.push((0..units).map(count).collect());
    }
    counts.last().unwrap().iter().sum()
}

/// All paths of the architecture.
pub(crate) fn chains(arch: &Arch) -> Vec<Chain> {
    let last = arch.nodes().len() - 1;
    let mut done = Vec::new();
    for unit in 0..arch.nodes()[last].shape.units() {
        walk_back(arch, last, unit, &mut Vec::new(), &mut done);
    }
    done
}

fn walk_back(arch: &Arch, node: usize, unit: usize, chain: &mut Chain, done: &mut Vec<Chain>) {
    if node == 0 {
        done.push(chain.iter().rev().copied().collect());
        return;
    }
    for (next, to, weight) in back(arch, node, unit) {
        chain.extend(weight);
        walk_back(arch, next, to, chain, done);
        chain.truncate(chain.len() - usize::from(weight.is_some()));
    }
}

/// The paths whose weights a mask keeps.
pub(crate) fn kept_chains(tiny: &Tiny) -> Vec<Chain> {
    let keeps = |c: &Chain| c.iter().all(|&(t, i)| tiny.mask.layer(t).get(i));
    chains(tiny.network.arch()).into_iter().filter(keeps).collect()
}

/// How often a chain passes a weight: once, unless layers share it.
pub(crate) fn times(chain: &Chain, weight: (TensorId, usize)) -> usize {
    chain.iter().filter(|&&passed| passed == weight).count()
}

/// Products of the edge values of a chain.
pub(crate) fn product(chain: &Chain, value: impl Fn(TensorId, usize) -> f64) -> f64 {
    chain.iter().map(|&(t, i)| value(t, i)).product()
}

/// Products with one factor left out, by place.
pub(crate) fn without_each(chain: &Chain, value: impl Fn(TensorId, usize) -> f64) -> Vec<f64> {
    let skip = |place: usize| {
        let others = chain.iter().enumerate().filter(|&(p, _)| p != place);
        others.map(|(_, &(t, i))| value(t, i)).product()
    };
    (0..chain.len()).map(skip).collect()
}

/// Whether two numbers agree: sums of at most a few thousand positive terms lose a few hundred ulps at most,
/// and exponentials of logarithms near 100 a hundred.
pub(crate) fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * a.abs().max(b.abs()) + 1e-300
}
