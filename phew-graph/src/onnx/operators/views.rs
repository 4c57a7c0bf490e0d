//! Views, parts and concatenations.

use super::super::constant::{common_shape, reshaped, squeezed, unsqueezed};
use super::super::graph::{Converter, Result};
use super::super::known::Known;
use super::super::model::Node;
use super::super::tensors::Change;
use super::calls::call;
use super::inputs::{active, axis, has, ints};
use crate::pt2::Argument;

/// The same scalars in the same order under another shape.
fn view<'a>(converter: &mut Converter<'a>, node: &'a Node, shape: Option<Vec<usize>>) -> Result {
    let x = active(converter, node, 0)?;
    let shape = shape.ok_or_else(|| format!("its shape does not fit {:?}", x.shape))?;
    let arguments = [("self", Argument::of_tensor(&x.name))];
    call(converter, node, "reshape.default", &arguments, &shape)
}

pub(super) fn reshape<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let x = active(converter, node, 0)?;
    let to = ints(converter, node, 1)?.ok_or("its shape is missing")?;
    view(converter, node, reshaped(&x.shape, &to, node.int("allowzero", 0) == 1))
}

pub(super) fn flatten<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let x = active(converter, node, 0)?;
    let rank = x.shape.len();
    let first = match node.int("axis", 1) {
        all if all == rank as i64 => rank,
        other => axis(other, rank)?,
    };
    let product = |sizes: &[usize]| sizes.iter().product();
    view(converter, node, Some(vec![product(&x.shape[..first]), product(&x.shape[first..])]))
}

pub(super) fn squeeze<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let x = active(converter, node, 0)?;
    let axes = ints(converter, node, 1)?;
    view(converter, node, squeezed(&x.shape, axes.as_deref()))
}

pub(super) fn unsqueeze<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let x = active(converter, node, 0)?;
    let axes = ints(converter, node, 1)?.ok_or("its axes are missing")?;
    view(converter, node, unsqueezed(&x.shape, &axes))
}

pub(super) fn expand<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let x = active(converter, node, 0)?;
    let to = ints(converter, node, 1)?.ok_or("its shape is missing")?;
    let to: Option<Vec<usize>> = to.into_iter().map(|n| usize::try_from(n).ok()).collect();
    match to.and_then(|to| common_shape(&x.shape, &to)) {
        Some(shape) if shape == x.shape => view(converter, node, Some(shape)),
        _ => Err("it repeats a value that depends on the network's input".into()),
    }
}

pub(super) fn transpose<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let x = active(converter, node, 0)?;
    let rank = x.shape.len();
    let order: Vec<usize> = match node.ints("perm") {
        Some(order) => order.iter().map(|&a| axis(a, rank)).collect::<Result<_>>()?,
        None => (0..rank).rev().collect(),
    };
    if order.len() != rank {
        return Err("its order is no permutation of the axes".into());
    }
    let shape: Vec<usize> = order.iter().map(|&axis| x.shape[axis]).collect();
    let arguments = [("self", Argument::of_tensor(&x.name)), ("dims", Argument::of_sizes(&order))];
    call(converter, node, "permute.default", &arguments, &shape)
}

pub(super) fn split<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let x = active(converter, node, 0)?;
    let axis = axis(node.int("axis", 0), x.shape.len())?;
    let (all, count) = (x.shape[axis], node.outputs.len().max(1));
    let size = |n: i64| usize::try_from(n).map_err(|_| "its sizes are negative".to_owned());
    let sizes: Vec<usize> = match ints(converter, node, 1)? {
        Some(sizes) => sizes.into_iter().map(size).collect::<Result<_>>()?,
        // The last part may be smaller.
        None => {
            let each = all.div_ceil(count);
            (0..count).map(|part| each.min(all.saturating_sub(part * each))).collect()
        }
    };
    if sizes.len() != node.outputs.len()
        || sizes.iter().fold(0, |sum: usize, &size| sum.saturating_add(size)) != all
    {
        return Err(format!("its parts {sizes:?} are not those of {all}"));
    }
    let shapes: Vec<Vec<usize>> = sizes
        .iter()
        .map(|&size| {
            let mut shape = x.shape.clone();
            shape[axis] = size;
            shape
        })
        .collect();
    let arguments = [
        ("self", Argument::of_tensor(&x.name)),
        ("split_sizes", Argument::of_sizes(&sizes)),
        ("dim", Argument::of_int(axis as i64)),
    ];
    let outputs: Vec<(&str, &[usize])> =
        node.outputs.iter().zip(&shapes).map(|(name, shape)| (name.as_str(), &shape[..])).collect();
    converter.emit(node, "split_with_sizes.default", &arguments, &outputs);
    for (name, shape) in node.outputs.iter().zip(&shapes) {
        converter.set(name, name, shape);
    }
    Ok(())
}

/// A range of an axis, of a value by its name: gives the name and the shape of what is left.
fn range<'a>(
    converter: &mut Converter<'a>,
    node: &'a Node,
    (name, shape): (&str, &[usize]),
    (axis, start, end): (usize, usize, usize),
    output: &str,
) -> Vec<usize> {
    let mut rest = shape.to_vec();
    rest[axis] = end - start;
    let arguments = [
        ("self", Argument::of_tensor(name)),
        ("dim", Argument::of_int(axis as i64)),
        ("start", Argument::of_int(start as i64)),
        ("end", Argument::of_int(end as i64)),
    ];
    converter.emit(node, "slice.Tensor", &arguments, &[(output, &rest)]);
    rest
}

pub(super) fn slice<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let x = active(converter, node, 0)?;
    let (starts, ends) = (ints(converter, node, 1)?, ints(converter, node, 2)?);
    let (starts, ends) =
        (starts.ok_or("its starts are missing")?, ends.ok_or("its ends are missing")?);
    let axes = ints(converter, node, 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    if ints(converter, node, 4)?.is_some_and(|steps| steps.iter().any(|&step| step != 1)) {
        return Err("it takes only some of a range".into());
    }
    if starts.len() != ends.len() || starts.len() != axes.len() {
        return Err("its starts, ends and axes are not as many".into());
    }
    let output = node.outputs.first().ok_or("it has no output")?;
    let (mut name, mut shape) = (x.name, x.shape);
    for (place, &along) in axes.iter().enumerate() {
        let along = axis(along, shape.len())?;
        let all = shape[along] as i64;
        let clamp = |n: i64| if n < 0 { n.saturating_add(all) } else { n }.clamp(0, all) as usize;
        let (start, end) = (clamp(starts[place]), clamp(ends[place]));
        if end <= start {
            return Err("it takes nothing".into());
        }
        let part = match place + 1 == axes.len() {
            true => output.clone(),
            false => format!("{output} part {place}"),
        };
        shape = range(converter, node, (&name, &shape), (along, start, end), &part);
        name = part;
    }
    converter.set(output, &name, &shape);
    Ok(())
}

pub(super) fn gather<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let x = active(converter, node, 0)?;
    let along = axis(node.int("axis", 0), x.shape.len())?;
    let indices = ints(converter, node, 1)?.ok_or("its indices are missing")?;
    let sizes = match converter.get(&node.inputs[1]) {
        Known::Stored(view) => view.shape,
        Known::Constant(constant) => constant.shape,
        _ => return Err("its indices are not fixed".into()),
    };
    let all = x.shape[along];
    let places: Vec<usize> = indices.iter().map(|&i| axis(i, all)).collect::<Result<_>>()?;
    match (sizes.len(), &places[..]) {
        (0, &[index]) => {
            let mut shape = x.shape.clone();
            shape.remove(along);
            let arguments = [
                ("self", Argument::of_tensor(&x.name)),
                ("dim", Argument::of_int(along as i64)),
                ("index", Argument::of_int(index as i64)),
            ];
            call(converter, node, "select.int", &arguments, &shape)
        }
        (1, &[first, ..]) if places.iter().enumerate().all(|(i, &place)| place == first + i) => {
            let output = node.outputs.first().ok_or("it has no output")?;
            let end = first + places.len();
            let shape = range(converter, node, (&x.name, &x.shape), (along, first, end), output);
            converter.set(output, output, &shape);
            Ok(())
        }
        // All of an axis in order: other sizes for the same, as a strided view of a whole tensor is written.
        _ if places.iter().copied().eq(0..all) => {
            let mut shape = x.shape.clone();
            shape.splice(along..=along, sizes);
            view(converter, node, Some(shape))
        }
        _ => Err("it picks indices that do not stand one after the other".into()),
    }
}

pub(super) fn concat<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let given: Vec<usize> = (0..node.inputs.len()).filter(|&place| has(node, place)).collect();
    let read = |place: usize| converter.get(&node.inputs[place]);
    let shape_of = |known: &Known| match known {
        Known::Active(active) => Some(active.shape.clone()),
        Known::Stored(view) => Some(view.shape.clone()),
        Known::Constant(constant) => Some(constant.shape.clone()),
        Known::Other(_) => None,
    };
    let values: Vec<Known> = given.iter().map(|&place| read(place)).collect();
    let shapes: Option<Vec<Vec<usize>>> = values.iter().map(shape_of).collect();
    let shapes = shapes.ok_or("one of its values is what phew does not follow")?;
    let mut shape = shapes.first().ok_or("it joins nothing")?.clone();
    let along = axis(node.int("axis", 0), shape.len())?;
    shape[along] = shapes.iter().map(|shape| shape.get(along).copied().unwrap_or(0)).sum();
    let mut names = Vec::with_capacity(values.len());
    for value in values {
        names.push(match value {
            Known::Active(active) => active.name,
            // Repeated over the batch by the exporter: one is the parameter.
            Known::Stored(view)
                if along > 0
                    && !view.transposed
                    && view.shape.first().is_some_and(|&batch| batch > 1)
                    && converter.repeats(&view) =>
            {
                converter.parameter(&view, &view.name, Change::First)
            }
            Known::Stored(view) => converter.auxiliary(node, &view, "tokens")?,
            _ => {
                return Err(
                    "it joins a value with fixed numbers that are no tensor of the file".into()
                );
            }
        });
    }
    let arguments =
        [("tensors", Argument::of_tensors(&names)), ("dim", Argument::of_int(along as i64))];
    call(converter, node, "cat.default", &arguments, &shape)
}
