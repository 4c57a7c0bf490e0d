//! Views: what changes the axes of a tensor and computes nothing.

use super::super::builder::Builder;
use super::super::call::{Call, Refusal};
use super::super::value::{Activation, Value};

type Result = std::result::Result<Vec<Value>, Refusal>;

/// The value that a view is of: its first argument.
fn viewed<'a>(builder: &Builder<'a>, call: &Call<'a>) -> std::result::Result<Activation, Refusal> {
    let input = call.node.inputs.first().map_or("self", |argument| argument.name.as_str());
    builder.any_activation(call, input)
}

/// Whatever gives the same scalars in the same order under other sizes.
pub(super) fn reshape<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let value = viewed(builder, call)?;
    let shape = call.shape()?;
    let axes = value.axes.reshaped(&shape).ok_or_else(|| {
        Refusal(format!(
            "it gives the shape {shape:?}, which cuts across units, positions or samples"
        ))
    })?;
    let view = Some(call.output().to_owned());
    Ok(vec![Value::Activation(Activation { axes, view, ..value })])
}

fn permuted(value: Activation, order: &[usize]) -> Result {
    let axes = value.axes.permuted(order);
    Ok(vec![Value::Activation(Activation { axes, ..value })])
}

pub(super) fn permute<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let value = viewed(builder, call)?;
    let order = call.axes("dims", value.axes.rank())?;
    let mut sorted = order.clone();
    sorted.sort_unstable();
    match sorted == (0..value.axes.rank()).collect::<Vec<_>>() {
        true => permuted(value, &order),
        false => Err("its order is no permutation of the axes".into()),
    }
}

pub(super) fn transpose<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let value = viewed(builder, call)?;
    let rank = value.axes.rank();
    let mut order: Vec<usize> = (0..rank).collect();
    order.swap(call.axis("dim0", 0, rank)?, call.axis("dim1", 1, rank)?);
    permuted(value, &order)
}

pub(super) fn t<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let value = viewed(builder, call)?;
    let order: Vec<usize> = (0..value.axes.rank()).rev().collect();
    permuted(value, &order)
}

/// Dropout is nothing here: phew trains without it.
pub(super) fn dropout<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    if call.number("p", 0.0)? > 0.0 && call.bool("train", false)? {
        builder.note("dropout is left out");
    }
    same(builder, call)
}

/// What gives the same value.
pub(super) fn same<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    Ok(vec![Value::Activation(viewed(builder, call)?)])
}
