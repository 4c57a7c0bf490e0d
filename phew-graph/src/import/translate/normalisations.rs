//! Normalisations.

use super::super::builder::Builder;
use super::super::call::{Call, Refusal};
use super::super::value::{Activation, Tensor, Value};
use crate::arch::op::{BatchNorm, LayerNorm, Op};

type Result = std::result::Result<Vec<Value>, Refusal>;

/// A normalisation with the named arguments that are given as its tensors.
fn push<'a>(
    builder: &mut Builder<'a>,
    call: &Call<'a>,
    op: impl Into<Op>,
    input: Activation,
    tensors: &[(&str, Option<Tensor>)],
) -> Vec<Value> {
    let (units, positions) = builder.size(input.node);
    let positions = positions.to_vec();
    let given: Vec<(&str, &Tensor)> =
        tensors.iter().filter_map(|(role, tensor)| Some((*role, tensor.as_ref()?))).collect();
    let node = builder.push_with(call, op, &[input.node], (units, &positions), &given);
    vec![Value::Activation(Activation { node, view: None, ..input })]
}

/// Scale and shift, each of a scalar for each unit.
fn affine<'a>(
    builder: &Builder<'a>,
    call: &Call<'a>,
    units: usize,
) -> std::result::Result<[(&'static str, Option<Tensor>); 2], Refusal> {
    let vector = |name: &'static str| {
        let tensor = builder.tensor_of(call, name)?;
        match &tensor {
            Some(found) if found.stored != [units] => Err(Refusal(format!(
                "its {name} `{}` has the shape {:?}, expected one for each of {units} units",
                found.name, found.stored
            ))),
            _ => Ok((name, tensor)),
        }
    };
    Ok([vector("weight")?, vector("bias")?])
}

pub(super) fn batch_norm<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let input = builder.activation(call, "input")?;
    let input = builder.settle_units(call, input, 1)?;
    let input = builder.flat(call, input)?;
    let [weight, bias] = affine(builder, call, builder.size(input.node).0)?;
    let mean = builder.tensor_of(call, "running_mean")?;
    let variance = builder.tensor_of(call, "running_var")?;
    if weight.1.is_some() != bias.1.is_some() || mean.is_some() != variance.is_some() {
        return Err("it has only one of scale and shift, or of mean and variance".into());
    }
    let op = BatchNorm {
        eps: call.number("eps", 1e-5)?,
        momentum: call.number("momentum", 0.1)?,
        affine: weight.1.is_some(),
        statistics: mean.is_some(),
    };
    let tensors = [weight, bias, ("running_mean", mean), ("running_var", variance)];
    Ok(push(builder, call, op, input, &tensors))
}

pub(super) fn layer_norm<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let input = builder.activation(call, "input")?;
    let last = input.axes.rank() - 1;
    let normalised = call.argument("normalized_shape").and_then(|argument| argument.ints());
    if normalised.is_none_or(|sizes| sizes.len() != 1) {
        return Err(
            "it normalises over several axes at once: phew's layer norm is over units".into()
        );
    }
    let input = builder.settle_units(call, input, last)?;
    let input = builder.flat(call, input)?;
    let tensors = affine(builder, call, builder.size(input.node).0)?;
    let (affine, shift) = (tensors[0].1.is_some(), tensors[1].1.is_some());
    let op = LayerNorm { groups: None, eps: call.number("eps", 1e-5)?, affine, shift };
    Ok(push(builder, call, op, input, &tensors))
}

pub(super) fn group_norm<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let groups = call.size("num_groups", 1)?;
    grouped(builder, call, groups)
}

pub(super) fn instance_norm<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    if builder.tensor_of(call, "running_mean")?.is_some() {
        return Err("it has running statistics, which phew's group norm has not".into());
    }
    let input = builder.activation(call, "input")?;
    let groups = builder.size(input.node).0;
    grouped(builder, call, groups)
}

fn grouped<'a>(builder: &mut Builder<'a>, call: &Call<'a>, groups: usize) -> Result {
    let input = builder.activation(call, "input")?;
    let input = builder.settle_units(call, input, 1)?;
    let tensors = affine(builder, call, builder.size(input.node).0)?;
    let (affine, shift) = (tensors[0].1.is_some(), tensors[1].1.is_some());
    let op = LayerNorm { groups: Some(groups), eps: call.number("eps", 1e-5)?, affine, shift };
    Ok(push(builder, call, op, input, &tensors))
}
