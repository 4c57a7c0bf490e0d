//! Transposed convolutions over sequences.

use super::conv_transpose2d::ConvTranspose2d;
use super::conv1d::row;
use super::effect::Effect;
use super::fields::{Fields, Written};
use super::operator::{Arity, LinearMap, Linearised, Operator, OwnTensor};
use super::site::Site;
use crate::arch::shape::Shape;
use crate::arch::tensor::Role;
use crate::arch::tensor_shape::TensorShape;
use crate::error::GraphError;

/// A transposed convolution over `[channels, length]`, as [`ConvTranspose2d`] over images.
///
/// Its weight is `[in, out / groups, kernel]` in state dicts and `[out, in / groups, kernel]` in memory.
///
/// In TOML `stride`, `padding`, `output_padding`, `dilation`, `groups` and `bias` may be left out.
///
/// ```toml
/// [[op]]
/// name = "up"
/// type = "conv_transpose1d"
/// out = 32
/// kernel = 4
/// stride = 2
/// padding = 1
/// output_padding = 1
/// dilation = 3
/// groups = 4
/// bias = true
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvTranspose1d {
    /// Output channels.
    pub out: usize,
    /// Length of a kernel.
    pub kernel: usize,
    /// Steps on the output between those of neighbours on the input; 1 by default.
    pub stride: usize,
    /// Positions that are cut off at each end; 0 by default.
    pub padding: usize,
    /// Positions of the output behind the others; 0 by default. Less than the stride or the dilation.
    pub output_padding: usize,
    /// Steps between neighbours of a kernel; 1 by default.
    pub dilation: usize,
    /// Groups, which divide the input and the output channels; 1 by default.
    pub groups: usize,
    /// Whether each output channel has a bias; no by default.
    pub bias: bool,
}

impl ConvTranspose1d {
    /// Stride 1, no padding, one group, no bias.
    #[must_use]
    pub fn new(out: usize, kernel: usize) -> Self {
        let (stride, padding, output_padding, dilation) = (1, 0, 0, 1);
        Self { out, kernel, stride, padding, output_padding, dilation, groups: 1, bias: false }
    }

    /// The same over images of one row.
    pub(crate) fn over_a_row(&self) -> ConvTranspose2d {
        ConvTranspose2d {
            out: self.out,
            kernel: [1, self.kernel],
            stride: [1, self.stride],
            padding: [0, self.padding],
            output_padding: [0, self.output_padding],
            dilation: [1, self.dilation],
            groups: self.groups,
            bias: self.bias,
        }
    }
}

impl Operator for ConvTranspose1d {
    fn types() -> &'static [&'static str] {
        &["conv_transpose1d"]
    }

    fn read(fields: &mut Fields) -> Result<Self, String> {
        Ok(Self {
            out: fields.need("out")?,
            kernel: fields.need("kernel")?,
            stride: fields.take("stride")?.unwrap_or(1),
            padding: fields.take("padding")?.unwrap_or(0),
            output_padding: fields.take("output_padding")?.unwrap_or(0),
            dilation: fields.take("dilation")?.unwrap_or(1),
            groups: fields.take("groups")?.unwrap_or(1),
            bias: fields.take("bias")?.unwrap_or(false),
        })
    }

    fn kind(&self) -> &'static str {
        "conv_transpose1d"
    }

    fn write(&self) -> Written {
        let fields = Written::new()
            .size("out", self.out)
            .size("kernel", self.kernel)
            .size_unless("stride", self.stride, 1)
            .size_unless("padding", self.padding, 0)
            .size_unless("output_padding", self.output_padding, 0)
            .size_unless("dilation", self.dilation, 1)
            .size_unless("groups", self.groups, 1);
        if self.bias { fields.with("bias", true) } else { fields }
    }

    fn arity(&self) -> Arity {
        Arity::One
    }

    fn shape(&self, site: &Site<'_>) -> Result<Shape, GraphError> {
        if !matches!(site.input(), Shape::Sequence { .. }) {
            return Err(site.wrong(site.input(), "[channels, length]"));
        }
        let inputs = [row(site.input())];
        let output = self.over_a_row().shape(&Site { name: site.name, inputs: &inputs })?;
        Ok(Shape::Sequence { channels: self.out, length: output.area() })
    }

    fn tensors(&self, inputs: &[Shape], output: Shape) -> Vec<OwnTensor> {
        let sizes = vec![self.out, inputs[0].units() / self.groups, self.kernel];
        let shape = TensorShape::inputs_first(sizes, self.groups);
        let bias = self.bias.then(|| OwnTensor::of_units("bias", Role::Bias, output));
        [OwnTensor::weight(shape, inputs[0].area())].into_iter().chain(bias).collect()
    }

    fn effect(&self, inputs: &[Shape]) -> Effect {
        self.over_a_row().effect(inputs)
    }

    fn linear(&self) -> Option<&dyn LinearMap> {
        Some(self)
    }
}

impl LinearMap for ConvTranspose1d {
    fn transposed(&self, at: &Linearised<'_>, input: usize, dy: &[f64]) -> Vec<f64> {
        let inputs = [row(at.inputs[0])];
        let at = Linearised { inputs: &inputs, output: row(at.output), tensors: at.tensors };
        self.over_a_row().transposed(&at, input, dy)
    }
}
