//! The operators of ONNX, and what each becomes: one table, and a file for each family.

mod arithmetic;
mod attention;
mod in_pieces;
mod normalisations;
mod pointwise;
mod poolings;
mod views;
mod weighted;

use super::graph::{Converter, Result};
use super::known::{Active, Known};
use super::model::Node;
use super::tensors::is_bounded;
use crate::pt2::Argument;

/// Writes a node that reads something which depends on the input as calls of `ATen`'s operators.
type Conversion = for<'a> fn(&mut Converter<'a>, &'a Node) -> Result;

const TABLE: &[(&str, Conversion)] = &[
    ("Conv", weighted::conv),
    ("Gemm", weighted::gemm),
    ("MatMul", weighted::matmul),
    ("BatchNormalization", normalisations::batch_norm),
    ("LayerNormalization", normalisations::layer_norm),
    ("InstanceNormalization", normalisations::instance_norm),
    ("GroupNormalization", normalisations::group_norm),
    ("Relu", pointwise::relu),
    ("LeakyRelu", pointwise::leaky_relu),
    ("Elu", pointwise::elu),
    ("Clip", pointwise::clip),
    ("Gelu", pointwise::gelu),
    ("Mish", pointwise::mish),
    ("Softplus", pointwise::softplus),
    ("HardSwish", pointwise::hard_swish),
    ("HardSigmoid", pointwise::hard_sigmoid),
    ("Sigmoid", pointwise::sigmoid),
    ("Tanh", pointwise::tanh),
    ("Neg", pointwise::neg),
    ("Softmax", pointwise::softmax),
    ("LogSoftmax", pointwise::log_softmax),
    ("Identity", pointwise::same),
    ("Dropout", pointwise::dropout),
    ("Cast", pointwise::cast),
    ("Greater", pointwise::greater),
    ("Where", pointwise::choice),
    ("Add", arithmetic::add),
    ("Sub", arithmetic::sub),
    ("Mul", arithmetic::mul),
    ("Div", arithmetic::div),
    ("Attention", attention::attention),
    ("MaxPool", poolings::max_pool),
    ("AveragePool", poolings::average_pool),
    ("GlobalAveragePool", poolings::global_average_pool),
    ("GlobalMaxPool", poolings::global_max_pool),
    ("ReduceMean", poolings::reduce_mean),
    ("Pad", poolings::pad),
    ("Reshape", views::reshape),
    ("Flatten", views::flatten),
    ("Squeeze", views::squeeze),
    ("Unsqueeze", views::unsqueeze),
    ("Transpose", views::transpose),
    ("Expand", views::expand),
    ("Split", views::split),
    ("Slice", views::slice),
    ("Gather", views::gather),
    ("Concat", views::concat),
];

/// Converts a node that reads something which depends on the input.
pub(super) fn convert<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    if in_pieces::convert(converter, node)? {
        return Ok(());
    }
    match TABLE.iter().find(|(name, _)| *name == node.operator) {
        Some((_, conversion)) => conversion(converter, node),
        None => Err(format!(
            "phew has no operator `{}`: write this part of the model with others (docs/operators.md lists them), \
             or export the model without it",
            node.operator
        )),
    }
}

/// The value that an input is, which must depend on the network's input.
fn active(converter: &Converter<'_>, node: &Node, place: usize) -> Result<Active> {
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
fn small(n: i64) -> Option<usize> {
    usize::try_from(n).ok().filter(|&n| n < 1 << 20)
}

/// Whether an input is given.
fn has(node: &Node, place: usize) -> bool {
    node.inputs.get(place).is_some_and(|name| !name.is_empty())
}

/// The whole numbers that an input is; `None` if it is not given.
fn ints(converter: &Converter<'_>, node: &Node, place: usize) -> Result<Option<Vec<i64>>> {
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
fn number(converter: &Converter<'_>, node: &Node, place: usize) -> Result<Option<f64>> {
    if !has(node, place) {
        return Ok(None);
    }
    let name = &node.inputs[place];
    let constant = converter.constant_of(&converter.get(name));
    let number = constant.and_then(|constant| constant.number());
    number.map(Some).ok_or_else(|| format!("its input `{name}` is no fixed number"))
}

/// A call of one operator of `ATen`, whose output is the node's.
fn call<'a>(
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
fn unary<'a>(
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

/// An axis, counted from the first.
fn axis(axis: i64, rank: usize) -> Result<usize> {
    super::constant::axis_of(axis, rank).ok_or_else(|| format!("there is no axis {axis} of {rank}"))
}

#[cfg(test)]
mod tests {
    use super::TABLE;

    #[test]
    fn every_operator_stands_once_in_the_table() {
        let mut names: Vec<&str> = TABLE.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
    }
}
