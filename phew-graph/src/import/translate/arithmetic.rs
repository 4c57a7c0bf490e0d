//! Sums and products: of values, with learnt tensors, and with numbers.

use super::super::axes::{Axes, Kind, Part};
use super::super::builder::Builder;
use super::super::call::{Call, Refusal};
use super::super::value::{Activation, Tensor, Value};
use super::activations::pointwise;
use crate::arch::Activation as Function;
use crate::arch::op::{Add, Affine, Multiply, Op, Scale, Shift};

type Result = std::result::Result<Vec<Value>, Refusal>;

/// The two sides of an operator.
enum Sides {
    Values(Activation, Activation),
    WithTensor(Activation, Tensor),
    WithNumber(Activation, f64),
    /// With random numbers that only training has.
    WithNoise(Activation),
}

fn sides<'a>(builder: &Builder<'a>, call: &Call<'a>) -> std::result::Result<Sides, Refusal> {
    let read = |place: usize| {
        let name = call.place(place).and_then(|argument| argument.tensor());
        name.and_then(|name| builder.value(name)).cloned()
    };
    let number = |place: usize| call.place(place).and_then(|argument| argument.number());
    match (read(0), read(1)) {
        (Some(Value::Activation(a)), Some(Value::Activation(b))) => Ok(Sides::Values(a, b)),
        (Some(Value::Activation(a)), Some(Value::Tensor(t)))
        | (Some(Value::Tensor(t)), Some(Value::Activation(a))) => Ok(Sides::WithTensor(a, t)),
        (Some(Value::Activation(a)), Some(Value::Noise))
        | (Some(Value::Noise), Some(Value::Activation(a))) => Ok(Sides::WithNoise(a)),
        (Some(Value::Activation(a)), None) => match number(1) {
            Some(number) => Ok(Sides::WithNumber(a, number)),
            None => Err("its second argument is no fixed number".into()),
        },
        (Some(Value::Other(operator)), _) | (_, Some(Value::Other(operator))) => {
            Err(Refusal(format!(
                "one of its sides is what {operator} computes, which does not depend on the input"
            )))
        }
        _ => Err("its first argument does not depend on the input".into()),
    }
}

/// The factor of the second summand.
fn alpha(call: &Call<'_>) -> std::result::Result<f64, Refusal> {
    call.number("alpha", 1.0)
}

pub(super) fn add<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    match sides(builder, call)? {
        Sides::WithNumber(value, summand) => {
            let summand = summand * alpha(call)?;
            affine(builder, call, value, 1.0, summand)
        }
        _ if !call.is("alpha", 1.0, 1.0)? => Err("its alpha is not 1".into()),
        Sides::Values(a, b) => {
            let (a, b) = alike(builder, call, a, b);
            if a.axes != b.axes {
                return Err(Refusal(format!(
                    "it adds values whose axes do not hold the same, of {:?} and {:?}: phew's sums are of values of one shape",
                    sizes(&a.axes),
                    sizes(&b.axes)
                )));
            }
            let (a, b) = (builder.flat(call, a)?, builder.flat(call, b)?);
            let (units, positions) = builder.size(a.node);
            let positions = positions.to_vec();
            if builder.size(b.node).1 != positions {
                return Err("it adds maps that were reshaped in different ways".into());
            }
            let node = builder.push(call, Add, &[a.node, b.node], (units, &positions));
            Ok(vec![Value::Activation(Activation { node, ..a })])
        }
        Sides::WithTensor(value, tensor) => shifted(builder, call, value, tensor),
        Sides::WithNoise(_) => Err("it adds random numbers".into()),
    }
}

/// Two values, of which the later one has its units and positions exchanged where it then has the axes of the other: what comes of a
/// layer over tokens is added to the tokens.
fn alike<'a>(
    builder: &mut Builder<'a>,
    call: &Call<'a>,
    a: Activation,
    b: Activation,
) -> (Activation, Activation) {
    if a.axes == b.axes {
        return (a, b);
    }
    let (later, earlier) = if a.node > b.node { (&a, &b) } else { (&b, &a) };
    let positions = builder.size(earlier.node).1.to_vec();
    match builder.exchanged(call, later, &positions) {
        Some(exchanged) if exchanged.axes == earlier.axes && a.node > b.node => (exchanged, b),
        Some(exchanged) if exchanged.axes == earlier.axes => (a, exchanged),
        _ => (a, b),
    }
}

pub(super) fn sub<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    match sides(builder, call)? {
        Sides::WithNumber(value, summand) => {
            let summand = -summand * alpha(call)?;
            affine(builder, call, value, 1.0, summand)
        }
        _ => Err("it is a difference of values: write it as a sum".into()),
    }
}

pub(super) fn mul<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    match sides(builder, call)? {
        Sides::WithNumber(value, factor) => affine(builder, call, value, factor, 0.0),
        Sides::WithTensor(value, tensor) => scaled(builder, call, value, tensor),
        Sides::WithNoise(value) => {
            builder.note("random factors of training (stochastic depth) are left out");
            Ok(vec![Value::Activation(value)])
        }
        Sides::Values(a, b) => gated(builder, call, a, b),
    }
}

pub(super) fn div<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    match sides(builder, call)? {
        Sides::WithNumber(value, divisor) => affine(builder, call, value, 1.0 / divisor, 0.0),
        Sides::WithNoise(value) => {
            builder.note("random factors of training (stochastic depth) are left out");
            Ok(vec![Value::Activation(value)])
        }
        _ => Err("it divides by something else than a fixed number".into()),
    }
}

pub(super) fn neg<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let value = builder.activation(call, "self")?;
    affine(builder, call, value, -1.0, 0.0)
}

fn affine<'a>(
    builder: &mut Builder<'a>,
    call: &Call<'a>,
    value: Activation,
    factor: f64,
    summand: f64,
) -> Result {
    if factor.total_cmp(&1.0).is_eq() && summand.abs() < f64::MIN_POSITIVE {
        return Ok(vec![Value::Activation(value)]);
    }
    pointwise(builder, call, Affine { factor, summand }, value)
}

/// A gate: the larger value first.
fn gated<'a>(builder: &mut Builder<'a>, call: &Call<'a>, a: Activation, b: Activation) -> Result {
    for (value, gate) in [(&a, &b), (&b, &a)] {
        if let Some(op) = gate_of_itself(builder, value, gate) {
            return pointwise(builder, call, op, value.clone());
        }
    }
    let scalars = |value: &Activation| sizes(&value.axes).iter().product::<usize>();
    let (large, small) = if scalars(&a) >= scalars(&b) { (a, b) } else { (b, a) };
    let rank = large.axes.rank();
    let fits = |axis: usize| {
        // Axes of the smaller are counted from the last.
        let Some(place) = (axis + small.axes.rank()).checked_sub(rank) else { return true };
        let parts = small.axes.axis(place);
        parts.is_empty() || parts == large.axes.axis(axis)
    };
    let (units, positions) = builder.size(large.node);
    let positions = positions.to_vec();
    let (gate_units, gate_positions) = builder.size(small.node);
    let area: usize = gate_positions.iter().product();
    let whole =
        (gate_units == units || gate_units == 1) && (area == 1 || gate_positions == positions);
    if small.axes.rank() > rank || !(0..rank).all(fits) || !whole {
        return Err(Refusal(format!(
            "it multiplies values of the shapes {:?} and {:?}, expected one shape, or one position or one unit for all",
            sizes(&large.axes),
            sizes(&small.axes)
        )));
    }
    let node = builder.push(call, Multiply, &[large.node, small.node], (units, &positions));
    Ok(vec![Value::Activation(Activation { node, ..large })])
}

/// The activation that a value times its own sigmoid is: `SiLU`, or hard-swish, in pieces.
fn gate_of_itself(
    builder: &Builder<'_>,
    value: &Activation,
    gate: &Activation,
) -> Option<Function> {
    let draft = &builder.nodes[gate.node];
    let of_value = draft.inputs == [value.node] && gate.axes == value.axes;
    match draft.spec.op {
        Op::Activation(Function::Sigmoid) if of_value => Some(Function::Silu),
        Op::Activation(Function::HardSigmoid) if of_value => Some(Function::HardSwish),
        _ => None,
    }
}

/// A learnt factor for each unit, or one for all.
fn scaled<'a>(
    builder: &mut Builder<'a>,
    call: &Call<'a>,
    value: Activation,
    tensor: Tensor,
) -> Result {
    let tensor = usable(tensor)?;
    let (units, positions) = builder.size(value.node);
    let positions = positions.to_vec();
    for (axis, size) in broadcast(&tensor.shape, value.axes.rank())? {
        if size != 1 && value.axes.axis(axis) != Part::whole(Kind::Unit, units) {
            return Err(Refusal(format!(
                "its factors `{}` of shape {:?} are not one for each unit",
                tensor.name, tensor.shape
            )));
        }
    }
    let op = Scale { shape: tensor.stored.clone() };
    let node =
        builder.push_with(call, op, &[value.node], (units, &positions), &[("weight", &tensor)]);
    Ok(vec![Value::Activation(Activation { node, ..value })])
}

/// A learnt summand for each unit, or for each unit at each position.
fn shifted<'a>(
    builder: &mut Builder<'a>,
    call: &Call<'a>,
    value: Activation,
    tensor: Tensor,
) -> Result {
    let tensor = usable(tensor)?;
    let (units, positions) = builder.size(value.node);
    let positions = positions.to_vec();
    let rank = value.axes.rank();
    let mut held = Vec::new();
    for (axis, size) in broadcast(&tensor.shape, rank)? {
        if size != 1 {
            held.extend(value.axes.axis(axis));
        }
    }
    let area: usize = positions.iter().product();
    let unit = Part::whole(Kind::Unit, units);
    let position = Part::whole(Kind::Position, area);
    let by_position = [unit.clone(), position.clone()].concat();
    let by_position_first = [position, unit.clone()].concat();
    let held = Axes::merge(&held);
    let units_last = held == by_position_first && held != by_position;
    if !(held == unit || held == by_position || units_last) {
        return Err(Refusal(format!(
            "its summands `{}` of shape {:?} are neither one for each unit nor one for each unit and position",
            tensor.name, tensor.shape
        )));
    }
    let op = Shift { shape: tensor.stored.clone(), units_last };
    let node =
        builder.push_with(call, op, &[value.node], (units, &positions), &[("bias", &tensor)]);
    Ok(vec![Value::Activation(Activation { node, ..value })])
}

/// The axes of a value that those of a tensor stand for, with the tensor's sizes.
fn broadcast(shape: &[usize], rank: usize) -> std::result::Result<Vec<(usize, usize)>, Refusal> {
    let first = rank.checked_sub(shape.len()).ok_or("its tensor has more axes than the value")?;
    Ok(shape.iter().enumerate().map(|(axis, &size)| (first + axis, size)).collect())
}

/// A tensor that a state dict has.
pub(super) fn usable(tensor: Tensor) -> std::result::Result<Tensor, Refusal> {
    if !tensor.saved {
        return Err(Refusal(format!(
            "`{}` is in no state dict: make it a parameter or persistent buffer",
            tensor.name
        )));
    }
    Ok(tensor)
}

fn sizes(axes: &Axes) -> Vec<usize> {
    (0..axes.rank()).map(|axis| axes.size(axis)).collect()
}
