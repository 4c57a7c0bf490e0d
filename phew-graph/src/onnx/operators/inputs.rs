//! What the inputs of a node are.

use super::super::constant::axis_of;
use super::super::graph::{Converter, Result};
use super::super::known::{Active, Known};
use super::super::model::Node;

/// The value that an input is, which must depend on the network's input.
pub(super) fn active(converter: &Converter<'_>, node: &Node, place: usize) -> Result<Active> {
    let name = node.inputs.get(place).map_or("", String::as_str);
    match converter.get(name) {
        Known::Active(active) => Ok(active),
        Known::Stored(view) => Err(format!(
            "its input `{}` is a tensor of the file, expected a value that depends on the network's input",
            view.name
        )),
        Known::Constant(_) => Err(format!(
            "its input `{name}` is fixed, expected a value that depends on the network's input"
        )),
        Known::Other(operator) => Err(format!(
            "its input `{name}` is what {operator} makes, expected a value that depends on the network's input"
        )),
    }
}

/// A size of a window, a step or a border; none is as large as 2²⁰, so that products with sizes do not wrap.
pub(super) fn small(n: i64) -> Option<usize> {
    usize::try_from(n).ok().filter(|&n| n < 1 << 20)
}

/// Whether an input is given.
pub(super) fn has(node: &Node, place: usize) -> bool {
    node.inputs.get(place).is_some_and(|name| !name.is_empty())
}

/// The whole numbers that an input is; `None` if it is not given.
pub(super) fn ints(
    converter: &Converter<'_>,
    node: &Node,
    place: usize,
) -> Result<Option<Vec<i64>>> {
    if !has(node, place) {
        return Ok(None);
    }
    let name = &node.inputs[place];
    let constant = converter.constant_of(&converter.get(name));
    let ints = constant.and_then(|constant| constant.ints());
    ints.map(Some).ok_or_else(|| {
        format!("its input `{name}` is computed from the network's input, expected fixed numbers")
    })
}

/// The number that an input is; `None` if it is not given.
pub(super) fn number(converter: &Converter<'_>, node: &Node, place: usize) -> Result<Option<f64>> {
    if !has(node, place) {
        return Ok(None);
    }
    let name = &node.inputs[place];
    let constant = converter.constant_of(&converter.get(name));
    let number = constant.and_then(|constant| constant.number());
    number.map(Some).ok_or_else(|| format!("its input `{name}` is no fixed number"))
}

/// An axis, counted from the first.
pub(super) fn axis(axis: i64, rank: usize) -> Result<usize> {
    axis_of(axis, rank).ok_or_else(|| format!("there is no axis {axis} of {rank}"))
}
