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
    /// Steps between neighbours in the window.
    pub dilation: [usize; 2],
    /// Whether a last step that leaves the padded map is taken too, if it begins on the map or the zeros before it.
    pub ceil: bool,
}

impl Window {
    /// The same along the one row of a sequence.
    pub(super) fn along_a_row(self) -> Self {
        let row = |[_, along]: [usize; 2], across| [across, along];
        Self {
            kernel: row(self.kernel, 1),
            stride: row(self.stride, 1),
            padding: row(self.padding, 0),
            dilation: row(self.dilation, 1),
            ceil: self.ceil,
        }
    }

    /// Rows or columns that a window spans.
    fn span(&self, axis: usize) -> usize {
        (self.kernel[axis] - 1) * self.dilation[axis] + 1
    }

    /// Number of positions along each axis: `⌊(size + 2·padding − span) / stride⌋ + 1`, where a window spans
    /// `(kernel − 1)·dilation + 1`; rounded up with `ceil`.
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
            site.size("dilation", self.dilation[axis], 1)?;
            let padded = map[axis] + 2 * padding;
            // Both are at most 2⁴⁰, so their product may wrap.
            let span = (kernel - 1).saturating_mul(self.dilation[axis]).saturating_add(1);
            if span > padded {
                let wanted = format!("maps of at least {span} with padding {padding} on each side");
                return Err(site.wrong(site.input(), wanted));
            }
            let room = padded - span;
            *positions = match self.ceil {
                false => room / stride + 1,
                // PyTorch's rule: the last window begins before the zeros behind the map.
                true => {
                    let steps = room.div_ceil(stride);
                    let begins_behind = steps * stride >= map[axis] + padding;
                    steps + 1 - usize::from(begins_behind)
                }
            };
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
        let Self { kernel, stride, padding, dilation, .. } = *self;
        for k in 0..kernel[0] {
            for l in 0..kernel[1] {
                let y = position[0] * stride[0] + k * dilation[0];
                let x = position[1] * stride[1] + l * dilation[1];
                let inside =
                    |v: usize, axis: usize| v >= padding[axis] && v - padding[axis] < map[axis];
                if inside(y, 0) && inside(x, 1) {
                    each(k * kernel[1] + l, (y - padding[0]) * map[1] + x - padding[1]);
                }
            }
        }
    }
}

impl Window {
    /// Scalars of the window at a position that lie on the map or the zeros around it: all of them but where the last
    /// step leaves those too.
    pub(super) fn on_padded_map(&self, map: [usize; 2], position: [usize; 2]) -> usize {
        let inside = |axis: usize| {
            let first = position[axis] * self.stride[axis];
            let end = (first + self.span(axis)).min(map[axis] + 2 * self.padding[axis]);
            (end - first).div_ceil(self.dilation[axis])
        };
        inside(0) * inside(1)
    }
}

/// Height and width of a map: a sequence is a row, a feature a map of one scalar.
pub(super) fn sides(shape: Shape) -> [usize; 2] {
    match shape {
        Shape::Sequence { length, .. } => [1, length],
        Shape::Image { height, width, .. } => [height, width],
        Shape::Features(_) => [1, 1],
    }
}
