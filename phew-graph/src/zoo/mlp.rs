//! Multilayer perceptrons, LeNet-300-100 among them.

use crate::arch::{Activation, Arch, ArchBuilder, Op, Shape};
use crate::error::GraphError;

pub(super) fn build(
    name: &str,
    input: Shape,
    hidden: &[usize],
    classes: usize,
    bias: bool,
    activation: Activation,
) -> Result<Arch, GraphError> {
    let mut net = ArchBuilder::new(name, input);
    if matches!(input, Shape::Image { .. }) {
        net = net.flatten("flatten");
    }
    for (i, &out) in hidden.iter().chain([&classes]).enumerate() {
        net = net.op(format!("fc{}", i + 1), Op::Linear { out, bias });
        if i < hidden.len() {
            net = net.activation(format!("act{}", i + 1), activation);
        }
    }
    net.build()
}
