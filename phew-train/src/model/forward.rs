//! The forward pass: each operator in turn, on libtorch.

use phew_graph::{Activation, Arch, Op, Pool, Shape};
use tch::{TchError, Tensor};

use super::Mode;
use super::layout::Layout;

type Result<T> = std::result::Result<T, TchError>;

/// Runs the operators in their topological order and lets go of each value after its last reader.
pub(super) fn run(
    arch: &Arch,
    layout: &Layout,
    learnt: &Tensor,
    running: &[Tensor],
    input: &Tensor,
    mode: Mode,
) -> Result<Tensor> {
    // One split, so that the gradient of all parts is one concatenation.
    let sizes: Vec<i64> = layout.learnt().iter().map(|spec| spec.len() as i64).collect();
    let parts = learnt
        .f_split_with_sizes(sizes, 0)?
        .into_iter()
        .zip(layout.learnt())
        .map(|(part, spec)| part.f_view(dimensions(&spec.shape).as_slice()))
        .collect::<Result<Vec<_>>>()?;
    let batch = input.size().first().copied().unwrap_or(0);
    let mut values: Vec<Option<Tensor>> = Vec::with_capacity(arch.nodes().len());
    let mut unread: Vec<usize> = (0..arch.nodes().len()).map(|node| layout.readers(node)).collect();
    for (index, node) in arch.nodes().iter().enumerate() {
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for &from in &node.inputs {
            unread[from] -= 1;
            let value = if unread[from] == 0 {
                values[from].take()
            } else {
                values[from].as_ref().map(Tensor::shallow_clone)
            };
            // Nodes stand in topological order, and a value is kept until its last reader.
            inputs
                .push(value.ok_or_else(|| TchError::Kind("a value was let go too early".into()))?);
        }
        let value = match node.op {
            Op::Input { shape } => {
                let mut sizes = vec![batch];
                sizes.extend(dimensions(&shape.sizes()));
                input.f_reshape(sizes.as_slice())?
            }
            _ => {
                Operator { arch, layout, index, parts: &parts, running, mode }.apply(&mut inputs)?
            }
        };
        values.push(Some(value));
    }
    values.pop().flatten().ok_or_else(|| TchError::Kind("an architecture has an output".into()))
}

/// One operator with what it may read.
struct Operator<'a> {
    arch: &'a Arch,
    layout: &'a Layout,
    index: usize,
    parts: &'a [Tensor],
    running: &'a [Tensor],
    mode: Mode,
}

impl Operator<'_> {
    fn apply(&self, inputs: &mut [Tensor]) -> Result<Tensor> {
        let node = &self.arch.nodes()[self.index];
        let own = self.layout.parts(self.index);
        let part = |at: Option<usize>| at.and_then(|at| self.parts.get(at));
        let weight = || part(own.weight).ok_or_else(|| lacks(&node.name));
        let Some((x, others)) = inputs.split_first_mut() else {
            return Err(TchError::Kind(format!("`{}` reads nothing", node.name)));
        };
        let from = node.inputs[0];
        match &node.op {
            Op::Conv2d(conv) => x.f_conv2d(
                weight()?,
                part(own.bias),
                conv.stride.map(|n| n as i64),
                conv.padding.map(|n| n as i64),
                [1, 1],
                conv.groups as i64,
            ),
            Op::Linear { .. } => x.f_linear(weight()?, part(own.bias)),
            Op::BatchNorm { eps, momentum } => {
                let statistic = |at: Option<usize>| match self.mode {
                    Mode::TrainFrozen => None,
                    _ => at.and_then(|at| self.running.get(at)),
                };
                let (mean, variance) = (statistic(own.mean), statistic(own.variance));
                let (scale, shift) = (part(own.weight), part(own.bias));
                let train = self.mode != Mode::Eval;
                x.f_batch_norm(scale, shift, mean, variance, train, *momentum, *eps, true)
            }
            Op::Activation(activation) => activate(x, *activation, self.may_overwrite(from)),
            Op::MaxPool(pool) => {
                let Window { kernel, stride, padding } = self.window(*pool, from);
                x.f_max_pool2d(kernel, stride, padding, [1, 1], false)
            }
            Op::AvgPool(pool) => {
                let Window { kernel, stride, padding } = self.window(*pool, from);
                x.f_avg_pool2d(kernel, stride, padding, false, true, None::<i64>)
            }
            Op::Add => others.iter().try_fold(x.shallow_clone(), |sum, other| sum.f_add(other)),
            Op::Flatten => x.f_flatten(1, -1),
            other => {
                let message = format!("`{}`: {} is not known here", node.name, other.kind());
                Err(TchError::Kind(message))
            }
        }
    }

    /// The only reader of a value may overwrite it, if its maker does not need it to differentiate.
    fn may_overwrite(&self, from: usize) -> bool {
        let maker = &self.arch.nodes()[from].op;
        self.layout.readers(from) == 1
            && matches!(maker, Op::Conv2d(_) | Op::Linear { .. } | Op::BatchNorm { .. } | Op::Add)
    }

    fn window(&self, pool: Pool, from: usize) -> Window {
        Window::new(pool, self.arch.nodes()[from].shape)
    }
}

fn lacks(name: &str) -> TchError {
    TchError::Kind(format!("`{name}` has no weight"))
}

fn dimensions(sizes: &[usize]) -> Vec<i64> {
    sizes.iter().map(|&size| size as i64).collect()
}

fn activate(x: &mut Tensor, activation: Activation, overwrite: bool) -> Result<Tensor> {
    match activation {
        Activation::Relu if overwrite => x.f_relu_(),
        Activation::Relu => x.f_relu(),
        Activation::LeakyRelu { slope } => {
            x.f_prelu(&Tensor::f_full([1], slope, (x.kind(), x.device()))?)
        }
        Activation::Tanh if overwrite => x.f_tanh_(),
        Activation::Tanh => x.f_tanh(),
        Activation::Identity => Ok(x.shallow_clone()),
    }
}

/// A pooling window in libtorch's numbers.
struct Window {
    kernel: [i64; 2],
    stride: [i64; 2],
    padding: [i64; 2],
}

impl Window {
    fn new(pool: Pool, input: Shape) -> Self {
        let whole = match input {
            Shape::Image { height, width, .. } => [height, width],
            Shape::Features(_) => [1, 1],
        };
        let kernel = pool.kernel.unwrap_or(whole);
        Self {
            kernel: kernel.map(|n| n as i64),
            stride: pool.stride.map(|n| n as i64),
            padding: pool.padding.map(|n| n as i64),
        }
    }
}
