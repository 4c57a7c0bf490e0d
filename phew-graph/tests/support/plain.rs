//! A plain loop in f64 over the operators, and the random networks that engines are held against it with.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;

use phew_graph::op::Window;
use phew_graph::{Activation, Arch, Init, LayerMask, Mask, Network, Node, NormScale, Op, Shape};
use proptest::prelude::*;

/// A map of one input.
#[derive(Clone)]
pub(crate) struct Map {
    pub(crate) sizes: [usize; 3],
    pub(crate) numbers: Vec<f64>,
}

impl Map {
    pub(crate) fn zeros(shape: Shape) -> Self {
        let sizes = match shape {
            Shape::Sequence { channels, length } => [channels, 1, length],
            Shape::Features(units) => [units, 1, 1],
            Shape::Image { channels, height, width } => [channels, height, width],
        };
        Self { sizes, numbers: vec![0.0; sizes.iter().product()] }
    }

    pub(crate) fn at(&self, unit: usize, y: usize, x: usize) -> f64 {
        self.numbers[(unit * self.sizes[1] + y) * self.sizes[2] + x]
    }

    /// The parts of the window at a position that lie on the map: index in the window, row and column.
    pub(crate) fn seen(&self, window: Window, y: usize, x: usize) -> Vec<(usize, usize, usize)> {
        let [rows, columns] = window.kernel;
        let mut seen = Vec::new();
        for k in 0..rows * columns {
            let row = y * window.stride[0] + k / columns * window.dilation[0];
            let column = x * window.stride[1] + k % columns * window.dilation[1];
            let [top, left] = window.padding;
            if (top..top + self.sizes[1]).contains(&row)
                && (left..left + self.sizes[2]).contains(&column)
            {
                seen.push((k, row - top, column - left));
            }
        }
        seen
    }
}

/// The tensors of a network by name, pruned weights zero.
pub(crate) fn tensors_of(network: &Network, mask: &Mask) -> BTreeMap<String, Vec<f64>> {
    let mut tensors: BTreeMap<String, Vec<f64>> = network
        .tensors()
        .map(|(spec, values)| (spec.name.clone(), values.iter().map(|&x| f64::from(x)).collect()))
        .collect();
    for layer in mask.layers() {
        let weights = tensors.get_mut(layer.name()).unwrap();
        (0..layer.len()).filter(|&i| !layer.get(i)).for_each(|i| weights[i] = 0.0);
    }
    tensors
}

/// What an operator makes of what it reads, for one input.
pub(crate) fn operator(
    arch: &Arch,
    node: &Node,
    tensors: &BTreeMap<String, Vec<f64>>,
    from: &[&Map],
) -> Map {
    let tensor = |name: &str| tensors.get(&format!("{}.{name}", node.name));
    let mut out = Map::zeros(node.shape);
    let [units, rows, columns] = out.sizes;
    let places = || {
        (0..units)
            .flat_map(move |u| (0..rows * columns).map(move |p| (u, p / columns, p % columns)))
    };
    out.numbers = match &node.op {
        Op::Conv2d(conv) => {
            let window = Window {
                kernel: conv.kernel,
                stride: conv.stride,
                padding: conv.padding,
                dilation: conv.dilation,
                ceil: false,
            };
            let (weights, bias) = (tensor("weight").unwrap(), tensor("bias"));
            let (inputs, kernel) =
                (from[0].sizes[0] / conv.groups, conv.kernel[0] * conv.kernel[1]);
            let value = |(u, y, x): (usize, usize, usize)| {
                let first = u / (units / conv.groups) * inputs;
                let mut sum = bias.map_or(0.0, |bias| bias[u]);
                for (k, row, column) in from[0].seen(window, y, x) {
                    for i in 0..inputs {
                        sum += weights[(u * inputs + i) * kernel + k]
                            * from[0].at(first + i, row, column);
                    }
                }
                sum
            };
            places().map(value).collect()
        }
        Op::ConvTranspose2d(conv) => {
            let (weights, bias) = (tensor("weight").unwrap(), tensor("bias"));
            let all = from[0].sizes[0];
            let (inputs, outputs) = (all / conv.groups, units / conv.groups);
            let mut sums = Map::zeros(node.shape);
            for (i, y, x) in (0..all).flat_map(|i| {
                let [_, rows, columns] = from[0].sizes;
                (0..rows * columns).map(move |p| (i, p / columns, p % columns))
            }) {
                for k in 0..conv.kernel[0] * conv.kernel[1] {
                    let at = [k / conv.kernel[1], k % conv.kernel[1]];
                    let there = |axis: usize, position: usize| {
                        let first = position * conv.stride[axis] + at[axis] * conv.dilation[axis];
                        first.checked_sub(conv.padding[axis]).filter(|&p| p < out.sizes[1 + axis])
                    };
                    let (Some(row), Some(column)) = (there(0, y), there(1, x)) else { continue };
                    let group = i / inputs;
                    for u in group * outputs..(group + 1) * outputs {
                        let place = (u * inputs + i % inputs) * conv.kernel[0] * conv.kernel[1] + k;
                        sums.numbers[(u * rows + row) * columns + column] +=
                            weights[place] * from[0].at(i, y, x);
                    }
                }
            }
            let bias = |u: usize| bias.map_or(0.0, |bias| bias[u]);
            sums.numbers
                .iter()
                .enumerate()
                .map(|(i, sum)| sum + bias(i / (rows * columns)))
                .collect()
        }
        Op::Linear(_) => {
            let (weights, bias) = (tensor("weight").unwrap(), tensor("bias"));
            let (inputs, area) = (from[0].sizes[0], rows * columns);
            let sum = |u: usize, p: usize| -> f64 {
                let products =
                    (0..inputs).map(|i| weights[u * inputs + i] * from[0].numbers[i * area + p]);
                products.sum::<f64>() + bias.map_or(0.0, |bias| bias[u])
            };
            (0..units * area).map(|i| sum(i / area, i % area)).collect()
        }
        Op::BatchNorm(norm) => {
            let of = |name: &str, u: usize| tensor(name).unwrap()[u];
            let value = |(u, y, x): (usize, usize, usize)| {
                (from[0].at(u, y, x) - of("running_mean", u))
                    / (of("running_var", u) + norm.eps).sqrt()
                    * of("weight", u)
                    + of("bias", u)
            };
            places().map(value).collect()
        }
        Op::Activation(activation) => {
            let f = |&x: &f64| match *activation {
                Activation::Relu => x.max(0.0),
                Activation::LeakyRelu { slope } => x.max(0.0) + slope * x.min(0.0),
                Activation::Elu { alpha } => x.max(0.0) + alpha * x.min(0.0).exp_m1(),
                Activation::Clip { min, max } => x.clamp(min, max),
                Activation::Gelu { tanh: false } => {
                    0.5 * x * (1.0 + libm::erf(x / std::f64::consts::SQRT_2))
                }
                Activation::Gelu { tanh: true } => {
                    let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
                    0.5 * x * (1.0 + inner.tanh())
                }
                Activation::Silu => x / (1.0 + (-x).exp()),
                Activation::Mish => x * x.exp().ln_1p().tanh(),
                Activation::Softplus => x.exp().ln_1p(),
                Activation::HardSwish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
                Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
                Activation::HardSigmoid => (x + 3.0).clamp(0.0, 6.0) / 6.0,
                Activation::Tanh => x.tanh(),
                _ => x,
            };
            from[0].numbers.iter().map(f).collect()
        }
        Op::MaxPool(pool) => {
            let window = pool.0.window(arch.nodes()[node.inputs[0]].shape);
            let value = |(u, y, x): (usize, usize, usize)| {
                let seen = from[0].seen(window, y, x).into_iter();
                seen.map(|(_, row, column)| from[0].at(u, row, column)).fold(f64::MIN, f64::max)
            };
            places().map(value).collect()
        }
        Op::AvgPool(pool) => {
            let window = pool.pool.window(arch.nodes()[node.inputs[0]].shape);
            let value = |(u, y, x): (usize, usize, usize)| {
                let seen = from[0].seen(window, y, x);
                // A window of ceil mode ends with the padding.
                let side = |axis: usize, position: usize| {
                    let first = position * window.stride[axis];
                    let all = from[0].sizes[1 + axis] + 2 * window.padding[axis];
                    (first + window.kernel[axis]).min(all) - first
                };
                let area = if pool.count_padding { side(0, y) * side(1, x) } else { seen.len() };
                let sum: f64 =
                    seen.iter().map(|&(_, row, column)| from[0].at(u, row, column)).sum();
                sum / area as f64
            };
            places().map(value).collect()
        }
        Op::AdaptiveAvgPool(_) => {
            let [_, height, width] = from[0].sizes;
            let value = |(u, y, x): (usize, usize, usize)| {
                let (top, bottom) = (y * height / rows, ((y + 1) * height).div_ceil(rows));
                let (left, right) = (x * width / columns, ((x + 1) * width).div_ceil(columns));
                let seen = (top..bottom).flat_map(|y| (left..right).map(move |x| (y, x)));
                let sum: f64 = seen.map(|(y, x)| from[0].at(u, y, x)).sum();
                sum / ((bottom - top) * (right - left)) as f64
            };
            places().map(value).collect()
        }
        Op::Pad(pad) => {
            let [_, height, width] = from[0].sizes;
            let value = |(u, y, x): (usize, usize, usize)| match (
                y.checked_sub(pad.height[0]),
                x.checked_sub(pad.width[0]),
            ) {
                (Some(y), Some(x)) if y < height && x < width => from[0].at(u, y, x),
                _ => 0.0,
            };
            places().map(value).collect()
        }
        Op::Affine(affine) => {
            from[0].numbers.iter().map(|x| affine.factor * x + affine.summand).collect()
        }
        Op::Scale(_) => {
            let factors = tensor("weight").unwrap();
            let value =
                |(u, y, x): (usize, usize, usize)| factors[u % factors.len()] * from[0].at(u, y, x);
            places().map(value).collect()
        }
        Op::Shift(shift) => {
            let summands = tensor("bias").unwrap();
            let value = |(u, y, x): (usize, usize, usize)| {
                let position = y * columns + x;
                let place = match (summands.len() > units, shift.units_last) {
                    (false, _) => u,
                    (true, false) => u * rows * columns + position,
                    (true, true) => position * units + u,
                };
                from[0].at(u, y, x) + summands[place]
            };
            places().map(value).collect()
        }
        Op::Multiply(_) => {
            let value = |(u, y, x): (usize, usize, usize)| -> f64 {
                let each = from.iter().map(|map| {
                    let one = map.sizes[1..] == [1, 1];
                    let (y, x) = if one { (0, 0) } else { (y, x) };
                    map.at(if map.sizes[0] == 1 { 0 } else { u }, y, x)
                });
                each.product()
            };
            places().map(value).collect()
        }
        Op::Slice(slice) => {
            from[0].numbers[slice.first * rows * columns..][..units * rows * columns].to_vec()
        }
        Op::Shuffle(shuffle) => {
            let value = |(u, y, x): (usize, usize, usize)| {
                let columns = units / shuffle.rows;
                from[0].at(u % shuffle.rows * columns + u / shuffle.rows, y, x)
            };
            places().map(value).collect()
        }
        Op::Add(_) => {
            let sum = |i: usize| from.iter().map(|map| map.numbers[i]).sum();
            (0..out.numbers.len()).map(sum).collect()
        }
        Op::Concat(_) => from.iter().flat_map(|map| map.numbers.clone()).collect(),
        Op::Flatten(_) => from[0].numbers.clone(),
        Op::Crop(crop) => {
            let area = from[0].sizes[1] * from[0].sizes[2];
            places().map(|(u, _, x)| from[0].numbers[u * area + crop.first + x]).collect()
        }
        Op::Tokens(tokens) => {
            let (learnt, area) = (tensor("tokens").unwrap(), from[0].sizes[1] * from[0].sizes[2]);
            let (own, others) = if tokens.behind { (area, 0) } else { (0, columns - area) };
            let value = |(u, _, x): (usize, usize, usize)| match x.checked_sub(others) {
                Some(x) if x < area => from[0].numbers[u * area + x],
                _ => learnt[(x - own) * units + u],
            };
            places().map(value).collect()
        }
        Op::LayerNorm(norm) => {
            let value = |(u, y, x): (usize, usize, usize)| {
                let over: Vec<f64> = match norm.groups {
                    None => (0..units).map(|u| from[0].at(u, y, x)).collect(),
                    Some(groups) => {
                        let size = units / groups * rows * columns;
                        from[0].numbers.chunks(size).nth(u / (units / groups)).unwrap().to_vec()
                    }
                };
                let n = over.len() as f64;
                let mean = over.iter().sum::<f64>() / n;
                let variance = over.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
                let scale = tensor("weight").map_or(1.0, |scale| scale[u]);
                let shift = tensor("bias").map_or(0.0, |shift| shift[u]);
                (from[0].at(u, y, x) - mean) / (variance + norm.eps).sqrt() * scale + shift
            };
            places().map(value).collect()
        }
        Op::Softmax(softmax) => {
            let value = |(u, y, x): (usize, usize, usize)| {
                let sum: f64 = (0..units).map(|u| from[0].at(u, y, x).exp()).sum();
                let share = from[0].at(u, y, x).exp() / sum;
                if softmax.log { share.ln() } else { share }
            };
            places().map(value).collect()
        }
        Op::PositionsAsUnits(_) => {
            let area = from[0].sizes[1] * from[0].sizes[2];
            let turned =
                |(u, y, x): (usize, usize, usize)| from[0].numbers[(y * columns + x) * area + u];
            places().map(turned).collect()
        }
        Op::ChannelMean(_) => {
            let all = from[0].sizes[0];
            let mean = |(_, y, x): (usize, usize, usize)| {
                (0..all).map(|u| from[0].at(u, y, x)).sum::<f64>() / all as f64
            };
            places().map(mean).collect()
        }
        Op::Attention(attention) => {
            let size = units / attention.heads;
            let scale = attention.scale.unwrap_or(1.0 / (size as f64).sqrt());
            let keys = from[1].sizes[1] * from[1].sizes[2];
            let of =
                |map: &Map, u: usize, p: usize| map.numbers[u * map.sizes[1] * map.sizes[2] + p];
            let value = |(u, y, x): (usize, usize, usize)| {
                let (own, head) = (y * columns + x, u / size * size..(u / size + 1) * size);
                let seen = if attention.causal { keys.min(own + 1) } else { keys };
                let score = |key: usize| -> f64 {
                    let products = head.clone().map(|u| of(from[0], u, own) * of(from[1], u, key));
                    (scale * products.sum::<f64>()).exp()
                };
                let scores: Vec<f64> = (0..seen).map(score).collect();
                let values = scores.iter().enumerate().map(|(key, s)| s * of(from[2], u, key));
                values.sum::<f64>() / scores.iter().sum::<f64>()
            };
            places().map(value).collect()
        }
        other => panic!("{}", other.kind()),
    };
    out
}

/// A cheap number from -1 to 1.
pub(crate) fn noise(seed: u64, index: usize) -> f32 {
    let mut x = seed ^ (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 31).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 29).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x >> 40) as f32 / (1 << 23) as f32 - 1.0
}

/// A network with statistics and biases that are not what they begin with, and a mask of about a density.
pub(crate) fn random(arch: Arch, density: f32, seed: u64) -> (Network, Mask) {
    let network = Network::initialise(arch, Init::default(), seed)
        .unwrap()
        .with_norm_scale(NormScale::Uniform, seed);
    let arch = network.arch().clone();
    let weights = network.weights().iter().map(|w| w.to_vec()).collect();
    let auxiliary = arch.auxiliary().iter().zip(network.auxiliary());
    let auxiliary = auxiliary.enumerate().map(|(tensor, (_, values))| {
        let moved = |(i, x): (usize, &f32)| (x + 0.3 * noise(seed, tensor << 20 | i)).max(0.05);
        values.iter().enumerate().map(moved).collect()
    });
    let auxiliary = auxiliary.collect();
    let network = Network::new(arch.clone(), weights, auxiliary).unwrap();
    let layer = |(number, spec): (usize, &phew_graph::TensorSpec)| {
        let kept = |i: usize| noise(seed ^ 7, number << 24 | i) < 2.0 * density - 1.0;
        LayerMask::from_fn(&spec.name, &spec.shape, kept)
    };
    let mask = Mask::from_layers(arch.prunable().iter().enumerate().map(layer).collect());
    (network, mask)
}

prop_compose! {
    /// A network with a skip connection round a convolution, all sizes random.
    pub(crate) fn convolutional()(
        height in 1usize..14, width in 1usize..14, channels in 1usize..4, middle in 1usize..3,
        kernel in prop::array::uniform2(1usize..4), padding in prop::array::uniform2(0usize..3),
        stride in prop::array::uniform2(1usize..4), groups in 1usize..3, pool in 0usize..3, normed: bool,
        activation in prop::sample::select(vec!["relu", "tanh", "leaky_relu", "identity"]),
    ) -> String {
        let middle = 2 * middle;
        let pooling = match pool {
            0 => "type = \"max_pool\"\nkernel = 3\nstride = 2\npadding = 1",
            1 => "type = \"avg_pool\"\nkernel = 2\nstride = 1\npadding = 1",
            _ => "type = \"avg_pool\"",
        };
        let norm = "[[op]]\nname = \"bn2\"\ntype = \"batch_norm\"\n";
        let add = |branch: &str| {
            format!("[[op]]\nname = \"add\"\ntype = \"add\"\ninputs = [\"{branch}\", \"act\"]\n")
        };
        let joined = match normed {
            true => format!("{norm}{}", add("bn2")),
            false => format!("{}{norm}", add("second")),
        };
        format!(
            "name = \"random\"\n\
             [[op]]\nname = \"x\"\ntype = \"input\"\nshape = [{channels}, {height}, {width}]\n\
             [[op]]\nname = \"first\"\ntype = \"conv2d\"\nout = {middle}\nkernel = 3\npadding = 1\nbias = true\n\
             [[op]]\nname = \"bn\"\ntype = \"batch_norm\"\n\
             [[op]]\nname = \"act\"\ntype = \"{activation}\"\n\
             [[op]]\nname = \"second\"\ntype = \"conv2d\"\nout = {middle}\nkernel = 3\npadding = 1\ngroups = {groups}\n\
             {joined}\
             [[op]]\nname = \"act2\"\ntype = \"relu\"\n\
             [[op]]\nname = \"cat\"\ntype = \"concat\"\ninputs = [\"act2\", \"act\"]\n\
             [[op]]\nname = \"third\"\ntype = \"conv2d\"\nout = 5\nkernel = [{}, {}]\npadding = [{}, {}]\nstride = [{}, {}]\n\
             [[op]]\nname = \"act3\"\ntype = \"relu\"\n\
             [[op]]\nname = \"pool\"\n{pooling}\n\
             [[op]]\nname = \"flat\"\ntype = \"flatten\"\n\
             [[op]]\nname = \"fc\"\ntype = \"linear\"\nout = 4\n",
            kernel[0], kernel[1], padding[0], padding[1], stride[0], stride[1],
        )
    }
}
