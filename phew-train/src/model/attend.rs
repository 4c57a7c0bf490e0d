//! Attention, from products and a softmax.
//!
//! libtorch's call for the whole has no second derivatives on processors, which oracles of pruning need.

use phew_graph::op::Attention;
use tch::{Kind, Scalar, TchError, Tensor};

type Result<T> = std::result::Result<T, TchError>;

/// `softmax(scale · QᵀK) V` for each head: `[samples, units, …positions]` in and out, with the positions of the queries.
pub(super) fn attend(
    attention: &Attention,
    query: &Tensor,
    key: &Tensor,
    value: &Tensor,
) -> Result<Tensor> {
    let heads = attention.heads as i64;
    // [samples, heads, units of a head, positions]
    let split = |x: &Tensor| {
        let sizes = x.size();
        x.f_reshape([sizes[0], heads, sizes[1] / heads, sizes[2..].iter().product()])
    };
    let (queries, keys, values) = (split(query)?, split(key)?, split(value)?);
    let units = queries.size()[2];
    let scale = attention.scale.unwrap_or_else(|| 1.0 / (units as f64).sqrt());
    let products =
        queries.f_transpose(2, 3)?.f_mul_scalar(Scalar::float(scale))?.f_matmul(&keys)?;
    let products = if attention.causal { only_before(&products)? } else { products };
    let shares = products.f_softmax(-1, None::<Kind>)?;
    values.f_matmul(&shares.f_transpose(2, 3)?)?.f_reshape(query.size().as_slice())
}

/// Leaves each query the keys up to its own position.
fn only_before(products: &Tensor) -> Result<Tensor> {
    let sizes = products.size();
    let [queries, keys] = [sizes[2], sizes[3]];
    let later = Tensor::f_ones([queries, keys], (Kind::Bool, products.device()))?.f_triu(1)?;
    products.f_masked_fill(&later, Scalar::float(f64::NEG_INFINITY))
}
