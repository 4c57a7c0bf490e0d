//! Poolings, means over space, and padding.

use super::super::axes::Kind;
use super::super::builder::Builder;
use super::super::call::{Call, Refusal, fixed};
use super::super::value::{Activation, Value};
use crate::arch::op::{AdaptiveAvgPool, AvgPool, ChannelMean, Flatten, MaxPool, Op, Pad, Pool};

type Result<T = Vec<Value>> = std::result::Result<T, Refusal>;

/// A window over so many axes; of one axis the other is 1.
fn window(call: &Call<'_>, axes: usize) -> Result<Pool> {
    let pair = |sizes: Vec<usize>, across: usize| match sizes[..] {
        [along] => [across, along],
        _ => [sizes[0], sizes[1]],
    };
    let kernel = call.sizes("kernel_size", axes, 0)?;
    if call.sizes("dilation", axes, 1)?.iter().any(|&dilation| dilation != 1) {
        return Err("it is dilated: phew's poolings are not".into());
    }
    let stride = match call.argument("stride").and_then(fixed) {
        Some(sizes) if !sizes.is_empty() => call.sizes("stride", axes, 1)?,
        _ => kernel.clone(),
    };
    Ok(Pool {
        kernel: Some(pair(kernel, 1)),
        stride: pair(stride, 1),
        padding: pair(call.sizes("padding", axes, 0)?, 0),
        ceil: call.bool("ceil_mode", false)?,
    })
}

/// A pooling over so many axes, whose output has the shape that the program says.
fn pooled<'a>(
    builder: &mut Builder<'a>,
    call: &Call<'a>,
    axes: usize,
    op: impl Into<Op>,
) -> Result {
    let input = builder.activation(call, "self").or_else(|_| builder.activation(call, "input"))?;
    let node = builder.plain(call, input, axes)?;
    let shape = call.shape()?;
    let units = builder.size(node).0;
    let size = (units, shape.get(2..).unwrap_or_default());
    let node = builder.push(call, op, &[node], size);
    Ok(vec![builder.plain_value(node)])
}

pub(super) fn max_pool1d<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    pooled(builder, call, 1, MaxPool(window(call, 1)?))
}

pub(super) fn max_pool2d<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    pooled(builder, call, 2, MaxPool(window(call, 2)?))
}

fn average(call: &Call<'_>, axes: usize) -> Result<AvgPool> {
    if call.argument("divisor_override").is_some() {
        return Err("it divides by a number of its own (divisor_override)".into());
    }
    let count_padding = call.bool("count_include_pad", true)?;
    Ok(AvgPool { pool: window(call, axes)?, count_padding })
}

pub(super) fn avg_pool1d<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    pooled(builder, call, 1, average(call, 1)?)
}

pub(super) fn avg_pool2d<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    pooled(builder, call, 2, average(call, 2)?)
}

/// What an adaptive pooling over so many axes is: nothing, a global one, one by windows, or one that PyTorch alone has.
enum Adaptive {
    Nothing,
    Windows(Pool),
    Uneven([usize; 2]),
}

fn adaptive<'a>(builder: &Builder<'a>, call: &Call<'a>, axes: usize) -> Result<Adaptive> {
    let input = builder.activation(call, "self").or_else(|_| builder.activation(call, "input"))?;
    let from: Vec<usize> = (2..input.axes.rank()).map(|axis| input.axes.size(axis)).collect();
    let shape = call.shape()?;
    let to = shape.get(2..).unwrap_or_default();
    if from.len() != axes || to.len() != axes {
        return Err("it reads a value without a batch or without channels".into());
    }
    if from == to {
        return Ok(Adaptive::Nothing);
    }
    if to.iter().all(|&size| size == 1) {
        return Ok(Adaptive::Windows(Pool::global()));
    }
    let pair = |sizes: &[usize]| match *sizes {
        [along] => [1, along],
        _ => [sizes[0], sizes[1]],
    };
    if from.iter().zip(to).all(|(from, to)| from.is_multiple_of(*to)) {
        let kernel: Vec<usize> = from.iter().zip(to).map(|(from, to)| from / to).collect();
        let kernel = pair(&kernel);
        return Ok(Adaptive::Windows(Pool {
            kernel: Some(kernel),
            stride: kernel,
            ..Pool::new(1)
        }));
    }
    Ok(Adaptive::Uneven(pair(to)))
}

fn adaptive_average<'a>(builder: &mut Builder<'a>, call: &Call<'a>, axes: usize) -> Result {
    match adaptive(builder, call, axes)? {
        Adaptive::Nothing => super::views::same(builder, call),
        Adaptive::Windows(pool) => pooled(builder, call, axes, AvgPool::new(pool)),
        Adaptive::Uneven(out) => pooled(builder, call, axes, AdaptiveAvgPool { out }),
    }
}

pub(super) fn adaptive_avg_pool1d<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    adaptive_average(builder, call, 1)
}

pub(super) fn adaptive_avg_pool2d<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    adaptive_average(builder, call, 2)
}

pub(super) fn adaptive_max_pool2d<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    match adaptive(builder, call, 2)? {
        Adaptive::Nothing => super::views::same(builder, call),
        Adaptive::Windows(pool) => pooled(builder, call, 2, MaxPool(pool)),
        Adaptive::Uneven(_) => {
            Err("its windows are of several sizes, which phew's maximum pooling has not".into())
        }
    }
}

/// A mean over all positions: a global average pooling, and a flatten if the axes go. Or one over all units.
pub(super) fn mean<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let input = builder.activation(call, "self")?;
    let mut over = call.axes("dim", input.axes.rank())?;
    over.sort_unstable();
    if let [axis] = over[..]
        && input.axes.axes_of(Kind::Unit) == [axis]
    {
        return over_units(builder, call, input, axis);
    }
    let holding = input.axes.axes_of(Kind::Position);
    let only_positions =
        |&axis: &usize| input.axes.axis(axis).iter().all(|part| part.kind == Kind::Position);
    if over.is_empty()
        || !over.iter().all(only_positions)
        || !holding.iter().all(|a| over.contains(a))
    {
        return Err(
            "it is a mean over something else than all positions of a map, or all units".into()
        );
    }
    let keeps = call.bool("keepdim", false)?;
    let units = builder.size(input.node).0;
    let ones = vec![1; builder.size(input.node).1.len()];
    let mut node = input.node;
    if !ones.is_empty() {
        node = builder.push(call, AvgPool::new(Pool::global()), &[node], (units, &ones));
    }
    let mut axes = input.axes;
    for &axis in over.iter().rev() {
        axes = if keeps { axes.with(axis, Vec::new()) } else { axes.without(axis) };
    }
    if !keeps && !ones.is_empty() {
        node = builder.push_beside(call, "flatten", Flatten, &[node], (units, &[]));
    }
    Ok(vec![Value::Activation(Activation { node, axes, view: None })])
}

/// A mean over the units, which leaves one.
fn over_units<'a>(
    builder: &mut Builder<'a>,
    call: &Call<'a>,
    input: Activation,
    axis: usize,
) -> Result {
    let input = builder.settle_units(call, input, axis)?;
    let positions = builder.size(input.node).1.to_vec();
    let node = builder.push(call, ChannelMean, &[input.node], (1, &positions));
    let axes = match call.bool("keepdim", false)? {
        true => input.axes.with(axis, Vec::new()),
        false => input.axes.without(axis),
    };
    Ok(vec![Value::Activation(Activation { node, axes, view: None })])
}

pub(super) fn pad<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let mode = call.argument("mode").and_then(|argument| argument.text()).unwrap_or("constant");
    if mode != "constant" || !call.is("value", 0.0, 0.0)? {
        return Err("it pads with something else than zeros".into());
    }
    let sizes = call.argument("pad").and_then(|argument| argument.ints());
    let sizes = sizes.and_then(|sizes| sizes.into_iter().collect::<Option<Vec<_>>>());
    let mut sizes = sizes.ok_or("its sizes are not fixed")?;
    let input = builder.activation(call, "self")?;
    let maps = input.axes.rank() - 2;
    // From the last axis to the first, each before and behind; those of channels and batch may be given as zeros.
    while sizes.len() > 2 * maps && sizes.ends_with(&[0, 0]) {
        sizes.truncate(sizes.len() - 2);
    }
    let side = |axis: usize, place: usize| {
        usize::try_from(sizes.get(2 * axis + place).copied().unwrap_or(0))
            .map_err(|_| Refusal::from("it cuts off: its sizes are negative"))
    };
    if sizes.len() > 2 * maps || maps == 0 || maps > 2 {
        return Err("it pads something else than the positions of a map".into());
    }
    let width = [side(0, 0)?, side(0, 1)?];
    let height = if maps == 2 { [side(1, 0)?, side(1, 1)?] } else { [0; 2] };
    if [width, height] == [[0; 2]; 2] {
        return super::views::same(builder, call);
    }
    pooled(builder, call, maps, Pad { height, width })
}
