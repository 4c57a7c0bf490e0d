//! The window that maximum and average pooling share.

use super::fields::{Fields, Pair, Written};
use super::site::Site;
use super::window::{Window, sides};
use crate::arch::shape::Shape;
use crate::error::GraphError;

/// A pooling window.
///
/// In TOML a pooling without `kernel` is global; `stride` is the kernel, `padding` 0 and `ceil` false unless they are
/// given. Over a sequence only the second of two sizes counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Height and width, or `None` for the whole map (global pooling).
    pub kernel: Option<[usize; 2]>,
    /// Stride; the kernel by default.
    pub stride: [usize; 2],
    /// Padding on each side; 0 by default.
    pub padding: [usize; 2],
    /// Whether a last window that leaves the map is taken too; no by default.
    pub ceil: bool,
}

impl Pool {
    /// A square window that moves by its own size.
    #[must_use]
    pub fn new(kernel: usize) -> Self {
        Self { kernel: Some([kernel; 2]), stride: [kernel; 2], padding: [0; 2], ceil: false }
    }

    /// One window over the whole map.
    #[must_use]
    pub fn global() -> Self {
        Self { kernel: None, stride: [1; 2], padding: [0; 2], ceil: false }
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

    /// Takes a last window that leaves the map too.
    #[must_use]
    pub fn ceil(self) -> Self {
        Self { ceil: true, ..self }
    }

    /// The window over a map of this shape: that of a global pooling is the map.
    #[must_use]
    pub fn window(&self, input: Shape) -> Window {
        let kernel = self.kernel.unwrap_or_else(|| sides(input));
        let Self { stride, padding, ceil, .. } = *self;
        let window = Window { kernel, stride, padding, dilation: [1; 2], ceil };
        match input {
            Shape::Sequence { .. } => window.along_a_row(),
            Shape::Features(_) | Shape::Image { .. } => window,
        }
    }

    pub(super) fn read(fields: &mut Fields) -> Result<Self, String> {
        let kernel = fields.take("kernel")?.map(Pair::both);
        if kernel.is_none() && (fields.has("stride") || fields.has("padding")) {
            return Err(fields.lacks("kernel"));
        }
        let stride = fields.take("stride")?.map_or(kernel.unwrap_or([1; 2]), Pair::both);
        let padding = fields.take("padding")?.map_or([0; 2], Pair::both);
        Ok(Self { kernel, stride, padding, ceil: fields.take("ceil")?.unwrap_or(false) })
    }

    pub(super) fn write(&self) -> Written {
        let written = match self.kernel {
            Some(kernel) => Written::new()
                .pair("kernel", kernel)
                .pair_unless("stride", self.stride, kernel)
                .pair_unless("padding", self.padding, [0; 2]),
            None => Written::new(),
        };
        if self.ceil { written.with("ceil", true) } else { written }
    }

    /// Shape of the output, with as many channels as the input.
    pub(super) fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        let map = site.map()?;
        match self.kernel {
            Some(kernel) => self.check_padding(site, kernel)?,
            None => self.check_global(site)?,
        }
        let [height, width] = self.window(site.input()).positions(site, map)?;
        Ok(match site.input() {
            Shape::Sequence { channels, .. } => Shape::Sequence { channels, length: width },
            other => Shape::Image { channels: other.units(), height, width },
        })
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
        if self.ceil {
            return Err(site.field("ceil", true, "false for a window over the whole map"));
        }
        for (field, found, expected) in [("stride", self.stride, 1), ("padding", self.padding, 0)] {
            if let Some(found) = found.into_iter().find(|&n| n != expected) {
                let expected = format!("{expected} for a window over the whole map");
                return Err(site.field(field, found, expected));
            }
        }
        Ok(())
    }
}
