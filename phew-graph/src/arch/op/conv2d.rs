//! Convolutions, grouped and depthwise ones among them.

use super::effect::Effect;
use super::fields::{Fields, Pair, Written};
use super::operator::{Arity, LinearMap, Linearised, Operator, OwnTensor};
use super::site::Site;
use super::window::{Window, sides};
use crate::arch::shape::Shape;
use crate::arch::tensor::Role;
use crate::error::GraphError;

/// A convolution over `[channels, height, width]`; weight `[out, in / groups, kernel height, kernel width]`.
///
/// With as many groups as input channels it is depthwise.
///
/// ```
/// use phew_graph::Conv2d;
/// let conv = Conv2d::new(64, 3).padding(1).stride(2);
/// assert_eq!(conv.kernel, [3, 3]);
/// ```
///
/// In TOML `stride`, `padding`, `dilation`, `groups` and `bias` may be left out; sizes that differ are written `[rows, columns]`.
///
/// ```toml
/// [[op]]
/// name = "conv1"
/// type = "conv2d"
/// out = 64
/// kernel = [3, 5]
/// stride = 2
/// padding = [1, 2]
/// dilation = 2
/// groups = 4
/// bias = true
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2d {
    /// Output channels.
    pub out: usize,
    /// Height and width of a kernel.
    pub kernel: [usize; 2],
    /// Stride; 1 by default.
    pub stride: [usize; 2],
    /// Zero padding on each side; 0 by default.
    pub padding: [usize; 2],
    /// Steps between neighbours of a kernel on the map; 1 by default.
    pub dilation: [usize; 2],
    /// Groups, which divide the input and the output channels; 1 by default.
    pub groups: usize,
    /// Whether each output channel has a bias; no by default.
    pub bias: bool,
}

impl Conv2d {
    /// A square kernel, stride 1, no padding, one group, no bias.
    #[must_use]
    pub fn new(out: usize, kernel: usize) -> Self {
        let (stride, padding, dilation) = ([1; 2], [0; 2], [1; 2]);
        Self { out, kernel: [kernel; 2], stride, padding, dilation, groups: 1, bias: false }
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

    /// Sets the dilation of both axes.
    #[must_use]
    pub fn dilation(self, dilation: usize) -> Self {
        Self { dilation: [dilation; 2], ..self }
    }

    /// Sets the number of groups.
    #[must_use]
    pub fn groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    /// Gives each output channel a bias.
    #[must_use]
    pub fn bias(self) -> Self {
        Self { bias: true, ..self }
    }

    pub(crate) fn window(&self) -> Window {
        let Self { kernel, stride, padding, dilation, .. } = *self;
        Window { kernel, stride, padding, dilation, ceil: false }
    }
}

impl Operator for Conv2d {
    fn types() -> &'static [&'static str] {
        &["conv2d"]
    }

    fn read(fields: &mut Fields) -> Result<Self, String> {
        Ok(Self {
            out: fields.need("out")?,
            kernel: fields.need::<Pair>("kernel")?.both(),
            stride: fields.take("stride")?.map_or([1; 2], Pair::both),
            padding: fields.take("padding")?.map_or([0; 2], Pair::both),
            dilation: fields.take("dilation")?.map_or([1; 2], Pair::both),
            groups: fields.take("groups")?.unwrap_or(1),
            bias: fields.take("bias")?.unwrap_or(false),
        })
    }

    fn kind(&self) -> &'static str {
        "conv2d"
    }

    fn write(&self) -> Written {
        let fields = Written::new()
            .size("out", self.out)
            .pair("kernel", self.kernel)
            .pair_unless("stride", self.stride, [1; 2])
            .pair_unless("padding", self.padding, [0; 2])
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
        let [height, width] = self.window().positions(site, [height, width])?;
        Ok(Shape::Image { channels: self.out, height, width })
    }

    fn tensors(&self, inputs: &[Shape], output: Shape) -> Vec<OwnTensor> {
        let [rows, columns] = self.kernel;
        let shape = vec![self.out, inputs[0].units() / self.groups, rows, columns];
        let bias = self.bias.then(|| OwnTensor::of_units("bias", Role::Bias, output));
        [OwnTensor::weight(shape, output.area())].into_iter().chain(bias).collect()
    }

    fn effect(&self, _: &[Shape]) -> Effect {
        Effect::Weighted { groups: self.groups, kernel: self.kernel[0] * self.kernel[1] }
    }

    fn linear(&self) -> Option<&dyn LinearMap> {
        Some(self)
    }
}

impl LinearMap for Conv2d {
    fn transposed(&self, at: &Linearised<'_>, _: usize, dy: &[f64]) -> Vec<f64> {
        let (from, to, weights) = (at.inputs[0], at.output, at.tensors[0]);
        let (inputs, outputs) = (from.units() / self.groups, self.out / self.groups);
        let (map, [_, columns]) = (sides(from), sides(to));
        let kernel = self.kernel[0] * self.kernel[1];
        let mut dx = vec![0.0; from.scalars()];
        for (o, dy) in dy.chunks(to.area()).enumerate() {
            let first = o / outputs * inputs;
            for (position, dy) in dy.iter().enumerate().filter(|(_, d)| **d != 0.0) {
                self.window().visit(map, [position / columns, position % columns], |k, p| {
                    for i in 0..inputs {
                        let weight = weights[(o * inputs + i) * kernel + k];
                        dx[(first + i) * from.area() + p] += weight * dy;
                    }
                });
            }
        }
        dx
    }
}
