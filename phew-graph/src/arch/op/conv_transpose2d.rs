//! Transposed convolutions.

use super::effect::Effect;
use super::fields::{Fields, Pair, Written};
use super::operator::{Arity, LinearMap, Linearised, Operator, OwnTensor};
use super::site::Site;
use super::window::{Window, sides};
use crate::arch::limits::MAX_SCALARS;
use crate::arch::shape::Shape;
use crate::arch::tensor::Role;
use crate::arch::tensor_shape::TensorShape;
use crate::error::GraphError;

/// A transposed convolution over `[channels, height, width]`: each input position gives its multiple of the kernel to the output
/// map, where the multiples add up.
///
/// Its weight is `[in, out / groups, kernel height, kernel width]` in state dicts, as PyTorch has it, and
/// `[out, in / groups, …]` in memory: see [`TensorShape`]. The output has
/// `(size − 1) · stride − 2 · padding + dilation · (kernel − 1) + output_padding + 1` rows, and as many columns by its own sizes.
///
/// ```
/// use phew_graph::{ArchBuilder, Shape, op::ConvTranspose2d};
/// let map = Shape::Image { channels: 6, height: 4, width: 4 };
/// let up = ConvTranspose2d { stride: [2; 2], ..ConvTranspose2d::new(3, 2) };
/// let arch = ArchBuilder::new("up", map).op("up", up).build()?;
/// assert_eq!(arch.output_shape(), Shape::Image { channels: 3, height: 8, width: 8 });
/// let weight = arch.prunable().first().unwrap();
/// assert_eq!((&weight.shape[..], weight.shape.in_files()), (&[3, 6, 2, 2][..], vec![6, 3, 2, 2]));
/// # Ok::<(), phew_graph::GraphError>(())
/// ```
///
/// In TOML `stride`, `padding`, `output_padding`, `dilation`, `groups` and `bias` may be left out; sizes that differ are written
/// `[rows, columns]`.
///
/// ```toml
/// [[op]]
/// name = "up"
/// type = "conv_transpose2d"
/// out = 32
/// kernel = [3, 5]
/// stride = 2
/// padding = [1, 2]
/// output_padding = 1
/// dilation = 2
/// groups = 4
/// bias = true
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvTranspose2d {
    /// Output channels.
    pub out: usize,
    /// Height and width of a kernel.
    pub kernel: [usize; 2],
    /// Steps on the output map between those of neighbours on the input map; 1 by default.
    pub stride: [usize; 2],
    /// Rows and columns that are cut off on each side of the output map; 0 by default.
    pub padding: [usize; 2],
    /// Rows and columns of the output map behind the others; 0 by default. Smaller than the stride or the dilation.
    pub output_padding: [usize; 2],
    /// Steps between neighbours of a kernel on the output map; 1 by default.
    pub dilation: [usize; 2],
    /// Groups, which divide the input and the output channels; 1 by default.
    pub groups: usize,
    /// Whether each output channel has a bias; no by default.
    pub bias: bool,
}

impl ConvTranspose2d {
    /// A square kernel, stride 1, no padding, one group, no bias.
    #[must_use]
    pub fn new(out: usize, kernel: usize) -> Self {
        Self {
            out,
            kernel: [kernel; 2],
            stride: [1; 2],
            padding: [0; 2],
            output_padding: [0; 2],
            dilation: [1; 2],
            groups: 1,
            bias: false,
        }
    }

    /// What of the output map an input position gives to.
    pub(crate) fn window(&self) -> Window {
        let Self { kernel, stride, padding, dilation, .. } = *self;
        Window { kernel, stride, padding, dilation, ceil: false }
    }

    /// Rows or columns of the output map.
    fn size(&self, site: &Site<'_>, axis: usize, size: usize) -> Result<usize, GraphError> {
        let (stride, dilation) = (self.stride[axis], self.dilation[axis]);
        let behind = self.output_padding[axis];
        site.size("kernel", self.kernel[axis], 1)?;
        site.size("stride", stride, 1)?;
        site.size("padding", self.padding[axis], 0)?;
        site.size("output_padding", behind, 0)?;
        site.size("dilation", dilation, 1)?;
        if behind >= stride && behind >= dilation {
            let expected = format!("less than the stride {stride} or the dilation {dilation}");
            return Err(site.field("output_padding", behind, expected));
        }
        // Each is at most 2⁴⁰, and so are their products at most 2⁸⁰.
        let wide = |size: usize| size as u128;
        let span = wide(dilation) * wide(self.kernel[axis] - 1) + 1 + wide(behind);
        let whole = wide(size - 1) * wide(stride) + span;
        match whole.checked_sub(2 * wide(self.padding[axis])) {
            None | Some(0) => {
                let expected = format!("less than half of the {whole} rows or columns");
                Err(site.field("padding", self.padding[axis], expected))
            }
            Some(size) if size <= u128::from(MAX_SCALARS) => Ok(size as usize),
            Some(size) => {
                Err(site.field("stride", stride, format!("a smaller map than one of {size}")))
            }
        }
    }
}

impl Operator for ConvTranspose2d {
    fn types() -> &'static [&'static str] {
        &["conv_transpose2d"]
    }

    fn read(fields: &mut Fields) -> Result<Self, String> {
        let pair = |field: Option<Pair>, default| field.map_or([default; 2], Pair::both);
        Ok(Self {
            out: fields.need("out")?,
            kernel: fields.need::<Pair>("kernel")?.both(),
            stride: pair(fields.take("stride")?, 1),
            padding: pair(fields.take("padding")?, 0),
            output_padding: pair(fields.take("output_padding")?, 0),
            dilation: pair(fields.take("dilation")?, 1),
            groups: fields.take("groups")?.unwrap_or(1),
            bias: fields.take("bias")?.unwrap_or(false),
        })
    }

    fn kind(&self) -> &'static str {
        "conv_transpose2d"
    }

    fn write(&self) -> Written {
        let fields = Written::new()
            .size("out", self.out)
            .pair("kernel", self.kernel)
            .pair_unless("stride", self.stride, [1; 2])
            .pair_unless("padding", self.padding, [0; 2])
            .pair_unless("output_padding", self.output_padding, [0; 2])
            .pair_unless("dilation", self.dilation, [1; 2])
            .size_unless("groups", self.groups, 1);
        if self.bias { fields.with("bias", true) } else { fields }
    }

    fn arity(&self) -> Arity {
        Arity::One
    }

    fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        let [channels, height, width] = site.image()?;
        site.size("out", self.out, 1)?;
        site.groups(self.groups, channels, self.out)?;
        let (height, width) = (self.size(site, 0, height)?, self.size(site, 1, width)?);
        Ok(Shape::Image { channels: self.out, height, width })
    }

    fn tensors(&self, inputs: &[Shape], output: Shape) -> Vec<OwnTensor> {
        let [rows, columns] = self.kernel;
        let sizes = vec![self.out, inputs[0].units() / self.groups, rows, columns];
        let shape = TensorShape::inputs_first(sizes, self.groups);
        let bias = self.bias.then(|| OwnTensor::of_units("bias", Role::Bias, output));
        // Each input position uses every scalar, also for what is cut off.
        [OwnTensor::weight(shape, inputs[0].area())].into_iter().chain(bias).collect()
    }

    fn effect(&self, _: &[Shape]) -> Effect {
        Effect::Weighted { groups: self.groups, kernel: self.kernel[0] * self.kernel[1] }
    }

    fn linear(&self) -> Option<&dyn LinearMap> {
        Some(self)
    }
}

impl LinearMap for ConvTranspose2d {
    /// A convolution of the derivatives by the output.
    fn transposed(&self, at: &Linearised<'_>, _: usize, dy: &[f64]) -> Vec<f64> {
        let (from, to, weights) = (at.inputs[0], at.output, at.tensors[0]);
        let (inputs, outputs) = (from.units() / self.groups, self.out / self.groups);
        let (map, [_, columns]) = (sides(to), sides(from));
        let kernel = self.kernel[0] * self.kernel[1];
        let mut dx = vec![0.0; from.scalars()];
        for (i, dx) in dx.chunks_mut(from.area()).enumerate() {
            let (group, place) = (i / inputs, i % inputs);
            for (position, dx) in dx.iter_mut().enumerate() {
                self.window().visit(map, [position / columns, position % columns], |k, p| {
                    for o in group * outputs..(group + 1) * outputs {
                        let weight = weights[(o * inputs + place) * kernel + k];
                        *dx += weight * dy[o * to.area() + p];
                    }
                });
            }
        }
        dx
    }
}
