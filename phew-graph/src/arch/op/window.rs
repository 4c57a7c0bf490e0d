//! Windows that move over a map: kernels and poolings.

use super::site::Site;
use crate::arch::shape::Shape;
use crate::error::GraphError;

/// A window that moves over a map, by rows and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Height and width.
    pub kernel: [usize; 2],
    /// Steps.
    pub stride: [usize; 2],
    /// Zeros on each side.
    pub padding: [usize; 2],
}

impl Window {
    /// Number of positions along each axis: `⌊(size + 2·padding − kernel) / stride⌋ + 1`.
    ///
    /// # Errors
    /// [`GraphError::Field`] for a kernel or stride of 0 or too large a size, [`GraphError::Shape`] if the window
    /// does not fit into the padded map.
    pub(super) fn positions(
        &self,
        site: &Site<'_>,
        map: [usize; 2],
    ) -> Result<[usize; 2], GraphError> {
        let mut positions = [0; 2];
        for (axis, positions) in positions.iter_mut().enumerate() {
            let (kernel, stride, padding) =
                (self.kernel[axis], self.stride[axis], self.padding[axis]);
            site.size("kernel", kernel, 1)?;
            site.size("stride", stride, 1)?;
            site.size("padding", padding, 0)?;
            let padded = map[axis] + 2 * padding;
            if kernel > padded {
                let wanted =
                    format!("maps of at least {kernel} with padding {padding} on each side");
                return Err(site.wrong(site.input(), wanted));
            }
            *positions = (padded - kernel) / stride + 1;
        }
        Ok(positions)
    }

    /// Calls `each` with the index in the window and the index in the input map, for the part of one output position
    /// that is not padding.
    pub(super) fn visit(
        &self,
        map: [usize; 2],
        position: [usize; 2],
        mut each: impl FnMut(usize, usize),
    ) {
        let Self { kernel, stride, padding } = *self;
        for k in 0..kernel[0] {
            for l in 0..kernel[1] {
                let (y, x) = (position[0] * stride[0] + k, position[1] * stride[1] + l);
                let inside =
                    |v: usize, axis: usize| v >= padding[axis] && v - padding[axis] < map[axis];
                if inside(y, 0) && inside(x, 1) {
                    each(k * kernel[1] + l, (y - padding[0]) * map[1] + x - padding[1]);
                }
            }
        }
    }
}

/// Height and width of a map; a feature is a map of one scalar.
pub(super) fn sides(shape: Shape) -> [usize; 2] {
    match shape {
        Shape::Image { height, width, .. } => [height, width],
        Shape::Features(_) => [1, 1],
    }
}
