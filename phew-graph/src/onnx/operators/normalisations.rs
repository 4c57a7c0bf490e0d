//! Normalisations.

use super::super::graph::{Converter, Result};
use super::super::known::{Known, View};
use super::super::model::Node;
use super::calls::call;
use super::inputs::{active, axis};
use super::weighted::stored;
use crate::pt2::Argument;

fn eps(node: &Node) -> Argument {
    Argument::of_number(node.float("epsilon", 1e-5))
}

/// A tensor of the file with one number for each unit, as a parameter.
fn vector<'a>(
    converter: &mut Converter<'a>,
    node: &'a Node,
    place: usize,
    role: &str,
    units: usize,
) -> Result<Option<Argument>> {
    let Some(view) = stored(converter, node, place)? else { return Ok(None) };
    if view.shape.iter().product::<usize>() != units {
        return Err(format!(
            "its {role} has the shape {:?}, expected one for each of {units} units",
            view.shape
        ));
    }
    let view = View { shape: vec![units], ..view };
    let value = converter.of_norm(node, &view, role)?;
    Ok(Some(Argument::of_tensor(&value)))
}

pub(super) fn batch_norm<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let x = active(converter, node, 0)?;
    let units = *x.shape.get(1).ok_or("it reads a value without channels")?;
    // ONNX keeps the share of the old value, PyTorch that of the new.
    let momentum = Argument::of_number(1.0 - node.float("momentum", 0.9));
    let mut arguments =
        vec![("input", Argument::of_tensor(&x.name)), ("eps", eps(node)), ("momentum", momentum)];
    let roles = ["weight", "bias", "running_mean", "running_var"];
    for (place, role) in roles.into_iter().enumerate() {
        let vector = vector(converter, node, place + 1, role, units)?;
        arguments.push((role, vector.ok_or_else(|| format!("its {role} is missing"))?));
    }
    call(converter, node, "batch_norm.default", &arguments, &x.shape)
}

pub(super) fn layer_norm<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let x = active(converter, node, 0)?;
    let rank = x.shape.len();
    if axis(node.int("axis", -1), rank)? + 1 != rank {
        return Err(
            "it normalises over several axes at once: phew's layer norm is over units".into()
        );
    }
    let units = x.shape[rank - 1];
    let mut arguments = vec![
        ("input", Argument::of_tensor(&x.name)),
        ("normalized_shape", Argument::of_sizes(&[units])),
        ("eps", eps(node)),
    ];
    for (place, role) in [(1, "weight"), (2, "bias")] {
        arguments.extend(vector(converter, node, place, role, units)?.map(|value| (role, value)));
    }
    call(converter, node, "layer_norm.default", &arguments, &x.shape)
}

/// Over the positions of each channel; or of each group of channels, under a view and with scales that are all 1.
pub(super) fn instance_norm<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let x = active(converter, node, 0)?;
    let groups = *x.shape.get(1).ok_or("it reads a value without channels")?;
    let is_all = |place: usize, number| {
        let name = node.inputs.get(place).map_or("", String::as_str);
        let constant = converter.constant_of(&converter.get(name));
        constant.is_some_and(|constant| constant.is_all(number))
    };
    let mut arguments = vec![
        ("input", Argument::of_tensor(&x.name)),
        ("num_groups", Argument::of_int(groups as i64)),
        ("eps", eps(node)),
    ];
    if is_all(1, 1.0) && is_all(2, 0.0) {
        return call(converter, node, "group_norm.default", &arguments, &x.shape);
    }
    for (place, role) in [(1, "weight"), (2, "bias")] {
        arguments.extend(vector(converter, node, place, role, groups)?.map(|value| (role, value)));
    }
    call(converter, node, "group_norm.default", &arguments, &x.shape)
}

pub(super) fn group_norm<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let x = active(converter, node, 0)?;
    let units = *x.shape.get(1).ok_or("it reads a value without channels")?;
    let mut arguments = vec![
        ("input", Argument::of_tensor(&x.name)),
        ("num_groups", Argument::of_int(node.int("num_groups", 1))),
        ("eps", eps(node)),
    ];
    for (place, role) in [(1, "weight"), (2, "bias")] {
        arguments.extend(vector(converter, node, place, role, units)?.map(|value| (role, value)));
    }
    call(converter, node, "group_norm.default", &arguments, &x.shape)
}

/// Whether a value is a tensor of the file with so many numbers.
pub(super) fn is_vector(converter: &Converter<'_>, name: &str, units: usize) -> bool {
    matches!(converter.get(name), Known::Stored(view) if view.shape.iter().product::<usize>() == units)
}
