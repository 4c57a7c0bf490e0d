//! The weights of what stays, with what the others leave behind in the biases.

use super::constants::{Constants, Weights};
use crate::arch::{Arch, Op, Role, TensorSpec};
use crate::error::GraphError;
use crate::mask::Mask;
use crate::weights::Network;

/// Nodes without a bias that read a unit which goes and leaves a value other than 0 behind.
pub(super) fn new_biases(
    arch: &Arch,
    mask: &Mask,
    constants: &Constants,
    stay: &[Vec<bool>],
) -> Vec<bool> {
    let needs = |node: usize| {
        let has = match &arch.nodes()[node].op {
            Op::Conv2d(conv) => conv.bias,
            Op::Linear(linear) => linear.bias,
            _ => return false,
        };
        let Some(weights) = Weights::of(arch, node, mask).filter(|_| !has) else { return false };
        let input = arch.nodes()[node].inputs[0];
        weights.kept().any(|(_, from, to)| {
            let left = constants.get(input, from).is_some_and(|value| value != 0.0);
            stay[node][to] && !stay[input][from] && left
        })
    };
    (0..arch.nodes().len()).map(needs).collect()
}

/// A network, what of it stays, and what the other units leave behind.
#[derive(Clone, Copy)]
pub(super) struct Parts<'a> {
    pub(super) network: &'a Network,
    pub(super) mask: &'a Mask,
    pub(super) stay: &'a [Vec<bool>],
    pub(super) constants: &'a Constants,
}

/// The values of the smaller network.
pub(super) fn network(small: Arch, parts: Parts<'_>) -> Result<Network, GraphError> {
    let Parts { network, stay, .. } = parts;
    let weights = small.prunable().iter().map(|spec| weights_of(parts, spec));
    let weights = weights.collect();
    let auxiliary = small.auxiliary().iter().map(|spec| {
        let (node, role) = (spec.nodes[0], spec.role);
        match role {
            Role::Bias if !spec.is_shared() => biases_of(parts, node),
            _ => {
                let values = auxiliary(network, node, role).unwrap_or_default();
                let stay = stay[node].iter();
                stay.zip(values).filter(|(stays, _)| **stays).map(|(_, &value)| value).collect()
            }
        }
    });
    let auxiliary = auxiliary.collect();
    Network::new(small, weights, auxiliary)
}

/// The values of a node's tensor of some role, if it has one.
fn auxiliary(network: &Network, node: usize, role: Role) -> Option<&[f32]> {
    let specs = network.arch().auxiliary();
    let place = specs.iter().position(|spec| spec.nodes.contains(&node) && spec.role == role)?;
    Some(network.auxiliary()[place])
}

/// Rows of the outputs and columns of the inputs that stay, 0 where they are pruned.
fn weights_of(parts: Parts<'_>, spec: &TensorSpec) -> Vec<f32> {
    let Parts { network, mask, stay, .. } = parts;
    let (arch, node) = (network.arch(), spec.nodes[0]);
    let Some(weights) = Weights::of(arch, node, mask) else { return Vec::new() };
    let values = network.weights()[weights.tensor];
    let input = arch.nodes()[node].inputs[0];
    let whole = stay[input].len() != weights.inputs;
    // In groups each output has its own inputs, all of which stay; depthwise ones have one.
    let column = |i: usize| whole || stay[input][i];
    let columns: Vec<usize> = (0..weights.inputs).filter(|&i| column(i)).collect();
    let mut out = Vec::with_capacity(spec.len());
    for (row, _) in stay[node].iter().enumerate().filter(|(_, stays)| **stays) {
        for column in &columns {
            let from = (row * weights.inputs + column) * weights.kernel;
            let kept = |i: usize| if weights.layer.get(i) { values[i] } else { 0.0 };
            out.extend((from..from + weights.kernel).map(kept));
        }
    }
    out
}

/// The biases of the units that stay, with what the inputs that go leave behind.
fn biases_of(parts: Parts<'_>, node: usize) -> Vec<f32> {
    let Parts { network, mask, constants, .. } = parts;
    let arch = network.arch();
    let stay = &parts.stay[node];
    let Some(weights) = Weights::of(arch, node, mask) else { return Vec::new() };
    let values = network.weights()[weights.tensor];
    let input = arch.nodes()[node].inputs[0];
    let own = auxiliary(network, node, Role::Bias);
    let mut sums = vec![0.0; stay.len()];
    let mut entered = vec![false; stay.len()];
    for (index, from, to) in weights.kept() {
        entered[to] = true;
        if !parts.stay[input][from] {
            let left = constants.get(input, from).unwrap_or(0.0);
            sums[to] += f64::from(values[index]) * left;
        }
    }
    for (unit, sum) in sums.iter_mut().enumerate().filter(|(unit, _)| entered[*unit]) {
        *sum += own.map_or(0.0, |own| f64::from(own[unit]));
    }
    let biases = stay.iter().zip(sums).filter(|(stays, _)| **stays);
    biases.map(|(_, sum)| sum as f32).collect()
}
