//! Convolutions over sequences.

use super::conv2d::Conv2d;
use super::effect::Effect;
use super::fields::{Fields, Written};
use super::operator::{Arity, LinearMap, Linearised, Operator, OwnTensor};
use super::site::Site;
use crate::arch::shape::Shape;
use crate::arch::tensor::Role;
use crate::error::GraphError;

/// A convolution over `[channels, length]`; weight `[out, in / groups, kernel]`.
///
/// In TOML `stride`, `padding`, `dilation`, `groups` and `bias` may be left out.
///
/// ```toml
/// [[op]]
/// name = "conv1"
/// type = "conv1d"
/// out = 64
/// kernel = 5
/// stride = 2
/// padding = 2
/// dilation = 3
/// groups = 4
/// bias = true
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv1d {
    /// Output channels.
    pub out: usize,
    /// Length of a kernel.
    pub kernel: usize,
    /// Stride; 1 by default.
    pub stride: usize,
    /// Zero padding on each side; 0 by default.
    pub padding: usize,
    /// Steps between neighbours of a kernel; 1 by default.
    pub dilation: usize,
    /// Groups, which divide the input and the output channels; 1 by default.
    pub groups: usize,
    /// Whether each output channel has a bias; no by default.
    pub bias: bool,
}

impl Conv1d {
    /// Stride 1, no padding, one group, no bias.
    #[must_use]
    pub fn new(out: usize, kernel: usize) -> Self {
        Self { out, kernel, stride: 1, padding: 0, dilation: 1, groups: 1, bias: false }
    }

    /// The same over images of one row.
    pub(crate) fn over_a_row(&self) -> Conv2d {
        Conv2d {
            out: self.out,
            kernel: [1, self.kernel],
            stride: [1, self.stride],
            padding: [0, self.padding],
            dilation: [1, self.dilation],
            groups: self.groups,
            bias: self.bias,
        }
    }
}

/// A sequence as an image of one row.
pub(super) fn row(shape: Shape) -> Shape {
    match shape {
        Shape::Sequence { channels, length } => Shape::Image { channels, height: 1, width: length },
        other => other,
    }
}

impl Operator for Conv1d {
    fn types() -> &'static [&'static str] {
        &["conv1d"]
    }

    fn read(fields: &mut Fields) -> Result<Self, String> {
        Ok(Self {
            out: fields.need("out")?,
            kernel: fields.need("kernel")?,
            stride: fields.take("stride")?.unwrap_or(1),
            padding: fields.take("padding")?.unwrap_or(0),
            dilation: fields.take("dilation")?.unwrap_or(1),
            groups: fields.take("groups")?.unwrap_or(1),
            bias: fields.take("bias")?.unwrap_or(false),
        })
    }

    fn kind(&self) -> &'static str {
        "conv1d"
    }

    fn write(&self) -> Written {
        let fields = Written::new()
            .size("out", self.out)
            .size("kernel", self.kernel)
            .size_unless("stride", self.stride, 1)
            .size_unless("padding", self.padding, 0)
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
        let mut tensors = self.over_a_row().tensors(inputs, output);
        // The one row is no axis of the weight.
        for tensor in tensors.iter_mut().filter(|t| t.role == Role::Weight) {
            let [out, inputs, _, along] = tensor.shape[..] else { continue };
            tensor.shape = vec![out, inputs, along].into();
        }
        tensors
    }

    fn effect(&self, inputs: &[Shape]) -> Effect {
        self.over_a_row().effect(inputs)
    }

    fn linear(&self) -> Option<&dyn LinearMap> {
        Some(self)
    }
}

impl LinearMap for Conv1d {
    fn transposed(&self, at: &Linearised<'_>, input: usize, dy: &[f64]) -> Vec<f64> {
        let inputs = [row(at.inputs[0])];
        let at = Linearised { inputs: &inputs, output: row(at.output), tensors: at.tensors };
        self.over_a_row().transposed(&at, input, dy)
    }
}
