//! The progress of an iteration as the caller sees it, and how the caller stops it.

use std::ops::ControlFlow;

use crate::error::MetricError;

/// Told the number of matrix-vector products after each of them, may ask to stop.
pub(super) type Watch<'a> = &'a mut dyn FnMut(usize) -> ControlFlow<()>;

/// Tells how many products have been made; [`MetricError::Stopped`] if that is enough.
pub(super) fn tell(watch: Watch<'_>, products: usize) -> Result<(), MetricError> {
    match watch(products) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(MetricError::Stopped { products }),
    }
}
