//! Activations, scalar by scalar, and softmax.

use super::super::axes::{Kind, Part};
use super::super::builder::Builder;
use super::super::call::{Call, Refusal};
use super::super::value::{Activation as Value1, Value};
use crate::arch::Activation;
use crate::arch::op::{Op, Softmax};

type Result = std::result::Result<Vec<Value>, Refusal>;

/// An operator that changes neither units nor positions.
pub(super) fn pointwise<'a>(
    builder: &mut Builder<'a>,
    call: &Call<'a>,
    op: impl Into<Op>,
    input: Value1,
) -> Result {
    let (units, positions) = builder.size(input.node);
    let positions = positions.to_vec();
    let node = builder.push(call, op, &[input.node], (units, &positions));
    Ok(vec![Value::Activation(Value1 { node, ..input })])
}

fn activation<'a>(builder: &mut Builder<'a>, call: &Call<'a>, op: Activation) -> Result {
    let input = call.node.inputs.first().map_or("self", |argument| argument.name.as_str());
    let input = builder.activation(call, input)?;
    pointwise(builder, call, op, input)
}

pub(super) fn relu<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    activation(builder, call, Activation::Relu)
}

pub(super) fn relu6<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    activation(builder, call, Activation::Clip { min: 0.0, max: 6.0 })
}

pub(super) fn hardtanh<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let (min, max) = (call.number("min_val", -1.0)?, call.number("max_val", 1.0)?);
    activation(builder, call, Activation::Clip { min, max })
}

pub(super) fn clamp<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    match (call.argument("min"), call.argument("max")) {
        (Some(_), None) => clamp_min(builder, call),
        (Some(min), Some(max)) => match (min.number(), max.number()) {
            (Some(min), Some(max)) => activation(builder, call, Activation::Clip { min, max }),
            _ => Err("its bounds are no fixed numbers".into()),
        },
        (None, _) => Err("it has no lower bound, which phew's clip needs".into()),
    }
}

pub(super) fn clamp_min<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    match call.number("min", 0.0)? {
        0.0 => relu(builder, call),
        min => Err(Refusal(format!("it clips at {min} from below alone, expected at 0, as ReLU"))),
    }
}

pub(super) fn leaky_relu<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let slope = call.number("negative_slope", 0.01)?;
    activation(builder, call, Activation::LeakyRelu { slope })
}

pub(super) fn elu<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    if !(call.is("scale", 1.0, 1.0)? && call.is("input_scale", 1.0, 1.0)?) {
        return Err("it has scales, as SELU's: phew knows ELU alone".into());
    }
    let alpha = call.number("alpha", 1.0)?;
    activation(builder, call, Activation::Elu { alpha })
}

pub(super) fn gelu<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let approximate = call.argument("approximate").and_then(|argument| argument.text());
    activation(builder, call, Activation::Gelu { tanh: approximate == Some("tanh") })
}

pub(super) fn silu<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    activation(builder, call, Activation::Silu)
}

pub(super) fn mish<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    activation(builder, call, Activation::Mish)
}

pub(super) fn softplus<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    if !call.is("beta", 1.0, 1.0)? {
        return Err("its beta is not 1".into());
    }
    activation(builder, call, Activation::Softplus)
}

pub(super) fn hardswish<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    activation(builder, call, Activation::HardSwish)
}

pub(super) fn hardsigmoid<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    activation(builder, call, Activation::HardSigmoid)
}

pub(super) fn sigmoid<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    activation(builder, call, Activation::Sigmoid)
}

pub(super) fn tanh<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    activation(builder, call, Activation::Tanh)
}

pub(super) fn softmax<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    over_units(builder, call, false)
}

pub(super) fn log_softmax<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    over_units(builder, call, true)
}

fn over_units<'a>(builder: &mut Builder<'a>, call: &Call<'a>, log: bool) -> Result {
    let input = builder.activation(call, "self").or_else(|_| builder.activation(call, "input"))?;
    let axis = call.axis("dim", -1, input.axes.rank())?;
    let input = builder.settle_units(call, input, axis)?;
    debug_assert_eq!(input.axes.axis(axis), Part::whole(Kind::Unit, builder.size(input.node).0));
    pointwise(builder, call, Softmax { log }, input)
}
