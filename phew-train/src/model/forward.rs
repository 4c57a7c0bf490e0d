//! The forward pass: each operator in turn, on libtorch.

use phew_graph::op::{AvgPool, BatchNorm, Input, MaxPool};
use phew_graph::{Arch, Op, Pool, Shape};
use tch::{Kind, TchError, Tensor};

use super::activate::activate;
use super::attend::attend;
use super::layout::Layout;
use super::mode::Mode;
use super::operators;
use super::precision::Precision;

type Result<T> = std::result::Result<T, TchError>;

/// A pass through all operators, with what it reads.
pub(super) struct Pass<'a> {
    pub arch: &'a Arch,
    pub layout: &'a Layout,
    /// Its parameters, in the order of the layout.
    pub parts: &'a [Tensor],
    pub buffers: &'a [Tensor],
    pub mode: Mode,
    pub precision: Precision,
}

impl Pass<'_> {
    /// The outputs: each value is let go of after its last reader.
    pub(super) fn run(&self, input: &Tensor) -> Result<Tensor> {
        let none = || TchError::Kind("an architecture has an output".into());
        let output = self.values(input, false)?.pop().flatten().ok_or_else(none)?;
        // The loss is computed in the numbers of the parameters: low precision is for the layers.
        if self.precision == Precision::Full { Ok(output) } else { output.f_to_kind(Kind::Float) }
    }

    /// The value of every operator in their topological order. An activation may have overwritten what it reads.
    pub(super) fn all(&self, input: &Tensor) -> Result<Vec<Tensor>> {
        Ok(self.values(input, true)?.into_iter().flatten().collect())
    }

    fn values(&self, input: &Tensor, keep: bool) -> Result<Vec<Option<Tensor>>> {
        let nodes = self.arch.nodes();
        let mut values: Vec<Option<Tensor>> = Vec::with_capacity(nodes.len());
        let mut unread: Vec<usize> = (0..nodes.len()).map(|n| self.layout.readers(n)).collect();
        for (index, node) in nodes.iter().enumerate() {
            let mut inputs = Vec::with_capacity(node.inputs.len());
            for &from in &node.inputs {
                unread[from] -= 1;
                let value = if unread[from] == 0 && !keep {
                    values[from].take()
                } else {
                    values[from].as_ref().map(Tensor::shallow_clone)
                };
                // Nodes stand in topological order, and a value is kept until its last reader.
                let gone = || TchError::Kind("a value was let go too early".into());
                inputs.push(value.ok_or_else(gone)?);
            }
            let value = match node.op {
                Op::Input(Input { shape }) => enter(input, shape)?,
                _ => Operator { pass: self, index }.apply(&mut inputs)?,
            };
            values.push(Some(value));
        }
        Ok(values)
    }
}

/// The input in the network's shape; images with their channels last in memory, which all operators then keep to.
///
/// Convolutions of single and lower precision are faster so, on processors (by a fifth for VGG-19) as on devices; in
/// double precision, which their fast kernels do not know, it would only cost.
fn enter(input: &Tensor, shape: Shape) -> Result<Tensor> {
    let mut sizes = vec![input.size().first().copied().unwrap_or(0)];
    sizes.extend(dimensions(&shape.sizes()));
    let input = input.f_reshape(sizes.as_slice())?;
    if sizes.len() < 4 || input.kind() == Kind::Double {
        return Ok(input);
    }
    input.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_permute([0, 3, 1, 2])
}

/// One operator of a pass.
struct Operator<'a> {
    pass: &'a Pass<'a>,
    index: usize,
}

impl Operator<'_> {
    fn apply(&self, inputs: &mut [Tensor]) -> Result<Tensor> {
        let Pass { arch, layout, mode, precision, .. } = *self.pass;
        let node = &arch.nodes()[self.index];
        let own = layout.parts(self.index);
        let part = |at: Option<usize>| at.and_then(|at| self.pass.parts.get(at));
        let weight = || precision.of(part(own.weight).ok_or_else(|| lacks(&node.name))?);
        let bias = || part(own.bias).map(|bias| precision.of(bias)).transpose();
        let Some((x, others)) = inputs.split_first_mut() else {
            return Err(TchError::Kind(format!("`{}` reads nothing", node.name)));
        };
        let from = node.inputs[0];
        match &node.op {
            Op::Conv2d(conv) => precision.of(x)?.f_conv2d(
                &weight()?,
                bias()?.as_ref(),
                conv.stride.map(|n| n as i64),
                conv.padding.map(|n| n as i64),
                conv.dilation.map(|n| n as i64),
                conv.groups as i64,
            ),
            Op::Conv1d(conv) => precision.of(x)?.f_conv1d(
                &weight()?,
                bias()?.as_ref(),
                conv.stride as i64,
                conv.padding as i64,
                conv.dilation as i64,
                conv.groups as i64,
            ),
            Op::ConvTranspose2d(conv) => precision.of(x)?.f_conv_transpose2d(
                &operators::inputs_first(&weight()?, conv.groups)?,
                bias()?.as_ref(),
                conv.stride.map(|n| n as i64),
                conv.padding.map(|n| n as i64),
                conv.output_padding.map(|n| n as i64),
                conv.groups as i64,
                conv.dilation.map(|n| n as i64),
            ),
            Op::ConvTranspose1d(conv) => precision.of(x)?.f_conv_transpose1d(
                &operators::inputs_first(&weight()?, conv.groups)?,
                bias()?.as_ref(),
                conv.stride as i64,
                conv.padding as i64,
                conv.output_padding as i64,
                conv.groups as i64,
                conv.dilation as i64,
            ),
            Op::Linear(_) => operators::with_units_last(&precision.of(x)?, |x| {
                x.f_linear(&weight()?, bias()?.as_ref())
            }),
            Op::BatchNorm(BatchNorm { eps, momentum, .. }) => {
                let statistic = |at: Option<usize>| match mode {
                    Mode::TrainFrozen => None,
                    _ => at.and_then(|at| self.pass.buffers.get(at)),
                };
                let (mut mean, mut variance) = (statistic(own.mean), statistic(own.variance));
                let (scale, shift) = (part(own.weight), part(own.bias));
                if mode == Mode::Record {
                    record(x, mean.take(), variance.take())?;
                }
                // Without statistics every batch is normalised by its own.
                let train = mode != Mode::Eval || own.mean.is_none();
                x.f_batch_norm(scale, shift, mean, variance, train, *momentum, *eps, true)
            }
            Op::Activation(activation) => activate(x, *activation, self.may_overwrite(from)),
            Op::LayerNorm(norm) => operators::normalise(x, norm, part(own.weight), part(own.bias)),
            Op::Scale(_) => operators::scale(x, part(own.weight).ok_or_else(|| lacks(&node.name))?),
            Op::Shift(shift) => {
                let summands = part(own.bias).ok_or_else(|| lacks(&node.name))?;
                operators::shift(x, summands, shift.units_last)
            }
            Op::Tokens(tokens) => {
                let learnt = part(own.bias).ok_or_else(|| lacks(&node.name))?;
                operators::with_tokens(x, learnt, tokens.behind)
            }
            Op::Attention(attention) => match others {
                [key, value] => attend(attention, x, key, value),
                _ => Err(TchError::Kind(format!("`{}` reads three values", node.name))),
            },
            Op::MaxPool(_) => {
                let Window { kernel, stride, padding, ceil, .. } = Window::of(arch, self.index)?;
                operators::as_images(x, |x| x.f_max_pool2d(kernel, stride, padding, [1, 1], ceil))
            }
            Op::AvgPool(_) => averaged(arch, self.index, x),
            Op::Multiply(_) => operators::multiply(x, others),
            Op::Add(_) => others.iter().try_fold(x.shallow_clone(), |sum, other| sum.f_add(other)),
            Op::Concat(_) => Tensor::f_cat(inputs, 1),
            Op::Flatten(_) => x.f_flatten(1, -1),
            other => operators::rearrange(other, x).unwrap_or_else(|| {
                let message = format!("`{}`: {} is not known here", node.name, other.kind());
                Err(TchError::Kind(message))
            }),
        }
    }

    /// The only reader of a value may overwrite it, if its maker does not need it to differentiate.
    fn may_overwrite(&self, from: usize) -> bool {
        let maker = &self.pass.arch.nodes()[from].op;
        self.pass.layout.readers(from) == 1
            && matches!(
                maker,
                Op::Conv2d(_)
                    | Op::Conv1d(_)
                    | Op::ConvTranspose2d(_)
                    | Op::ConvTranspose1d(_)
                    | Op::Linear(_)
                    | Op::BatchNorm(_)
                    | Op::Add(_)
            )
    }
}

/// Puts the statistics that a batch is normalised by in the place of the running ones.
fn record(x: &Tensor, mean: Option<&Tensor>, variance: Option<&Tensor>) -> Result<()> {
    let _guard = tch::no_grad_guard();
    let others: Vec<i64> = (0..x.dim() as i64).filter(|&d| d != 1).collect();
    let (found_variance, found_mean) = x.f_var_mean_dim(others.as_slice(), false, false)?;
    for (running, found) in [(mean, found_mean), (variance, found_variance)] {
        if let Some(running) = running {
            running.shallow_clone().f_copy_(&found)?;
        }
    }
    Ok(())
}

fn lacks(name: &str) -> TchError {
    TchError::Kind(format!("`{name}` has no weight"))
}

fn dimensions(sizes: &[usize]) -> Vec<i64> {
    sizes.iter().map(|&size| size as i64).collect()
}

/// Which scalar of each window a maximum pooling takes, as an index into its channel.
pub(super) fn chosen(arch: &Arch, node: usize, input: &Tensor) -> Result<Tensor> {
    let Window { kernel, stride, padding, ceil, .. } = Window::of(arch, node)?;
    // Indices count rows of the channel as it is, whatever its layout in memory.
    operators::as_images(input, |input| {
        Ok(input.f_max_pool2d_with_indices(kernel, stride, padding, [1, 1], ceil)?.1)
    })
}

/// What an average pooling makes of an input.
pub(super) fn averaged(arch: &Arch, node: usize, input: &Tensor) -> Result<Tensor> {
    let Window { kernel, stride, padding, ceil, count_padding } = Window::of(arch, node)?;
    operators::as_images(input, |input| {
        input.f_avg_pool2d(kernel, stride, padding, ceil, count_padding, None::<i64>)
    })
}

/// A pooling window in libtorch's numbers.
struct Window {
    kernel: [i64; 2],
    stride: [i64; 2],
    padding: [i64; 2],
    ceil: bool,
    count_padding: bool,
}

impl Window {
    /// The window of a pooling node.
    fn of(arch: &Arch, node: usize) -> Result<Self> {
        let node = &arch.nodes()[node];
        match (&node.op, node.inputs.first()) {
            (Op::MaxPool(MaxPool(pool)), Some(&from)) => {
                Ok(Self::new(*pool, true, arch.nodes()[from].shape))
            }
            (Op::AvgPool(AvgPool { pool, count_padding }), Some(&from)) => {
                Ok(Self::new(*pool, *count_padding, arch.nodes()[from].shape))
            }
            _ => Err(TchError::Kind(format!("`{}` is no pooling", node.name))),
        }
    }

    fn new(pool: Pool, count_padding: bool, input: Shape) -> Self {
        let window = pool.window(input);
        Self {
            kernel: window.kernel.map(|n| n as i64),
            stride: window.stride.map(|n| n as i64),
            padding: window.padding.map(|n| n as i64),
            ceil: window.ceil,
            count_padding,
        }
    }
}
