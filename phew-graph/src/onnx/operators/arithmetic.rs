//! Sums and products.

use super::super::constant::{Constant, common_shape};
use super::super::graph::{Converter, Result};
use super::super::known::{Active, Known, View};
use super::super::model::{Node, decimal};
use super::super::names::is_made_up;
use super::calls::call;
use super::inputs::active;
use crate::pt2::Argument;

/// The two sides of an operator, and whether the first is the one that depends on the input, where only one does.
enum Sides {
    Values(Active, Active),
    WithTensor(Active, View),
    WithNumber(Active, f64, bool),
    WithNumbers(Active, Constant),
}

fn sides(converter: &Converter<'_>, node: &Node) -> Result<Sides> {
    let [first, second] =
        [0, 1].map(|place| converter.get(node.inputs.get(place).map_or("", String::as_str)));
    let (value, other, is_first) = match (first, second) {
        (Known::Active(a), Known::Active(b)) => return Ok(Sides::Values(a, b)),
        (Known::Active(a), other) => (a, other, true),
        (other, Known::Active(b)) => (b, other, false),
        _ => return Err("neither of its sides depends on the network's input".into()),
    };
    let constant = match &other {
        // What has no axis is no parameter of units, nor is a single number that an exporter named.
        Known::Stored(view)
            if !(view.shape.is_empty()
                || is_made_up(&view.name) && view.shape.iter().all(|&size| size == 1)) =>
        {
            let numbers = converter.constant_of(&other).filter(Constant::is_causal);
            match numbers {
                Some(numbers) => return Ok(Sides::WithNumbers(value, numbers)),
                None => return Ok(Sides::WithTensor(value, view.clone())),
            }
        }
        Known::Other(operator) => {
            return Err(format!(
                "one of its sides is what {operator} makes, which phew does not follow"
            ));
        }
        _ => converter.constant_of(&other).ok_or("one of its sides cannot be read")?,
    };
    match constant.values.first() {
        Some(&number) if constant.is_all(number) => {
            Ok(Sides::WithNumber(value, decimal(number as f32), is_first))
        }
        _ => Ok(Sides::WithNumbers(value, constant)),
    }
}

/// A call of both sides, whatever they are but lists of numbers.
fn both<'a>(
    converter: &mut Converter<'a>,
    node: &'a Node,
    operator: &str,
    sides: Sides,
    role: &str,
) -> Result {
    let (value, other, shape) = match sides {
        Sides::Values(a, b) => {
            let shape =
                common_shape(&a.shape, &b.shape).ok_or("the shapes of its sides do not fit")?;
            (a, Argument::of_tensor(&b.name), shape)
        }
        Sides::WithTensor(a, view) => {
            let shape = common_shape(&a.shape, &view.shape).filter(|shape| *shape == a.shape);
            let shape = shape.ok_or_else(|| {
                format!(
                    "its tensor `{}` of shape {:?} is repeated over nothing",
                    view.name, view.shape
                )
            })?;
            let tensor = converter.auxiliary(node, &view, role)?;
            (a, Argument::of_tensor(&tensor), shape)
        }
        Sides::WithNumber(a, number, _) => {
            let shape = a.shape.clone();
            (a, Argument::of_number(number), shape)
        }
        Sides::WithNumbers(..) => {
            return Err(
                "one of its sides is a list of fixed numbers that is no tensor of the file".into(),
            );
        }
    };
    let arguments = [("self", Argument::of_tensor(&value.name)), ("other", other)];
    call(converter, node, operator, &arguments, &shape)
}

pub(super) fn add<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    match sides(converter, node)? {
        // A mask of the keys behind each query: said of the products themselves.
        Sides::WithNumbers(value, numbers) if numbers.is_causal() => {
            let arguments = [("self", Argument::of_tensor(&value.name))];
            call(converter, node, "causal.default", &arguments, &value.shape)
        }
        sides => both(converter, node, "add.Tensor", sides, "bias"),
    }
}

pub(super) fn sub<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    match sides(converter, node)? {
        Sides::WithNumber(value, number, false) => {
            let negative = format!("{} negative", node.label());
            let arguments = [("self", Argument::of_tensor(&value.name))];
            converter.emit(node, "neg.default", &arguments, &[(&negative, &value.shape)]);
            let arguments =
                [("self", Argument::of_tensor(&negative)), ("other", Argument::of_number(number))];
            call(converter, node, "add.Tensor", &arguments, &value.shape)
        }
        sides => {
            // Of two values or of a tensor: refused with what to do.
            both(converter, node, "sub.Tensor", sides, "bias")
        }
    }
}

pub(super) fn mul<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let sides = sides(converter, node)?;
    both(converter, node, "mul.Tensor", sides, "weight")
}

pub(super) fn div<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    match sides(converter, node)? {
        Sides::WithNumber(_, _, false) => Err("it divides a fixed number by a value".into()),
        Sides::WithTensor(..) => Err("it divides by a tensor, or a tensor by a value".into()),
        sides => {
            active(converter, node, 0)?;
            both(converter, node, "div.Tensor", sides, "weight")
        }
    }
}
