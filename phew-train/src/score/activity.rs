//! What data activate: the squared inputs summed over active paths.
//!
//! A copy of the network has 1 for every kept weight, no biases and neutral normalisation, squared inputs, and the real
//! network's activations as gates. Its output `k` is `Σ_{p → k} a_p(x) x_p²`, where `a_p(x)` is 1 if every unit of path
//! `p` is active at `x`. Of a maximum pooling the real network's choice is a gate too; an average pooling averages, as
//! in the copy that the authors of PX run.

use phew_graph::{Activation, Arch, Op, Role};
use tch::{Kind, TchError, Tensor};

use crate::error::Result;
use crate::model::{Mode, Model, inputs_first};

/// For each output the sum over the inputs of a batch.
///
/// `parameters` are all of them, masked; `kept` is 1 where it is kept. The copy is computed in f64, where path counts
/// have room.
pub(super) fn activity(
    model: &Model,
    parameters: &Tensor,
    kept: &Tensor,
    input: &Tensor,
    mode: Mode,
) -> Result<Vec<f64>> {
    let _guard = tch::no_grad_guard();
    let arch = model.arch();
    let real = model.values(parameters, input, mode)?;
    let ones = weights(arch, kept)?;
    let mut values: Vec<Tensor> = Vec::with_capacity(real.len());
    for (index, node) in arch.nodes().iter().enumerate() {
        let read = node.inputs.first().map(|&from| (&values[from], &real[from]));
        let value = match (&node.op, read) {
            (Op::Input(_), _) => real[index].f_to_kind(Kind::Double)?.f_square()?,
            (op, Some((copy, before))) => {
                let one = ones.iter().find(|(nodes, _)| nodes.contains(&index)).map(|(_, one)| one);
                match op {
                    Op::Add(_) => node.inputs[1..]
                        .iter()
                        .try_fold(copy.shallow_clone(), |sum, &from| sum.f_add(&values[from]))?,
                    // What either of a gate's values brings goes on.
                    Op::Multiply(_) => {
                        node.inputs[1..].iter().try_fold(copy.shallow_clone(), |sum, &from| {
                            let mut shape = values[from].size();
                            shape.resize(sum.dim(), 1);
                            sum.f_add(&values[from].f_reshape(shape.as_slice())?)
                        })?
                    }
                    Op::Concat(_) => {
                        let copies: Vec<&Tensor> =
                            node.inputs.iter().map(|&from| &values[from]).collect();
                        Tensor::f_cat(&copies, 1)?
                    }
                    op => operate(op, copy, before, &real[index], one, model, index)?,
                }
            }
            (_, None) => return Err(TchError::Kind("an operator reads nothing".into()).into()),
        };
        values.push(value);
    }
    let Some(output) = values.pop() else { return Ok(Vec::new()) };
    let sums =
        output.f_flatten(1, -1)?.f_sum_dim_intlist([0_i64].as_slice(), false, Kind::Double)?;
    Ok(Vec::<f64>::try_from(sums.f_to_device(tch::Device::Cpu)?)?)
}

/// Ones in the place of kept weights, in f64, and the nodes that use them.
fn weights(arch: &Arch, kept: &Tensor) -> Result<Vec<(Vec<usize>, Tensor)>> {
    let mut from = 0;
    arch.prunable()
        .iter()
        .filter(|spec| spec.role == Role::Weight)
        .map(|spec| {
            let part = kept.f_narrow(0, from, spec.len() as i64)?;
            from += spec.len() as i64;
            let shape: Vec<i64> = spec.shape.iter().map(|&n| n as i64).collect();
            Ok((spec.nodes.clone(), part.f_view(shape.as_slice())?.f_to_kind(Kind::Double)?))
        })
        .collect()
}

/// One operator of the copy: `copy` is what it reads there, `before` and `after` what it reads and gives in reality.
fn operate(
    op: &Op,
    copy: &Tensor,
    before: &Tensor,
    after: &Tensor,
    ones: Option<&Tensor>,
    model: &Model,
    index: usize,
) -> Result<Tensor> {
    let lacks = || TchError::Kind(format!("`{}` has no weight", model.arch().nodes()[index].name));
    Ok(match op {
        Op::Conv2d(conv) => copy.f_conv2d(
            ones.ok_or_else(lacks)?,
            None::<Tensor>,
            conv.stride.map(|n| n as i64),
            conv.padding.map(|n| n as i64),
            conv.dilation.map(|n| n as i64),
            conv.groups as i64,
        )?,
        Op::Conv1d(conv) => copy.f_conv1d(
            ones.ok_or_else(lacks)?,
            None::<Tensor>,
            conv.stride as i64,
            conv.padding as i64,
            conv.dilation as i64,
            conv.groups as i64,
        )?,
        Op::ConvTranspose2d(conv) => copy.f_conv_transpose2d(
            &inputs_first(ones.ok_or_else(lacks)?, conv.groups)?,
            None::<Tensor>,
            conv.stride.map(|n| n as i64),
            conv.padding.map(|n| n as i64),
            conv.output_padding.map(|n| n as i64),
            conv.groups as i64,
            conv.dilation.map(|n| n as i64),
        )?,
        Op::ConvTranspose1d(conv) => copy.f_conv_transpose1d(
            &inputs_first(ones.ok_or_else(lacks)?, conv.groups)?,
            None::<Tensor>,
            conv.stride as i64,
            conv.padding as i64,
            conv.output_padding as i64,
            conv.groups as i64,
            conv.dilation as i64,
        )?,
        Op::Linear(_) => {
            let last = copy.f_movedim_int(1, -1)?;
            last.f_linear(ones.ok_or_else(lacks)?, None::<Tensor>)?.f_movedim_int(-1, 1)?
        }
        // What is 0 carries no path; activations without a flat part let every path through.
        Op::Activation(Activation::Relu) => {
            copy.f_mul(&after.f_gt(0.0)?.f_to_kind(Kind::Double)?)?
        }
        Op::Activation(Activation::Clip { min, max }) => {
            let inside = after.f_gt(*min)?.f_logical_and(&after.f_lt(*max)?)?;
            copy.f_mul(&inside.f_to_kind(Kind::Double)?)?
        }
        Op::Activation(_)
        | Op::BatchNorm(_)
        | Op::LayerNorm(_)
        | Op::Scale(_)
        | Op::Shift(_)
        | Op::Affine(_)
        | Op::Softmax(_) => copy.shallow_clone(),
        Op::MaxPool(_) => {
            let chosen = model.chosen(index, before)?;
            let flat = copy.f_flatten(2, -1)?.f_gather(2, &chosen.f_flatten(2, -1)?, false)?;
            flat.f_view(chosen.size().as_slice())?
        }
        Op::AvgPool(_) => model.averaged(index, copy)?,
        Op::Flatten(_) => copy.f_flatten(1, -1)?,
        // No path begins in learnt positions.
        Op::Tokens(tokens) => {
            let learnt = after.size()[2] - copy.f_flatten(2, -1)?.size()[2];
            let sides = if tokens.behind { [0, learnt] } else { [learnt, 0] };
            copy.f_flatten(2, -1)?.f_constant_pad_nd(sides)?
        }
        Op::Attention(_) => {
            return Err(TchError::Kind(
                "which paths data activate is not defined through attention".into(),
            )
            .into());
        }
        other => match model.rearranged(index, copy) {
            Some(moved) => moved?,
            None => {
                return Err(TchError::Kind(format!("{} has no paths", other.kind())).into());
            }
        },
    })
}
