//! Multilayer perceptrons, LeNet-300-100 among them.

use crate::arch::op::Linear;
use crate::arch::{Activation, Arch, ArchBuilder, Shape};
use crate::error::GraphError;

/// What follows a layer.
pub(super) struct After {
    pub(super) activation: Activation,
    pub(super) norm: Norm,
}

/// Where there is batch normalisation, before the activation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Norm {
    None,
    /// After each hidden layer.
    Hidden,
    /// After the output too, which then has an activation as well.
    All,
}

pub(super) fn build(
    name: &str,
    input: Shape,
    hidden: &[usize],
    classes: usize,
    bias: bool,
    after: After,
) -> Result<Arch, GraphError> {
    let mut net = ArchBuilder::new(name, input);
    if matches!(input, Shape::Image { .. }) {
        net = net.flatten("flatten");
    }
    for (i, &out) in hidden.iter().chain([&classes]).enumerate() {
        net = net.op(format!("fc{}", i + 1), Linear { out, bias, at_positions: false });
        if i < hidden.len() || after.norm == Norm::All {
            if after.norm != Norm::None {
                net = net.batch_norm(format!("bn{}", i + 1));
            }
            net = net.activation(format!("act{}", i + 1), after.activation);
        }
    }
    net.build()
}
