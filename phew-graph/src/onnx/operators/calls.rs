//! Calls of `ATen`'s operators in the place of nodes.

use super::super::graph::{Converter, Result};
use super::super::model::Node;
use super::super::tensors::is_bounded;
use super::inputs::active;
use crate::pt2::Argument;

/// A call of one operator of `ATen`, whose output is the node's.
pub(super) fn call<'a>(
    converter: &mut Converter<'a>,
    node: &'a Node,
    operator: &str,
    arguments: &[(&str, Argument)],
    shape: &[usize],
) -> Result {
    let output = node.outputs.first().ok_or("it has no output")?;
    if !is_bounded(shape) {
        return Err(format!("its output is too large: {shape:?}"));
    }
    converter.emit(node, operator, arguments, &[(output, shape)]);
    converter.set(output, output, shape);
    Ok(())
}

/// A call that reads one value and keeps its shape.
pub(super) fn unary<'a>(
    converter: &mut Converter<'a>,
    node: &'a Node,
    operator: &str,
    others: &[(&str, Argument)],
) -> Result {
    let x = active(converter, node, 0)?;
    let mut arguments = vec![("self", Argument::of_tensor(&x.name))];
    arguments.extend_from_slice(others);
    call(converter, node, operator, &arguments, &x.shape)
}
