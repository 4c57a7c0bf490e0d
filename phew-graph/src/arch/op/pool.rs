//! The window that maximum and average pooling share.

use super::fields::{Fields, Pair, Written};
use super::site::Site;
use super::window::{Window, sides};
use crate::arch::shape::Shape;
use crate::error::GraphError;

/// A pooling window.
///
/// In TOML a pooling without `kernel` is global; `stride` is the kernel and `padding` 0 unless they are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Height and width, or `None` for the whole map (global pooling).
    pub kernel: Option<[usize; 2]>,
    /// Stride; the kernel by default.
    pub stride: [usize; 2],
    /// Padding on each side; 0 by default.
    pub padding: [usize; 2],
}

impl Pool {
    /// A square window that moves by its own size.
    #[must_use]
    pub fn new(kernel: usize) -> Self {
        Self { kernel: Some([kernel; 2]), stride: [kernel; 2], padding: [0; 2] }
    }

    /// One window over the whole map.
    #[must_use]
    pub fn global() -> Self {
        Self { kernel: None, stride: [1; 2], padding: [0; 2] }
    }

    /// Sets the stride of both axes.
    #[must_use]
    pub fn stride(self, stride: usize) -> Self {
        Self { stride: [stride; 2], ..self }
    }

    /// Sets the padding of all sides.
    #[must_use]
    pub fn padding(self, padding: usize) -> Self {
        Self { padding: [padding; 2], ..self }
    }

    /// The window over a map of this shape: that of a global pooling is the map.
    #[must_use]
    pub fn window(&self, input: Shape) -> Window {
        let kernel = self.kernel.unwrap_or_else(|| sides(input));
        Window { kernel, stride: self.stride, padding: self.padding }
    }

    pub(super) fn read(fields: &mut Fields) -> Result<Self, String> {
        let kernel = fields.take("kernel")?.map(Pair::both);
        if kernel.is_none() && (fields.has("stride") || fields.has("padding")) {
            return Err(fields.lacks("kernel"));
        }
        let stride = fields.take("stride")?.map_or(kernel.unwrap_or([1; 2]), Pair::both);
        Ok(Self { kernel, stride, padding: fields.take("padding")?.map_or([0; 2], Pair::both) })
    }

    pub(super) fn write(&self) -> Written {
        match self.kernel {
            Some(kernel) => Written::new()
                .pair("kernel", kernel)
                .pair_unless("stride", self.stride, kernel)
                .pair_unless("padding", self.padding, [0; 2]),
            None => Written::new(),
        }
    }

    /// Shape of the output, with as many channels as the input.
    pub(super) fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        let [channels, height, width] = site.image()?;
        match self.kernel {
            Some(kernel) => self.check_padding(site, kernel)?,
            None => self.check_global(site)?,
        }
        let [height, width] = self.window(site.input()).positions(site, [height, width])?;
        Ok(Shape::Image { channels, height, width })
    }

    /// With more padding some windows would hold nothing else.
    fn check_padding(&self, site: &Site<'_>, kernel: [usize; 2]) -> Result<(), GraphError> {
        match (0..2).find(|&axis| self.padding[axis] > kernel[axis] / 2) {
            None => Ok(()),
            Some(axis) => {
                let expected = format!("at most half of the kernel {}", kernel[axis]);
                Err(site.field("padding", self.padding[axis], expected))
            }
        }
    }

    /// TOML has no stride and no padding for a window over the whole map.
    fn check_global(&self, site: &Site<'_>) -> Result<(), GraphError> {
        for (field, found, expected) in [("stride", self.stride, 1), ("padding", self.padding, 0)] {
            if let Some(found) = found.into_iter().find(|&n| n != expected) {
                let expected = format!("{expected} for a window over the whole map");
                return Err(site.field(field, found, expected));
            }
        }
        Ok(())
    }
}
