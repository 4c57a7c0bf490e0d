//! How large a network may be, so that no product of sizes ever wraps.
//!
//! Each operator checks its own fields by [`super::op::Site`]; what follows from several of them, the scalars of an
//! output, of a tensor and of all tensors, and the multiply-adds, is checked here for every operator alike.

use super::shape::Shape;
use super::tensor::TensorSpec;
use crate::error::GraphError;

/// Most scalars of one tensor, of one operator's output, and of all tensors of a network together; also the largest
/// value of a single size, such as a stride: 2⁴⁰.
pub const MAX_SCALARS: u64 = 1 << 40;

/// Most multiply-adds of one forward pass over one input: 2⁶⁰.
pub const MAX_MULTIPLY_ADDS: u64 = 1 << 60;

/// The product, if it is at most [`MAX_SCALARS`].
fn scalars(sizes: &[usize]) -> Option<u64> {
    let times = |product: u64, &size: &usize| product.checked_mul(u64::try_from(size).ok()?);
    // An empty axis hides no other: sizes are at least 1 where this is asked.
    sizes.iter().try_fold(1, times).filter(|&n| n <= MAX_SCALARS)
}

/// Refuses an output of too many scalars.
pub(super) fn check_output(operator: &str, shape: Shape) -> Result<(), GraphError> {
    match scalars(&shape.sizes()) {
        Some(_) => Ok(()),
        None => Err(GraphError::Shape {
            operator: operator.to_owned(),
            found: shape,
            wanted: format!("at most {MAX_SCALARS} scalars"),
        }),
    }
}

/// Refuses a tensor of too many scalars.
pub(super) fn check_tensor(
    operator: &str,
    field: &'static str,
    shape: &[usize],
) -> Result<(), GraphError> {
    match scalars(shape) {
        Some(_) => Ok(()),
        None => Err(GraphError::Field {
            operator: operator.to_owned(),
            field,
            found: format!("{shape:?}"),
            expected: format!("at most {MAX_SCALARS} scalars"),
        }),
    }
}

/// Refuses a network whose tensors, each within the limit, are too many scalars or too much arithmetic together.
///
/// `weights` are the prunable tensors, each with how often a forward pass uses its scalars; `attention` is the
/// multiply-adds that no weight takes part in.
pub(super) fn check_network<'a>(
    arch: &str,
    weights: impl Iterator<Item = (&'a TensorSpec, usize)>,
    auxiliary: &[TensorSpec],
    attention: u128,
) -> Result<(), GraphError> {
    let too_large = |what, found: u128, maximum: u64| match found > u128::from(maximum) {
        true => Err(GraphError::TooLarge { arch: arch.to_owned(), what, found, maximum }),
        false => Ok(()),
    };
    // Each product is of two numbers up to 2⁴⁰, so u128 has room for the sums of 2⁴⁸ of them.
    let mut total: u128 = auxiliary.iter().map(|t| t.len() as u128).sum();
    let mut multiply_adds = attention;
    for (tensor, positions) in weights {
        total += tensor.len() as u128;
        multiply_adds += tensor.len() as u128 * positions as u128;
    }
    too_large("scalars in all tensors", total, MAX_SCALARS)?;
    too_large("multiply-adds", multiply_adds, MAX_MULTIPLY_ADDS)
}
