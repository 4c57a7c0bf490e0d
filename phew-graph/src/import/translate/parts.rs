//! Concatenations and parts of a layer's units.

use super::super::axes::{Axes, Kind, Part};
use super::super::builder::Builder;
use super::super::call::{Call, Refusal, fixed};
use super::super::value::{Activation, Value};
use crate::arch::op::{Concat, Slice};

type Result<T = Vec<Value>> = std::result::Result<T, Refusal>;

pub(super) fn cat<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let names = call.argument("tensors").and_then(|argument| argument.tensors());
    let names = names.ok_or("its tensors are not listed")?;
    let mut values: Vec<Activation> = Vec::with_capacity(names.len());
    for name in names {
        match builder.value(name) {
            Some(Value::Activation(value)) => values.push(value.clone()),
            _ => {
                return Err(Refusal(format!(
                    "it joins `{name}`, which does not depend on the input"
                )));
            }
        }
    }
    let first = values.first().ok_or("it joins nothing")?.clone();
    let axis = call.axis("dim", 0, first.axes.rank())?;
    if values.len() == 1 {
        return Ok(vec![Value::Activation(first)]);
    }
    let (mut nodes, mut units, mut positions) = (Vec::new(), 0, Vec::new());
    for value in values {
        if value.axes.rank() != first.axes.rank() {
            return Err("it joins values with different numbers of axes".into());
        }
        let value = builder.settle_units(call, value, axis)?;
        let value = builder.flat(call, value)?;
        let rest = |axes: &Axes| axes.without(axis);
        let (own, at) = builder.size(value.node);
        let same_map = nodes.is_empty() || at == positions;
        if rest(&value.axes) != rest(&first.axes) || !same_map {
            return Err("it joins values along something else than their units".into());
        }
        positions = at.to_vec();
        units += own;
        nodes.push(value.node);
    }
    let node = builder.push(call, Concat, &nodes, (units, &positions));
    let axes = first.axes.with(axis, Part::whole(Kind::Unit, units));
    Ok(vec![Value::Activation(Activation { node, axes, view: None })])
}

/// Some of the units of a value, from those that an axis holds: `first` and how many.
fn part<'a>(
    builder: &mut Builder<'a>,
    call: &Call<'a>,
    output: &str,
    value: &Activation,
    axis: usize,
    (first, count): (usize, usize),
) -> Result<Activation> {
    let value = builder.settle_units(call, value.clone(), axis)?;
    let (units, positions) = builder.size(value.node);
    if (first, count) == (0, units) {
        return Ok(value);
    }
    let positions = positions.to_vec();
    let op = Slice { first, units: count };
    let node = builder.push_beside(call, output, op, &[value.node], (count, &positions));
    let axes = value.axes.with(axis, Part::whole(Kind::Unit, count));
    Ok(Activation { node, axes, view: None })
}

/// The parts of these sizes, one after the other.
fn parts<'a>(
    builder: &mut Builder<'a>,
    call: &Call<'a>,
    value: &Activation,
    axis: usize,
    sizes: &[usize],
) -> Result {
    let names = call.outputs();
    // Once for all parts.
    let value = &builder.settle_units(call, value.clone(), axis)?;
    let mut first = 0;
    let mut values = Vec::with_capacity(sizes.len());
    for (&size, name) in sizes.iter().zip(names) {
        values.push(Value::Activation(part(builder, call, name, value, axis, (first, size))?));
        first += size;
    }
    Ok(values)
}

/// Value and axis of a call that splits.
fn split_value<'a>(builder: &Builder<'a>, call: &Call<'a>) -> Result<(Activation, usize)> {
    let value = builder.activation(call, "self")?;
    let axis = call.axis("dim", 0, value.axes.rank())?;
    Ok((value, axis))
}

/// Sizes of parts of at most this size.
fn even(all: usize, size: usize) -> Vec<usize> {
    let size = size.max(1);
    (0..all).step_by(size).map(|first| size.min(all - first)).collect()
}

pub(super) fn chunk<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let (value, axis) = split_value(builder, call)?;
    let all = value.axes.size(axis);
    let sizes = even(all, all.div_ceil(call.size("chunks", 1)?.max(1)));
    parts(builder, call, &value, axis, &sizes)
}

pub(super) fn split<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let (value, axis) = split_value(builder, call)?;
    let argument = ["split_size", "split_sizes"].into_iter().find_map(|name| call.argument(name));
    let argument = argument.ok_or("its sizes are missing")?;
    let sizes = match (fixed(argument), argument.int()) {
        (Some(sizes), _) => sizes,
        (None, Some(size)) => even(value.axes.size(axis), usize::try_from(size).unwrap_or(1)),
        (None, None) => return Err("its sizes are not fixed".into()),
    };
    parts(builder, call, &value, axis, &sizes)
}

pub(super) fn narrow<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let (value, axis) = split_value(builder, call)?;
    let range = (call.size("start", 0)?, call.size("length", 0)?);
    Ok(vec![Value::Activation(part(builder, call, call.output(), &value, axis, range)?)])
}

pub(super) fn slice<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let (value, axis) = split_value(builder, call)?;
    let all = value.axes.size(axis) as i64;
    if call.int("step", 1)? != 1 {
        return Err("it takes only some units of a range".into());
    }
    let from_first = |n: i64| if n < 0 { n + all } else { n }.clamp(0, all) as usize;
    let (start, end) = (from_first(call.int("start", 0)?), from_first(call.int("end", i64::MAX)?));
    if (start, end) == (0, all as usize) {
        return Ok(vec![Value::Activation(value)]);
    }
    if end <= start {
        return Err("it takes nothing".into());
    }
    let range = (start, end - start);
    Ok(vec![Value::Activation(part(builder, call, call.output(), &value, axis, range)?)])
}

/// One index of an axis: of an axis over the outer part of the units it is a range of units.
pub(super) fn select<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let value = builder.activation(call, "self")?;
    let axis = call.axis("dim", 0, value.axes.rank())?;
    let size = value.axes.size(axis);
    let index = super::super::call::from_first(call.int("index", 0)?, size)?;
    let [outer] = value.axes.axis(axis) else {
        return match size {
            1 => {
                let axes = value.axes.without(axis);
                Ok(vec![Value::Activation(Activation { axes, ..value })])
            }
            _ => Err("it takes one index of an axis that holds several things".into()),
        };
    };
    let units = builder.size(value.node).0;
    if outer.kind != Kind::Unit || outer.size * outer.stride != units {
        return Err("it takes one index of something else than the outer part of the units".into());
    }
    let positions = builder.size(value.node).1.to_vec();
    let op = Slice { first: index * outer.stride, units: outer.stride };
    let node = builder.push(call, op, &[value.node], (outer.stride, &positions));
    let axes = value.axes.without(axis);
    Ok(vec![Value::Activation(Activation { node, axes, view: None })])
}
