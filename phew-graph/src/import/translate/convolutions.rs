//! Convolutions and linear layers: what has prunable weights.

use super::super::axes::{Kind, Part};
use super::super::builder::Builder;
use super::super::call::{Call, Refusal, fixed};
use super::super::value::{Activation, Tensor, Value};
use crate::arch::Op;
use crate::arch::op::{Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d, Linear, Pad};

type Result<T = Vec<Value>> = std::result::Result<T, Refusal>;

/// Weight and bias, as tensors of their operator.
struct Weights {
    weight: Tensor,
    bias: Option<Tensor>,
}

impl Weights {
    fn of<'a>(builder: &Builder<'a>, call: &Call<'a>, axes: usize) -> Result<Self> {
        let weight = builder.tensor_of(call, "weight")?.ok_or("it has no weight")?;
        if weight.shape.len() != axes || weight.shape != weight.stored {
            return Err(Refusal(format!(
                "its weight `{}` of shape {:?} is read under another one, {:?}",
                weight.name, weight.stored, weight.shape
            )));
        }
        Ok(Self { weight, bias: builder.tensor_of(call, "bias")? })
    }

    fn named(&self) -> Vec<(&str, &Tensor)> {
        let bias = self.bias.iter().map(|bias| ("bias", bias));
        std::iter::once(("weight", &self.weight)).chain(bias).collect()
    }
}

/// Padding on both sides of each axis: by numbers, or by name.
fn padding(call: &Call<'_>, kernel: &[usize], dilation: &[usize]) -> Result<Vec<[usize; 2]>> {
    let Some(argument) = call.argument("padding") else { return Ok(vec![[0; 2]; kernel.len()]) };
    match argument.text() {
        Some("valid") => Ok(vec![[0; 2]; kernel.len()]),
        Some("same") => Ok(kernel
            .iter()
            .zip(dilation)
            .map(|(kernel, dilation)| {
                let all = dilation * (kernel - 1);
                // PyTorch's rule: what is odd goes behind.
                [all / 2, all - all / 2]
            })
            .collect()),
        Some(other) => Err(Refusal(format!("its padding is `{other}`, expected numbers"))),
        None => match fixed(argument) {
            Some(sizes) if sizes.len() == 1 => Ok(vec![[sizes[0]; 2]; kernel.len()]),
            Some(sizes) if sizes.len() == kernel.len() => {
                Ok(sizes.into_iter().map(|size| [size; 2]).collect())
            }
            _ => Err("its padding is not fixed".into()),
        },
    }
}

/// Puts zeros before an operator whose sides differ; what it may then do itself.
fn even<'a>(
    builder: &mut Builder<'a>,
    call: &Call<'a>,
    node: usize,
    sides: Vec<[usize; 2]>,
) -> (usize, Vec<usize>) {
    if sides.iter().all(|[before, behind]| before == behind) {
        return (node, sides.into_iter().map(|[size, _]| size).collect());
    }
    let (units, positions) = builder.size(node);
    let padded: Vec<usize> = positions
        .iter()
        .zip(&sides)
        .map(|(size, [before, behind])| size + before + behind)
        .collect();
    let op = match sides[..] {
        [width] => Pad { height: [0; 2], width },
        _ => Pad { height: sides[0], width: sides[1] },
    };
    let none = vec![0; sides.len()];
    (builder.push_beside(call, "pad", op, &[node], (units, &padded)), none)
}

/// A convolution of a node, with so many channels.
fn placed<'a>(
    builder: &mut Builder<'a>,
    call: &Call<'a>,
    node: usize,
    (out, conv): (usize, Op),
    weights: &Weights,
) -> Result {
    let shape = call.shape()?;
    let size = (out, shape.get(2..).unwrap_or_default());
    let node = builder.push_with(call, conv, &[node], size, &weights.named());
    Ok(vec![builder.plain_value(node)])
}

pub(super) fn conv2d<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let weights = Weights::of(builder, call, 4)?;
    let input = builder.activation(call, "input")?;
    let node = builder.plain(call, input, 2)?;
    let kernel = [weights.weight.shape[2], weights.weight.shape[3]];
    let (stride, dilation) = (call.pair("stride", 1)?, call.pair("dilation", 1)?);
    let sides = padding(call, &kernel, &dilation)?;
    let (node, padding) = even(builder, call, node, sides);
    let conv = Conv2d {
        out: weights.weight.shape[0],
        kernel,
        stride,
        padding: [padding[0], padding[1]],
        dilation,
        groups: call.size("groups", 1)?,
        bias: weights.bias.is_some(),
    };
    placed(builder, call, node, (conv.out, conv.into()), &weights)
}

pub(super) fn conv1d<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let weights = Weights::of(builder, call, 3)?;
    let input = builder.activation(call, "input")?;
    let node = builder.plain(call, input, 1)?;
    let kernel = weights.weight.shape[2];
    let (stride, dilation) = (call.sizes("stride", 1, 1)?[0], call.sizes("dilation", 1, 1)?[0]);
    let sides = padding(call, &[kernel], &[dilation])?;
    let (node, padding) = even(builder, call, node, sides);
    let conv = Conv1d {
        out: weights.weight.shape[0],
        kernel,
        stride,
        padding: padding[0],
        dilation,
        groups: call.size("groups", 1)?,
        bias: weights.bias.is_some(),
    };
    placed(builder, call, node, (conv.out, conv.into()), &weights)
}

pub(super) fn conv_transpose2d<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let weights = Weights::of(builder, call, 4)?;
    let input = builder.activation(call, "input")?;
    let node = builder.plain(call, input, 2)?;
    let groups = call.size("groups", 1)?;
    let conv = ConvTranspose2d {
        // PyTorch has the inputs first.
        out: weights.weight.shape[1].saturating_mul(groups),
        kernel: [weights.weight.shape[2], weights.weight.shape[3]],
        stride: call.pair("stride", 1)?,
        padding: call.pair("padding", 0)?,
        output_padding: call.pair("output_padding", 0)?,
        dilation: call.pair("dilation", 1)?,
        groups,
        bias: weights.bias.is_some(),
    };
    placed(builder, call, node, (conv.out, conv.into()), &weights)
}

pub(super) fn conv_transpose1d<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let weights = Weights::of(builder, call, 3)?;
    let input = builder.activation(call, "input")?;
    let node = builder.plain(call, input, 1)?;
    let groups = call.size("groups", 1)?;
    let one = |name, default| Ok::<usize, Refusal>(call.sizes(name, 1, default)?[0]);
    let conv = ConvTranspose1d {
        out: weights.weight.shape[1].saturating_mul(groups),
        kernel: weights.weight.shape[2],
        stride: one("stride", 1)?,
        padding: one("padding", 0)?,
        output_padding: one("output_padding", 0)?,
        dilation: one("dilation", 1)?,
        groups,
        bias: weights.bias.is_some(),
    };
    placed(builder, call, node, (conv.out, conv.into()), &weights)
}

/// A convolution of any kind, as programs have it that were taken apart (`run_decompositions`).
pub(super) fn convolution<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let weight = builder.tensor_of(call, "weight")?.ok_or("it has no weight")?;
    match (weight.shape.len(), call.bool("transposed", false)?) {
        (3, false) => conv1d(builder, call),
        (4, false) => conv2d(builder, call),
        (3, true) => conv_transpose1d(builder, call),
        (4, true) => conv_transpose2d(builder, call),
        _ => Err("phew knows convolutions over one or two axes of positions".into()),
    }
}

pub(super) fn linear<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let weights = Weights::of(builder, call, 2)?;
    let input = builder.activation(call, "input")?;
    let last = input.axes.rank() - 1;
    let input = builder.settle_units(call, input, last)?;
    let input = builder.flat(call, input)?;
    let out = weights.weight.shape[0];
    let positions = builder.size(input.node).1.to_vec();
    let at_positions = !positions.is_empty();
    let op = Linear { out, bias: weights.bias.is_some(), at_positions };
    let node = builder.push_with(call, op, &[input.node], (out, &positions), &weights.named());
    let axes = input.axes.with(last, Part::whole(Kind::Unit, out));
    Ok(vec![Value::Activation(Activation { node, axes, view: None })])
}
