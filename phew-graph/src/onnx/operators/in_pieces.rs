//! Operators that older sets have in pieces only: GELU by the error function and by its approximation, and layer
//! normalisation.

use super::super::graph::{Converter, Result};
use super::super::known::Known;
use super::super::model::Node;
use super::calls::call;
use super::inputs::active;
use super::normalisations::is_vector;
use super::weighted::stored;
use crate::pt2::Argument;

/// Converts a node with those behind it that make one operator; `false` if it is the first of none.
pub(super) fn convert<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result<bool> {
    match node.operator.as_str() {
        "Div" | "Mul" | "Pow" => gelu(converter, node),
        "ReduceMean" => layer_norm(converter, node),
        _ => Ok(false),
    }
}

/// The only reader of a node's output, if it is this operator.
fn next<'a>(converter: &Converter<'a>, node: &Node, operator: &str) -> Option<(usize, &'a Node)> {
    converter.only_reader(node.outputs.first()?).filter(|(_, next)| next.operator == operator)
}

/// The number that is one of a node's inputs.
fn number(converter: &Converter<'_>, node: &Node) -> Option<f64> {
    let number = |name: &String| converter.constant_of(&converter.get(name))?.number();
    node.inputs.iter().find_map(number)
}

fn is_near(found: Option<f64>, expected: f64) -> bool {
    found.is_some_and(|found| (found / expected - 1.0).abs() < 1e-6)
}

/// `x · (1 + y) / 2` with `y = erf(x / √2)`, or `y = tanh(√(2/π) · (x + 0.044715 · x³))`, which approximates it, in the orders
/// in which exporters write the factors.
fn gelu<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result<bool> {
    let Some(x) = gelu_argument(converter, node) else { return Ok(false) };
    let inner = match erf_of(converter, node) {
        Some(found) => Some((found, "none")),
        None => tanh_of(converter, x, node).map(|found| (found, "tanh")),
    };
    let Some((found, approximate)) = inner else { return Ok(false) };
    let Some((last, indices)) = gelu_from(converter, x, found) else { return Ok(false) };
    let place = node.inputs.iter().position(|name| name == x).unwrap_or(0);
    let x = active(converter, node, place)?;
    converter.take(indices);
    let arguments =
        [("self", Argument::of_tensor(&x.name)), ("approximate", Argument::of_text(approximate))];
    call(converter, last, "gelu.default", &arguments, &x.shape)?;
    Ok(true)
}

/// The input of a node that is no fixed number.
fn gelu_argument<'a>(converter: &Converter<'a>, node: &'a Node) -> Option<&'a String> {
    node.inputs.iter().find(|name| matches!(converter.get(name), Known::Active(_)))
}

/// Nodes that have been followed, and the last of them.
type Followed<'a> = (Vec<usize>, &'a Node);

/// From the first node of `erf(x / √2)` to that function.
fn erf_of<'a>(converter: &Converter<'a>, node: &'a Node) -> Option<Followed<'a>> {
    let root = std::f64::consts::SQRT_2;
    let factor = match node.operator.as_str() {
        "Div" => root,
        "Mul" => root.recip(),
        _ => return None,
    };
    if !is_near(number(converter, node), factor) {
        return None;
    }
    let (index, erf) = next(converter, node, "Erf")?;
    Some((vec![index], erf))
}

/// From the first node of `tanh(√(2/π) · (x + 0.044715 · x³))`, the cube or the square of `x`, to that function.
fn tanh_of<'a>(converter: &Converter<'a>, x: &String, node: &'a Node) -> Option<Followed<'a>> {
    let mut indices = Vec::new();
    let mut last = node;
    match node.operator.as_str() {
        "Pow" if node.inputs.first() == Some(x) && is_near(number(converter, node), 3.0) => {}
        "Mul" if node.inputs.iter().all(|input| input == x) => {
            let (index, cube) = next(converter, node, "Mul")?;
            if !cube.inputs.contains(x) {
                return None;
            }
            indices.push(index);
            last = cube;
        }
        _ => return None,
    }
    let factor = (2.0 / std::f64::consts::PI).sqrt();
    for (operator, constant) in
        [("Mul", Some(0.044_715)), ("Add", None), ("Mul", Some(factor)), ("Tanh", None)]
    {
        let (index, found) = next(converter, last, operator)?;
        let fits = match constant {
            Some(constant) => is_near(number(converter, found), constant),
            None => operator == "Tanh" || found.inputs.contains(x),
        };
        if !fits {
            return None;
        }
        indices.push(index);
        last = found;
    }
    Some((indices, last))
}

/// From a function of `x` to its sum with 1, times `x` and a half.
fn gelu_from<'a>(
    converter: &Converter<'a>,
    x: &String,
    (mut indices, function): Followed<'a>,
) -> Option<(&'a Node, Vec<usize>)> {
    let (sum_index, sum) = next(converter, function, "Add")?;
    if !is_near(number(converter, sum), 1.0) {
        return None;
    }
    indices.push(sum_index);
    let mut last = sum;
    let (mut with_x, mut halved) = (false, false);
    while !(with_x && halved) {
        let (index, product) = next(converter, last, "Mul")?;
        if product.inputs.contains(x) && !with_x {
            with_x = true;
        } else if is_near(number(converter, product), 0.5) && !halved {
            halved = true;
        } else {
            // Half of x, times the rest.
            let half = product.inputs.iter().find(|name| !last.outputs.contains(name))?;
            let maker = converter.maker(half).filter(|maker| maker.operator == "Mul")?;
            if with_x
                || halved
                || !maker.inputs.contains(x)
                || !is_near(number(converter, maker), 0.5)
            {
                return None;
            }
            (with_x, halved) = (true, true);
        }
        indices.push(index);
        last = product;
    }
    Some((last, indices))
}

/// `(x − mean) / √(variance + eps)` over the last axis, with a scale and a shift or without.
fn layer_norm<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result<bool> {
    let Some(found) = layer_norm_from(converter, node) else { return Ok(false) };
    let x = active(converter, node, 0)?;
    let units = x.shape.last().copied().unwrap_or(0);
    let mut arguments = vec![
        ("input", Argument::of_tensor(&x.name)),
        ("normalized_shape", Argument::of_sizes(&[units])),
        ("eps", Argument::of_number(found.eps)),
    ];
    for (role, place) in [("weight", found.weight), ("bias", found.bias)] {
        let Some((owner, place)) = place else { continue };
        if let Some(view) = stored(converter, owner, place)? {
            let value = converter.of_norm(owner, &view, role)?;
            arguments.push((role, Argument::of_tensor(&value)));
        }
    }
    converter.take(found.indices);
    call(converter, found.last, "layer_norm.default", &arguments, &x.shape)?;
    Ok(true)
}

/// The nodes of a layer normalisation.
struct LayerNorm<'a> {
    indices: Vec<usize>,
    last: &'a Node,
    eps: f64,
    /// The nodes that apply scale and shift, with the place of the tensor.
    weight: Option<(&'a Node, usize)>,
    bias: Option<(&'a Node, usize)>,
}

fn layer_norm_from<'a>(converter: &Converter<'a>, node: &'a Node) -> Option<LayerNorm<'a>> {
    let x = node.inputs.first()?;
    let units = active(converter, node, 0).ok()?.shape.last().copied()?;
    let (difference_index, difference) = next(converter, node, "Sub")?;
    if difference.inputs.first() != Some(x) {
        return None;
    }
    let readers = converter.readers(difference.outputs.first()?);
    let reader = |operator: &str| readers.iter().find(|(_, n)| n.operator == operator).copied();
    let ((pow_index, pow), (quotient_index, quotient)) = (reader("Pow")?, reader("Div")?);
    let (mean_index, mean) = next(converter, pow, "ReduceMean")?;
    let (sum_index, sum) = next(converter, mean, "Add")?;
    let (root_index, root) = next(converter, sum, "Sqrt")?;
    let over_last = |mean: &Node| {
        let axes = mean.ints("axes").map(<[i64]>::to_vec);
        let axes = axes.or_else(|| super::inputs::ints(converter, mean, 1).ok().flatten());
        axes.is_some_and(|axes| axes == [-1]) && mean.int("keepdims", 1) == 1
    };
    let fits = readers.len() == 2
        && is_near(number(converter, pow), 2.0)
        && over_last(node)
        && over_last(mean)
        && quotient.inputs.first() == difference.outputs.first()
        && quotient.inputs.get(1) == root.outputs.first();
    if !fits {
        return None;
    }
    let eps = super::super::model::decimal(number(converter, sum)? as f32);
    let mut indices =
        vec![difference_index, pow_index, mean_index, sum_index, root_index, quotient_index];
    let vector = |node: &'a Node| {
        let place = node.inputs.iter().position(|name| is_vector(converter, name, units))?;
        Some((node, place))
    };
    let (mut last, mut weight, mut bias) = (quotient, None, None);
    if let Some((index, product)) = next(converter, last, "Mul")
        && let Some(found) = vector(product)
    {
        (weight, last) = (Some(found), product);
        indices.push(index);
        if let Some((index, shifted)) = next(converter, last, "Add")
            && let Some(found) = vector(shifted)
        {
            (bias, last) = (Some(found), shifted);
            indices.push(index);
        }
    }
    Some(LayerNorm { indices, last, eps, weight, bias })
}
