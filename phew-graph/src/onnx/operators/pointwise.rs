//! Activations, scalar by scalar, softmax, and what changes nothing.

use super::super::graph::{Converter, Result};
use super::super::model::Node;
use super::calls::{call, unary};
use super::inputs::{active, has, number};
use crate::pt2::Argument;

pub(super) fn relu<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    unary(converter, node, "relu.default", &[])
}

pub(super) fn leaky_relu<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let slope = Argument::of_number(node.float("alpha", 0.01));
    unary(converter, node, "leaky_relu.default", &[("negative_slope", slope)])
}

pub(super) fn elu<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let alpha = Argument::of_number(node.float("alpha", 1.0));
    unary(converter, node, "elu.default", &[("alpha", alpha)])
}

pub(super) fn clip<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let mut bounds = Vec::new();
    for (place, name) in [(1, "min"), (2, "max")] {
        if let Some(bound) = number(converter, node, place)? {
            bounds.push((name, Argument::of_number(bound)));
        }
    }
    unary(converter, node, "clamp.default", &bounds)
}

pub(super) fn gelu<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let kind = Argument::of_text(node.text("approximate").unwrap_or("none"));
    unary(converter, node, "gelu.default", &[("approximate", kind)])
}

pub(super) fn mish<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    unary(converter, node, "mish.default", &[])
}

pub(super) fn softplus<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    unary(converter, node, "softplus.default", &[])
}

pub(super) fn hard_swish<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    unary(converter, node, "hardswish.default", &[])
}

pub(super) fn hard_sigmoid<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let (slope, middle) = (node.float("alpha", 0.2), node.float("beta", 0.5));
    if (slope * 6.0 - 1.0).abs() > 1e-6 || (middle - 0.5).abs() > 1e-6 {
        return Err(format!("it is {slope}·x + {middle}, expected x / 6 + 1/2, as PyTorch's"));
    }
    unary(converter, node, "hardsigmoid.default", &[])
}

pub(super) fn sigmoid<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    unary(converter, node, "sigmoid.default", &[])
}

pub(super) fn tanh<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    unary(converter, node, "tanh.default", &[])
}

pub(super) fn neg<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    unary(converter, node, "neg.default", &[])
}

pub(super) fn softmax<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let dim = Argument::of_int(node.int("axis", -1));
    unary(converter, node, "softmax.int", &[("dim", dim)])
}

pub(super) fn log_softmax<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let dim = Argument::of_int(node.int("axis", -1));
    unary(converter, node, "log_softmax.int", &[("dim", dim)])
}

pub(super) fn same<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    unary(converter, node, "alias.default", &[])
}

pub(super) fn dropout<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let share = number(converter, node, 1)?.unwrap_or(0.5);
    // Of a training flag that is given, whatever it is, a word is said.
    let arguments = [("p", Argument::of_number(share)), ("train", Argument::of_bool(has(node, 2)))];
    unary(converter, node, "dropout.default", &arguments)
}

pub(super) fn cast<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    if !matches!(node.int("to", 1), 1 | 10 | 11 | 16) {
        return Err("it rounds to whole numbers or truth values".into());
    }
    unary(converter, node, "_to_copy.default", &[])
}

/// A comparison, of which only a softplus in pieces makes something.
pub(super) fn greater<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    converter.set_other(node);
    Ok(())
}

/// `x` where it is large and its softplus elsewhere, which are the same number in f32.
pub(super) fn choice<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let [condition, large, small] = &node.inputs[..] else {
        return Err("it does not read three values".into());
    };
    let compared = converter.maker(condition).filter(|maker| maker.operator == "Greater");
    let softplus = converter.maker(small).filter(|maker| maker.operator == "Softplus");
    let of_one = |maker: Option<&Node>| maker.is_some_and(|m| m.inputs.first() == Some(large));
    let limit = compared.and_then(|compared| number(converter, compared, 1).ok().flatten());
    if !(of_one(compared) && of_one(softplus) && limit.is_some_and(|limit| limit >= 20.0)) {
        return Err(
            "it chooses between values by a condition: phew knows that of a softplus only".into()
        );
    }
    let x = active(converter, node, 2)?;
    let arguments = [("self", Argument::of_tensor(&x.name))];
    call(converter, node, "alias.default", &arguments, &x.shape)
}
