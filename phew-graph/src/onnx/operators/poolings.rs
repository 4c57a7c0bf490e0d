//! Poolings, means over positions, and padding.

use super::super::graph::{Converter, Result};
use super::super::known::Active;
use super::super::model::Node;
use super::calls::call;
use super::inputs::{active, axis, ints, number, small};
use super::weighted::{padding, sizes};
use crate::pt2::Argument;

/// A pooling's window over each axis of positions.
struct Window {
    kernel: Vec<usize>,
    stride: Vec<usize>,
    padding: Vec<usize>,
    ceil: bool,
    /// Sizes of the output.
    out: Vec<usize>,
}

fn window(node: &Node, x: &Active) -> Result<Window> {
    let axes = x.shape.len().saturating_sub(2);
    if !(axes == 1 || axes == 2) {
        return Err("phew knows poolings over one or two axes of positions".into());
    }
    if node.ints("kernel_shape").is_none() {
        return Err("its kernel_shape is missing".into());
    }
    let kernel = sizes(node, "kernel_shape", axes)?;
    let (stride, dilation) = (sizes(node, "strides", axes)?, sizes(node, "dilations", axes)?);
    if dilation.iter().any(|&step| step != 1) {
        return Err("it is dilated: phew's poolings are not".into());
    }
    let sides = padding(node, &x.shape[2..], &kernel, &stride, &dilation)?;
    let ceil = node.int("ceil_mode", 0) == 1;
    let mut out = Vec::new();
    for (axis, [before, behind]) in sides.iter().enumerate() {
        // Rounding up often asks for no more than one row that is not there.
        if before != behind {
            return Err("it is padded on one side more than on the other".into());
        }
        let padded = x.shape[axis + 2] + before + behind;
        let room =
            padded.checked_sub(kernel[axis]).ok_or("its window is larger than what it reads")?;
        let steps = if ceil { room.div_ceil(stride[axis]) } else { room / stride[axis] };
        // A window that begins behind the map is none.
        let outside = ceil && steps * stride[axis] >= x.shape[axis + 2] + before;
        out.push(steps + 1 - usize::from(outside));
    }
    let padding = sides.into_iter().map(|[before, _]| before).collect();
    Ok(Window { kernel, stride, padding, ceil, out })
}

fn pooled<'a>(
    converter: &mut Converter<'a>,
    node: &'a Node,
    operator: &str,
    others: &[(&str, Argument)],
) -> Result {
    let x = active(converter, node, 0)?;
    let Window { kernel, stride, padding, ceil, out } = window(node, &x)?;
    let mut arguments = vec![
        ("self", Argument::of_tensor(&x.name)),
        ("kernel_size", Argument::of_sizes(&kernel)),
        ("stride", Argument::of_sizes(&stride)),
        ("padding", Argument::of_sizes(&padding)),
        ("ceil_mode", Argument::of_bool(ceil)),
    ];
    arguments.extend_from_slice(others);
    let operator = format!("{operator}{}d.default", out.len());
    let shape = [&x.shape[..2], &out].concat();
    call(converter, node, &operator, &arguments, &shape)
}

pub(super) fn max_pool<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    if node.outputs.len() > 1 && !converter.readers(&node.outputs[1]).is_empty() {
        return Err("the places of its maxima are read".into());
    }
    pooled(converter, node, "max_pool", &[])
}

pub(super) fn average_pool<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let counts = Argument::of_bool(node.int("count_include_pad", 0) == 1);
    pooled(converter, node, "avg_pool", &[("count_include_pad", counts)])
}

pub(super) fn global_average_pool<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let x = active(converter, node, 0)?;
    let axes: Vec<usize> = (2..x.shape.len()).collect();
    mean(converter, node, &x, &axes, true)
}

pub(super) fn global_max_pool<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let x = active(converter, node, 0)?;
    if x.shape.len() != 4 {
        return Err("phew knows maxima over all of an image only".into());
    }
    let arguments =
        [("self", Argument::of_tensor(&x.name)), ("output_size", Argument::of_sizes(&[1, 1]))];
    let shape = [x.shape[0], x.shape[1], 1, 1];
    call(converter, node, "adaptive_max_pool2d.default", &arguments, &shape)
}

pub(super) fn reduce_mean<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let x = active(converter, node, 0)?;
    let rank = x.shape.len();
    let axes = match node.ints("axes") {
        Some(axes) => axes.to_vec(),
        None => ints(converter, node, 1)?.unwrap_or_else(|| (0..rank as i64).collect()),
    };
    let axes: Vec<usize> = axes.into_iter().map(|a| axis(a, rank)).collect::<Result<_>>()?;
    mean(converter, node, &x, &axes, node.int("keepdims", 1) == 1)
}

fn mean<'a>(
    converter: &mut Converter<'a>,
    node: &'a Node,
    x: &Active,
    axes: &[usize],
    keeps: bool,
) -> Result {
    let sizes = x.shape.iter().enumerate();
    let shape: Vec<usize> = sizes
        .filter(|(axis, _)| keeps || !axes.contains(axis))
        .map(|(axis, &size)| if axes.contains(&axis) { 1 } else { size })
        .collect();
    let arguments = [
        ("self", Argument::of_tensor(&x.name)),
        ("dim", Argument::of_sizes(axes)),
        ("keepdim", Argument::of_bool(keeps)),
    ];
    call(converter, node, "mean.dim", &arguments, &shape)
}

pub(super) fn pad<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let x = active(converter, node, 0)?;
    let rank = x.shape.len();
    if node.text("mode").is_some_and(|mode| mode != "constant") {
        return Err("it pads with something else than zeros".into());
    }
    let value = number(converter, node, 2)?.unwrap_or(0.0);
    let pads = ints(converter, node, 1)?.ok_or("its sizes are missing")?;
    let of = match ints(converter, node, 3)? {
        Some(axes) => axes.into_iter().map(|a| axis(a, rank)).collect::<Result<Vec<_>>>()?,
        None => (0..rank).collect(),
    };
    if pads.len() != 2 * of.len() {
        return Err("its sizes are not two an axis".into());
    }
    let mut sides = vec![[0; 2]; rank];
    for (place, &axis) in of.iter().enumerate() {
        for (side, n) in [pads[place], pads[place + of.len()]].into_iter().enumerate() {
            sides[axis][side] =
                small(n).ok_or("it cuts off: its sizes are negative, or too large")?;
        }
    }
    let shape: Vec<usize> =
        x.shape.iter().zip(&sides).map(|(size, [before, behind])| size + before + behind).collect();
    // From the last axis to the first, as PyTorch pads.
    let all: Vec<usize> = sides.iter().rev().flatten().copied().collect();
    let arguments = [
        ("self", Argument::of_tensor(&x.name)),
        ("pad", Argument::of_sizes(&all)),
        ("value", Argument::of_number(value)),
    ];
    call(converter, node, "constant_pad_nd.default", &arguments, &shape)
}
