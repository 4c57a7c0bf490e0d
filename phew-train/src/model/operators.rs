//! Operators that libtorch has no single call for: those over units at each position, gates, and what only moves values.
//!
//! A value is `[samples, units, …positions]`, whatever order PyTorch's program had.

use phew_graph::Op;
use phew_graph::op::LayerNorm;
use tch::{Kind, Scalar, TchError, Tensor};

type Result<T> = std::result::Result<T, TchError>;

/// Applies what works on the last axis to the units.
pub(super) fn with_units_last(
    x: &Tensor,
    apply: impl FnOnce(&Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    if x.dim() == 2 {
        return apply(x);
    }
    apply(&x.f_movedim_int(1, -1)?)?.f_movedim_int(-1, 1)
}

/// Applies what works on images to a sequence too, as to an image of one row.
pub(super) fn as_images(
    x: &Tensor,
    apply: impl FnOnce(&Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    if x.dim() == 4 {
        return apply(x);
    }
    apply(&x.f_unsqueeze(2)?)?.f_squeeze_dim(2)
}

/// The weight of a transposed convolution as libtorch reads it, `[in, out / groups, …]`, of one as phew has it,
/// `[out, in / groups, …]`.
pub(crate) fn inputs_first(weight: &Tensor, groups: usize) -> Result<Tensor> {
    let sizes = weight.size();
    let (groups, kernel) = (groups as i64, &sizes[2..]);
    let split = [&[groups, sizes[0] / groups, sizes[1]], kernel].concat();
    let whole = [&[groups * sizes[1], sizes[0] / groups], kernel].concat();
    weight.f_view(split.as_slice())?.f_transpose(1, 2)?.f_reshape(whole.as_slice())
}

/// Layer or group normalisation.
pub(super) fn normalise(
    x: &Tensor,
    norm: &LayerNorm,
    scale: Option<&Tensor>,
    shift: Option<&Tensor>,
) -> Result<Tensor> {
    match norm.groups {
        // With channels last in memory libtorch computes variances as differences of sums, at a loss of digits.
        Some(groups) => x.f_contiguous()?.f_group_norm(groups as i64, scale, shift, norm.eps, true),
        None => with_units_last(x, |x| {
            let units = x.size().last().copied().unwrap_or(0);
            x.f_layer_norm([units], scale, shift, norm.eps, true)
        }),
    }
}

/// A factor for each unit, or one for all.
pub(super) fn scale(x: &Tensor, factors: &Tensor) -> Result<Tensor> {
    x.f_mul(&factors.f_reshape(by_unit(x, factors.numel() as i64).as_slice())?)
}

/// A summand for each unit, or for each unit at each position.
pub(super) fn shift(x: &Tensor, summands: &Tensor, units_last: bool) -> Result<Tensor> {
    let sizes = x.size();
    let (units, count) = (sizes[1], summands.numel() as i64);
    if count == units {
        return x.f_add(&summands.f_reshape(by_unit(x, units).as_slice())?);
    }
    let summands = match units_last {
        true => summands.f_reshape([-1, units])?.f_transpose(0, 1)?,
        false => summands.shallow_clone(),
    };
    let mut shape = vec![1];
    shape.extend(&sizes[1..]);
    x.f_add(&summands.f_reshape(shape.as_slice())?)
}

/// Learnt positions before or behind the others, which become a sequence.
pub(super) fn with_tokens(x: &Tensor, learnt: &Tensor, behind: bool) -> Result<Tensor> {
    let sizes = x.size();
    let learnt = learnt.f_reshape([1, -1, sizes[1]])?.f_transpose(1, 2)?;
    let learnt = learnt.f_expand([sizes[0], -1, -1], false)?.f_to_kind(x.kind())?;
    let others = x.f_flatten(2, -1)?;
    let parts = if behind { [&others, &learnt] } else { [&learnt, &others] };
    Tensor::f_cat(&parts, 2)
}

/// The shape that repeats so many numbers over samples and positions.
fn by_unit(x: &Tensor, count: i64) -> Vec<i64> {
    let mut shape = vec![1; x.dim()];
    shape[1] = count;
    shape
}

/// Product of values, of which all but the first may have one position, or one unit, for all.
pub(super) fn multiply(x: &Tensor, others: &[Tensor]) -> Result<Tensor> {
    others.iter().try_fold(x.shallow_clone(), |product, gate| {
        let mut shape = gate.size();
        // A vector gates maps.
        shape.resize(x.dim().max(shape.len()), 1);
        product.f_mul(&gate.f_reshape(shape.as_slice())?)
    })
}

/// Operators that move values, or compute the same with each; `None` for others.
pub(super) fn rearrange(op: &Op, x: &Tensor) -> Option<Result<Tensor>> {
    Some(match op {
        Op::Affine(affine) => x
            .f_mul_scalar(Scalar::float(affine.factor))
            .and_then(|x| x.f_add_scalar(Scalar::float(affine.summand))),
        Op::Softmax(softmax) if softmax.log => x.f_log_softmax(1, None::<Kind>),
        Op::Softmax(_) => x.f_softmax(1, None::<Kind>),
        Op::AdaptiveAvgPool(pool) => {
            let out = pool.out.map(|n| n as i64);
            as_images(x, |image| {
                let out = if x.dim() == 4 { out } else { [1, out[1]] };
                image.f_adaptive_avg_pool2d(out)
            })
        }
        Op::Pad(pad) => {
            let sizes = [pad.width, pad.height].concat();
            let sizes: Vec<i64> = sizes.into_iter().map(|n| n as i64).collect();
            as_images(x, |x| x.f_constant_pad_nd(sizes.as_slice()))
        }
        Op::ChannelMean(_) => x.f_mean_dim([1_i64].as_slice(), true, None::<Kind>),
        Op::Crop(crop) => {
            x.f_flatten(2, -1).and_then(|x| x.f_narrow(2, crop.first as i64, crop.positions as i64))
        }
        Op::PositionsAsUnits(exchange) => x.f_flatten(2, -1).and_then(|x| {
            let x = x.f_transpose(1, 2)?;
            match exchange.image {
                None => Ok(x),
                Some([rows, columns]) => x.f_unflatten(2, [rows as i64, columns as i64]),
            }
        }),
        Op::Slice(slice) => x.f_narrow(1, slice.first as i64, slice.units as i64),
        Op::Shuffle(shuffle) => {
            let sizes = x.size();
            let mut split = sizes.clone();
            split.splice(1..2, [shuffle.rows as i64, sizes[1] / shuffle.rows as i64]);
            x.f_reshape(split.as_slice())
                .and_then(|x| x.f_transpose(1, 2))
                .and_then(|x| x.f_reshape(sizes.as_slice()))
        }
        _ => return None,
    })
}
