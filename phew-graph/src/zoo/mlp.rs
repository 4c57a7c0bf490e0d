//! Multilayer perceptrons, LeNet-300-100 among them.

use crate::arch::op::Linear;
use crate::arch::{Activation, Arch, ArchBuilder, Shape};
use crate::error::GraphError;

/// What stands between two layers.
pub(super) struct Between {
    pub(super) activation: Activation,
    /// Batch normalisation before the activation.
    pub(super) norm: bool,
}

pub(super) fn build(
    name: &str,
    input: Shape,
    hidden: &[usize],
    classes: usize,
    bias: bool,
    between: Between,
) -> Result<Arch, GraphError> {
    let mut net = ArchBuilder::new(name, input);
    if matches!(input, Shape::Image { .. }) {
        net = net.flatten("flatten");
    }
    for (i, &out) in hidden.iter().chain([&classes]).enumerate() {
        net = net.op(format!("fc{}", i + 1), Linear { out, bias });
        if i < hidden.len() {
            if between.norm {
                net = net.batch_norm(format!("bn{}", i + 1));
            }
            net = net.activation(format!("act{}", i + 1), between.activation);
        }
    }
    net.build()
}
