//! Units whose value is the same whatever the input: those that nothing reaches, and what is made of them.

use crate::arch::{Activation, Arch, Node, Op, Role};
use crate::ids::TensorId;
use crate::mask::{LayerMask, Mask};
use crate::weights::Network;

/// The value of each unit of each node, where it does not depend on the input.
#[derive(Clone, Debug)]
pub(super) struct Constants(Vec<Vec<Option<f64>>>);

/// A node's weights under the mask.
pub(super) struct Weights<'a> {
    pub(super) tensor: TensorId,
    pub(super) layer: &'a LayerMask,
    /// Inputs of a group, scalars of a kernel, and outputs of a group.
    pub(super) inputs: usize,
    pub(super) kernel: usize,
    pub(super) outputs: usize,
}

impl<'a> Weights<'a> {
    /// Those of a convolution or a fully connected layer.
    pub(super) fn of(arch: &Arch, node: usize, mask: &'a Mask) -> Option<Self> {
        let (tensor, spec) =
            arch.prunable().with_ids().find(|(_, spec)| spec.nodes.contains(&node))?;
        let groups = match &arch.nodes()[node].op {
            Op::Conv2d(conv) => conv.groups,
            _ => 1,
        };
        let kernel = spec.shape[2..].iter().product();
        let outputs = spec.shape[0] / groups;
        Some(Self { tensor, layer: mask.layer(tensor), inputs: spec.shape[1], kernel, outputs })
    }

    /// Each kept weight: its place, and the input and the output unit that it joins.
    pub(super) fn kept(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        self.layer.iter().map(|index| {
            let (output, input) =
                (index / self.kernel / self.inputs, index / self.kernel % self.inputs);
            (index, output / self.outputs * self.inputs + input, output)
        })
    }
}

/// What an activation makes of a value; `None` for those that no network of the papers has.
fn activated(activation: Activation, x: f64) -> Option<f64> {
    match activation {
        Activation::Relu => Some(x.max(0.0)),
        Activation::LeakyRelu { slope } => Some(if x < 0.0 { slope * x } else { x }),
        Activation::Identity => Some(x),
        Activation::Tanh => Some(libm::tanh(x)),
        _ => None,
    }
}

/// Whether zeros around a map are read along with it.
pub(super) fn pads(op: &Op) -> bool {
    let padding = match op {
        Op::Conv2d(conv) => conv.padding,
        Op::AvgPool(pool) => pool.pool.padding,
        _ => [0; 2],
    };
    padding != [0; 2]
}

impl Constants {
    /// Of a network under a mask; without one, of a network as it is before training.
    pub(super) fn of(arch: &Arch, mask: &Mask, network: Option<&Network>) -> Self {
        let mut all: Vec<Vec<Option<f64>>> = Vec::with_capacity(arch.nodes().len());
        for (index, node) in arch.nodes().iter().enumerate() {
            let values = Values { arch, network, node: index };
            let inputs: Vec<&[Option<f64>]> = node.inputs.iter().map(|&i| &all[i][..]).collect();
            all.push(values.of_node(node, &inputs, Weights::of(arch, index, mask)));
        }
        Self(all)
    }

    /// The value of a unit, if it does not depend on the input.
    pub(super) fn get(&self, node: usize, unit: usize) -> Option<f64> {
        self.0[node][unit]
    }
}

/// Where the values of a node come from.
struct Values<'a> {
    arch: &'a Arch,
    network: Option<&'a Network>,
    node: usize,
}

impl Values<'_> {
    /// The node's values of some role; as before training where there is no network or no such tensor.
    fn auxiliary(&self, role: Role, units: usize) -> Vec<f64> {
        let specs = self.arch.auxiliary().iter();
        let place =
            specs.clone().position(|spec| spec.nodes.contains(&self.node) && spec.role == role);
        match (self.network, place) {
            (Some(network), Some(place)) => {
                network.auxiliary()[place].iter().map(|&value| value.into()).collect()
            }
            _ => vec![role.initial().into(); units],
        }
    }

    fn of_node(
        &self,
        node: &Node,
        inputs: &[&[Option<f64>]],
        weights: Option<Weights<'_>>,
    ) -> Vec<Option<f64>> {
        let units = node.shape.units();
        let same = |f: &dyn Fn(usize, f64) -> f64| -> Vec<Option<f64>> {
            inputs[0].iter().enumerate().map(|(u, value)| value.map(|value| f(u, value))).collect()
        };
        // What several operators share is not looked into: see `ties`.
        if self.arch.shares_tensors(self.node) {
            return vec![None; units];
        }
        match &node.op {
            Op::Input(_) => vec![None; units],
            Op::Conv2d(_) | Op::Linear(_) => match weights {
                Some(weights) => self.weighted(node, inputs[0], &weights),
                None => vec![None; units],
            },
            // By those of the batch it is no function of one input.
            Op::BatchNorm(norm) if !norm.statistics => vec![None; units],
            Op::BatchNorm(norm) => {
                let [scale, shift, mean, variance] =
                    [Role::NormScale, Role::NormShift, Role::RunningMean, Role::RunningVar]
                        .map(|role| self.auxiliary(role, units));
                same(&|u, x| (x - mean[u]) / (variance[u] + norm.eps).sqrt() * scale[u] + shift[u])
            }
            Op::Activation(activation) => {
                inputs[0].iter().map(|value| activated(*activation, (*value)?)).collect()
            }
            // The padding of a maximum is −∞ and never counts.
            Op::MaxPool(_) => inputs[0].to_vec(),
            Op::AvgPool(_) => {
                let border = pads(&node.op);
                inputs[0].iter().map(|v| v.filter(|&v| !border || v == 0.0)).collect()
            }
            Op::Add(_) => (0..units)
                .map(|u| inputs.iter().map(|input| input[u]).sum::<Option<f64>>())
                .collect(),
            Op::Concat(_) => inputs.concat(),
            Op::Flatten(_) => {
                let area = units / inputs[0].len();
                (0..units).map(|feature| inputs[0][feature / area]).collect()
            }
            // Their units stay: see `ties`.
            Op::Conv1d(_)
            | Op::ConvTranspose2d(_)
            | Op::ConvTranspose1d(_)
            | Op::LayerNorm(_)
            | Op::Scale(_)
            | Op::Shift(_)
            | Op::Affine(_)
            | Op::Softmax(_)
            | Op::AdaptiveAvgPool(_)
            | Op::Pad(_)
            | Op::Multiply(_)
            | Op::Attention(_)
            | Op::ChannelMean(_)
            | Op::Tokens(_)
            | Op::Crop(_)
            | Op::PositionsAsUnits(_)
            | Op::Slice(_)
            | Op::Shuffle(_) => vec![None; units],
        }
    }

    fn weighted(
        &self,
        node: &Node,
        input: &[Option<f64>],
        weights: &Weights<'_>,
    ) -> Vec<Option<f64>> {
        let units = node.shape.units();
        let border = pads(&node.op);
        let values = self.network.map(|network| network.weights()[weights.tensor]);
        let mut entered = vec![false; units];
        let mut sums = vec![Some(0.0); units];
        for (index, from, to) in weights.kept() {
            entered[to] = true;
            // Without values every kept weight counts, and constants are 0.
            let weight = values.map_or(1.0, |values| f64::from(values[index]));
            sums[to] = match input[from] {
                _ if weight == 0.0 => sums[to],
                Some(value) if value == 0.0 || !border => sums[to].map(|sum| sum + weight * value),
                _ => None,
            };
        }
        let bias = self.auxiliary(Role::Bias, units);
        let bias = |unit: usize| if entered[unit] { bias[unit] } else { 0.0 };
        sums.into_iter().enumerate().map(|(unit, sum)| sum.map(|sum| sum + bias(unit))).collect()
    }
}
