//! Concatenations and parts of a layer's units.

use super::super::axes::{Axes, Kind, Part};
use super::super::builder::Builder;
use super::super::call::{Call, Refusal, fixed};
use super::super::value::{Activation, Value};
use crate::arch::op::{Concat, Crop, Flatten, Slice, Tokens};

type Result<T = Vec<Value>> = std::result::Result<T, Refusal>;

pub(super) fn cat<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let names = call.argument("tensors").and_then(|argument| argument.tensors());
    let names = names.ok_or("its tensors are not listed")?;
    if names.iter().any(|name| matches!(builder.value(name), Some(Value::Tensor(_)))) {
        return with_tokens(builder, call, &names);
    }
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

/// Some of the units or positions of a value, from those that an axis holds: `first` and how many.
fn part<'a>(
    builder: &mut Builder<'a>,
    call: &Call<'a>,
    output: &str,
    value: &Activation,
    axis: usize,
    (first, count): (usize, usize),
) -> Result<Activation> {
    let area: usize = builder.size(value.node).1.iter().product();
    if area > 1 && value.axes.axis(axis) == Part::whole(Kind::Position, area) {
        let node = crop(builder, call, output, value.node, (first, count));
        let axes = value.axes.with(axis, Part::whole(Kind::Position, count));
        return Ok(Activation { node, axes, view: None });
    }
    if let [outer] = *value.axes.axis(axis)
        && let Some(range) = outer_units(builder, value, outer, (first, count))
    {
        // A range of heads, say: the units of each stand one after the other.
        let positions = builder.size(value.node).1.to_vec();
        let op = Slice { first: range.0, units: range.1 };
        let node = builder.push_beside(call, output, op, &[value.node], (range.1, &positions));
        let rest = if count == 1 { Vec::new() } else { vec![Part { size: count, ..outer }] };
        return Ok(Activation { node, axes: value.axes.with(axis, rest), view: None });
    }
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

/// The units, first and how many, of a range of an axis over the outer part of all units, whose inner part is elsewhere.
fn outer_units(
    builder: &Builder<'_>,
    value: &Activation,
    outer: Part,
    (first, count): (usize, usize),
) -> Option<(usize, usize)> {
    let units = builder.size(value.node).0;
    let is_outer =
        outer.kind == Kind::Unit && outer.stride > 1 && outer.size * outer.stride == units;
    is_outer.then_some((first * outer.stride, count * outer.stride))
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
    let all = value.axes.axis(axis);
    let is_outer = matches!(*all, [outer] if outer_units(builder, value, outer, (0, 1)).is_some());
    let holds_units = all.iter().any(|part| part.kind == Kind::Unit);
    let value = match holds_units && !is_outer {
        true => &builder.settle_units(call, value.clone(), axis)?,
        false => value,
    };
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

/// One index of an axis: of an axis over the outer part of the units it is a range of units, of one over all positions it
/// is a position.
pub(super) fn select<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let value = builder.activation(call, "self")?;
    let axis = call.axis("dim", 0, value.axes.rank())?;
    let index = super::super::call::from_first(call.int("index", 0)?, value.axes.size(axis))?;
    Ok(vec![selected(builder, call, call.output(), &value, axis, index)?])
}

/// Every index of an axis, one after the other.
pub(super) fn unbind<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let (value, axis) = split_value(builder, call)?;
    let names = call.outputs().into_iter().enumerate();
    names.map(|(index, name)| selected(builder, call, name, &value, axis, index)).collect()
}

fn selected<'a>(
    builder: &mut Builder<'a>,
    call: &Call<'a>,
    output: &str,
    value: &Activation,
    axis: usize,
    index: usize,
) -> Result<Value> {
    let (units, positions) = builder.size(value.node);
    let (positions, area) = (positions.to_vec(), positions.iter().product());
    let axes = value.axes.without(axis);
    let parts = value.axes.axis(axis);
    if parts.is_empty() {
        return Ok(Value::Activation(Activation { axes, ..value.clone() }));
    }
    if parts == Part::whole(Kind::Position, area) {
        let node = crop(builder, call, output, value.node, (index, 1));
        let node = builder.push_beside(call, "flatten", Flatten, &[node], (units, &[]));
        return Ok(Value::Activation(Activation { node, axes, view: None }));
    }
    let [outer] = parts else {
        return Err("it takes one index of an axis that holds several things".into());
    };
    if outer.kind != Kind::Unit || outer.size * outer.stride != units {
        return Err(
            "it takes one index of something else than the outer part of the units, or all positions".into()
        );
    }
    let op = Slice { first: index * outer.stride, units: outer.stride };
    let size = (outer.stride, &positions[..]);
    let node = builder.push_beside(call, output, op, &[value.node], size);
    Ok(Value::Activation(Activation { node, axes, view: None }))
}

/// Some positions of a node: `first` and how many.
fn crop<'a>(
    builder: &mut Builder<'a>,
    call: &Call<'a>,
    output: &str,
    node: usize,
    (first, positions): (usize, usize),
) -> usize {
    let size = (builder.size(node).0, &[positions][..]);
    builder.push_beside(call, output, Crop { first, positions }, &[node], size)
}

/// Learnt positions before or behind those of the one value among them that depends on the input.
fn with_tokens<'a>(builder: &mut Builder<'a>, call: &Call<'a>, names: &[&str]) -> Result {
    let wrong = "it joins learnt positions with something else than the positions of one value";
    let found: Vec<Value> = names.iter().filter_map(|name| builder.value(name)).cloned().collect();
    let is_value = |value: &Value| matches!(value, Value::Activation(_));
    let place = found.iter().position(is_value).ok_or(wrong)?;
    let Value::Activation(mut value) = found[place].clone() else { return Err(wrong.into()) };
    let axis = call.axis("dim", 0, value.axes.rank())?;
    // From the value outwards.
    let before = found[..place].iter().rev().map(|tokens| (tokens, false));
    let behind = found[place + 1..].iter().map(|tokens| (tokens, true));
    for (tokens, behind) in before.chain(behind) {
        let Value::Tensor(tensor) = tokens else { return Err(wrong.into()) };
        let tensor = super::arithmetic::usable(tensor.clone())?;
        let (units, positions) = builder.size(value.node);
        let area: usize = positions.iter().product();
        let last = value.axes.rank() - 1;
        let learnt = tensor.shape.get(axis).copied().unwrap_or(0);
        let shape = tensor.stored.clone();
        let fits = value.axes.axis(axis) == Part::whole(Kind::Position, area)
            && area > 1
            && value.axes.axis(last) == Part::whole(Kind::Unit, units)
            && shape.iter().product::<usize>() == learnt * units
            && shape.last() == Some(&units);
        if !fits {
            return Err(wrong.into());
        }
        let size = (units, &[area + learnt][..]);
        let op = Tokens { shape, behind };
        let node = builder.push_with(call, op, &[value.node], size, &[("tokens", &tensor)]);
        let axes = value.axes.with(axis, Part::whole(Kind::Position, area + learnt));
        value = Activation { node, axes, view: None };
    }
    Ok(vec![Value::Activation(value)])
}
