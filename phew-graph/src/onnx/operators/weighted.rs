//! Convolutions and products with matrices: what has prunable weights.

use super::super::constant::common_shape;
use super::super::graph::{Converter, Result};
use super::super::known::{Known, View};
use super::super::model::Node;
use super::super::tensors::Change;
use super::calls::call;
use super::inputs::{active, has, small};
use crate::pt2::Argument;

/// The tensor of the file that an input is; `None` if it is not given.
pub(super) fn stored(converter: &Converter<'_>, node: &Node, place: usize) -> Result<Option<View>> {
    if !has(node, place) {
        return Ok(None);
    }
    let name = &node.inputs[place];
    match converter.get(name) {
        Known::Stored(view) => Ok(Some(view)),
        Known::Active(_) => Err(format!(
            "its input `{name}` depends on the network's input, expected a tensor of the file"
        )),
        Known::Constant(_) => {
            Err(format!("its input `{name}` is computed, expected a tensor of the file"))
        }
        Known::Other(operator) => Err(format!(
            "its input `{name}` is what {operator} makes of a tensor, expected the tensor itself \
             (quantised models are to be exported before they are)"
        )),
    }
}

/// Padding at both sides of each axis of positions.
pub(super) fn padding(
    node: &Node,
    sizes: &[usize],
    kernel: &[usize],
    stride: &[usize],
    dilation: &[usize],
) -> Result<Vec<[usize; 2]>> {
    let axes = kernel.len();
    let reach = |axis: usize| dilation[axis] * (kernel[axis] - 1) + 1;
    match node.text("auto_pad").unwrap_or("NOTSET") {
        "NOTSET" => {
            let pads = node.ints("pads").map_or_else(|| vec![0; 2 * axes], <[i64]>::to_vec);
            let size = |n: i64| small(n).ok_or("its padding cuts off, or is too large".to_owned());
            if pads.len() != 2 * axes {
                return Err("its padding is not two sizes an axis".into());
            }
            (0..axes).map(|axis| Ok([size(pads[axis])?, size(pads[axis + axes])?])).collect()
        }
        "VALID" => Ok(vec![[0; 2]; axes]),
        same @ ("SAME_UPPER" | "SAME_LOWER") => Ok((0..axes)
            .map(|axis| {
                let out = sizes[axis].div_ceil(stride[axis]);
                let all = (out.saturating_sub(1) * stride[axis] + reach(axis))
                    .saturating_sub(sizes[axis]);
                let (less, more) = (all / 2, all - all / 2);
                if same == "SAME_UPPER" { [less, more] } else { [more, less] }
            })
            .collect()),
        other => Err(format!("its auto_pad is `{other}`")),
    }
}

/// Refuses a convolution whose input or weight has no numbers.
fn check_sizes(input: &[usize], weight: &View) -> Result {
    match input.contains(&0) || weight.shape.contains(&0) {
        true => Err(format!(
            "it reads a value of the shape {input:?} by the weight `{}` of the shape {:?}: a size is 0",
            weight.name, weight.shape
        )),
        false => Ok(()),
    }
}

/// Sizes of an attribute, one for each axis; ones if it is not given.
pub(super) fn sizes(node: &Node, name: &str, axes: usize) -> Result<Vec<usize>> {
    let Some(ints) = node.ints(name) else { return Ok(vec![1; axes]) };
    let sizes: Option<Vec<usize>> = ints.iter().map(|&n| small(n).filter(|&n| n > 0)).collect();
    sizes
        .filter(|sizes| sizes.len() == axes)
        .ok_or_else(|| format!("its {name} are not {axes} sizes"))
}

pub(super) fn conv<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let x = active(converter, node, 0)?;
    let weight = stored(converter, node, 1)?.ok_or("it has no weight")?;
    let [out, _, kernel @ ..] = &weight.shape[..] else {
        return Err(format!("its weight `{}` has the shape {:?}", weight.name, weight.shape));
    };
    let (out, kernel) = (*out, kernel.to_vec());
    let axes = kernel.len();
    if !(axes == 1 || axes == 2) || x.shape.len() != axes + 2 {
        return Err("phew knows convolutions over one or two axes of positions".into());
    }
    check_sizes(&x.shape, &weight)?;
    let (stride, dilation) = (sizes(node, "strides", axes)?, sizes(node, "dilations", axes)?);
    let pads = padding(node, &x.shape[2..], &kernel, &stride, &dilation)?;
    let (mut name, mut positions) = (x.name.clone(), x.shape[2..].to_vec());
    let mut even: Vec<usize> = pads.iter().map(|[before, _]| *before).collect();
    if pads.iter().any(|[before, behind]| before != behind) {
        // From the last axis to the first, as PyTorch pads.
        let all: Vec<usize> = pads.iter().rev().flatten().copied().collect();
        positions.iter_mut().zip(&pads).for_each(|(size, [a, b])| *size += a + b);
        let padded = format!("{} padded", node.label());
        let shape = [&x.shape[..2], &positions].concat();
        let arguments = [("self", Argument::of_tensor(&name)), ("pad", Argument::of_sizes(&all))];
        converter.emit(node, "constant_pad_nd.default", &arguments, &[(&padded, &shape)]);
        (name, even) = (padded, vec![0; axes]);
    }
    let mut shape = vec![x.shape[0], out];
    for axis in 0..axes {
        let reach = dilation[axis] * (kernel[axis] - 1) + 1;
        let room = (positions[axis] + 2 * even[axis]).checked_sub(reach);
        shape.push(room.ok_or("its kernel is larger than what it reads")? / stride[axis] + 1);
    }
    let bias = stored(converter, node, 2)?;
    let weight_name = converter.name_weight(node, &weight, Change::None, bias.as_ref());
    let weight = converter.parameter(&weight, &weight_name, Change::None);
    let mut arguments = vec![
        ("input", Argument::of_tensor(&name)),
        ("weight", Argument::of_tensor(&weight)),
        ("stride", Argument::of_sizes(&stride)),
        ("padding", Argument::of_sizes(&even)),
        ("dilation", Argument::of_sizes(&dilation)),
        ("groups", Argument::of_int(node.int("group", 1))),
    ];
    if let Some(bias) = bias {
        let bias = converter.bias(node, &bias, &weight_name)?;
        arguments.push(("bias", Argument::of_tensor(&bias)));
    }
    let operator = if axes == 1 { "conv1d.default" } else { "conv2d.default" };
    call(converter, node, operator, &arguments, &shape)
}

/// A transposed convolution, whose weight ONNX has as PyTorch does: `[in, out / groups, …]`.
pub(super) fn conv_transpose<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let x = active(converter, node, 0)?;
    let weight = stored(converter, node, 1)?.ok_or("it has no weight")?;
    let [_, outputs, kernel @ ..] = &weight.shape[..] else {
        return Err(format!("its weight `{}` has the shape {:?}", weight.name, weight.shape));
    };
    let axes = kernel.len();
    if !(axes == 1 || axes == 2) || x.shape.len() != axes + 2 {
        return Err("phew knows convolutions over one or two axes of positions".into());
    }
    check_sizes(&x.shape, &weight)?;
    if node.ints("output_shape").is_some()
        || node.text("auto_pad").is_some_and(|pad| pad != "NOTSET")
    {
        return Err(
            "its padding is told by the size of its output: export it with its padding in numbers"
                .into(),
        );
    }
    let (stride, dilation) = (sizes(node, "strides", axes)?, sizes(node, "dilations", axes)?);
    let pads = padding(node, &x.shape[2..], kernel, &stride, &dilation)?;
    let behind = node.ints("output_padding").map_or_else(|| vec![0; axes], <[i64]>::to_vec);
    let behind: Option<Vec<usize>> = behind.into_iter().map(small).collect();
    let Some(mut behind) = behind.filter(|behind| behind.len() == axes) else {
        return Err("its output_padding is not a size for each axis".into());
    };
    let group = small(node.int("group", 1)).ok_or("its group is no size")?;
    let mut shape = vec![x.shape[0], outputs.saturating_mul(group)];
    for axis in 0..axes {
        let [before, cut] = pads[axis];
        // What is cut off less behind than before is what PyTorch calls output padding.
        let less =
            before.checked_sub(cut).ok_or("it cuts off more behind its output than before")?;
        behind[axis] += less;
        let reach = dilation[axis] * (kernel[axis] - 1) + 1;
        let whole = (x.shape[axis + 2] - 1) * stride[axis] + reach + behind[axis];
        let size = whole.checked_sub(2 * before).filter(|&size| size > 0);
        shape.push(size.ok_or("its padding cuts off all of its output")?);
    }
    let even: Vec<usize> = pads.iter().map(|[before, _]| *before).collect();
    let bias = stored(converter, node, 2)?;
    let weight_name = converter.name_weight(node, &weight, Change::None, bias.as_ref());
    let weight = converter.parameter(&weight, &weight_name, Change::None);
    let mut arguments = vec![
        ("input", Argument::of_tensor(&x.name)),
        ("weight", Argument::of_tensor(&weight)),
        ("stride", Argument::of_sizes(&stride)),
        ("padding", Argument::of_sizes(&even)),
        ("output_padding", Argument::of_sizes(&behind)),
        ("groups", Argument::of_int(node.int("group", 1))),
        ("dilation", Argument::of_sizes(&dilation)),
    ];
    if let Some(bias) = bias {
        let bias = converter.bias(node, &bias, &weight_name)?;
        arguments.push(("bias", Argument::of_tensor(&bias)));
    }
    let operator = if axes == 1 { "conv_transpose1d.default" } else { "conv_transpose2d.input" };
    call(converter, node, operator, &arguments, &shape)
}

/// A linear layer: the output is that of `last`.
fn linear<'a>(
    converter: &mut Converter<'a>,
    node: &'a Node,
    last: &'a Node,
    weight: &View,
    bias: Option<&View>,
) -> Result {
    let x = active(converter, node, 0)?;
    let [inputs, out] = weight.shape[..] else { return Err("its weight is no matrix".into()) };
    if x.shape.len() < 2 || x.shape.last() != Some(&inputs) {
        return Err(format!(
            "it multiplies a value of shape {:?} by a matrix of {inputs} rows",
            x.shape
        ));
    }
    // PyTorch has a row for each output.
    let change = if weight.transposed { Change::None } else { Change::Transposed };
    let name = converter.name_weight(node, weight, change, bias);
    let weight = converter.parameter(weight, &name, change);
    let mut arguments =
        vec![("input", Argument::of_tensor(&x.name)), ("weight", Argument::of_tensor(&weight))];
    if let Some(bias) = bias {
        let flat = View { shape: vec![out], ..bias.clone() };
        let bias = converter.bias(node, &flat, &name)?;
        arguments.push(("bias", Argument::of_tensor(&bias)));
    }
    let mut shape = x.shape;
    if let Some(units) = shape.last_mut() {
        *units = out;
    }
    call(converter, last, "linear.default", &arguments, &shape)
}

pub(super) fn gemm<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let is_one = |name| (node.float(name, 1.0) - 1.0).abs() < f64::EPSILON;
    if node.int("transA", 0) != 0 || !is_one("alpha") || !is_one("beta") {
        return Err("it has factors or a transposed value".into());
    }
    let mut weight = stored(converter, node, 1)?.ok_or("it has no weight")?;
    if node.int("transB", 0) != 0 {
        weight.shape.reverse();
        weight.transposed = !weight.transposed;
    }
    let bias = stored(converter, node, 2)?;
    let scalars = bias.as_ref().map(|bias| bias.shape.iter().product::<usize>());
    if scalars.is_some_and(|scalars| weight.shape.get(1) != Some(&scalars)) {
        return Err("its summand is not one for each output".into());
    }
    linear(converter, node, node, &weight, bias.as_ref())
}

pub(super) fn matmul<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    let second = converter.get(node.inputs.get(1).map_or("", String::as_str));
    if let Known::Active(b) = second {
        let a = active(converter, node, 0)?;
        let ([.., rows, _], [.., _, columns]) = (&a.shape[..], &b.shape[..]) else {
            return Err("it multiplies vectors".into());
        };
        let before = |shape: &[usize]| shape[..shape.len() - 2].to_vec();
        let shape = common_shape(&before(&a.shape), &before(&b.shape));
        let mut shape = shape.ok_or("the shapes of its sides do not fit")?;
        shape.extend([rows, columns]);
        let arguments =
            [("self", Argument::of_tensor(&a.name)), ("other", Argument::of_tensor(&b.name))];
        return call(converter, node, "matmul.default", &arguments, &shape);
    }
    let weight = stored(converter, node, 1)?.ok_or("it has no weight")?;
    let Some(&out) = weight.shape.get(1) else { return Err("its weight is no matrix".into()) };
    // A bias that is added to the product, and to nothing else, is the layer's.
    let output = node.outputs.first().map_or("", String::as_str);
    if let Some((index, sum)) = converter.only_reader(output).filter(|(_, n)| n.operator == "Add") {
        let other = sum.inputs.iter().find(|name| *name != output).map(|name| converter.get(name));
        if let Some(Known::Stored(bias)) = other
            && bias.shape.iter().product::<usize>() == out
            && bias.shape.last() == Some(&out)
        {
            converter.take([index]);
            return linear(converter, node, sum, &weight, Some(&bias));
        }
    }
    linear(converter, node, node, &weight, None)
}
