//! Architectures: a DAG of named operators, checked once when it is built.
//!
//! [`Arch`] is immutable. Its nodes stand in topological order, every shape is known, and the tensors that
//! a state dict of the network holds are listed with their role.

mod build;
mod check;
mod file;
mod shape;

pub use build::ArchBuilder;
pub use shape::Shape;

use std::fmt;

/// The activation functions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// `x` where positive, else `slope · x`.
    LeakyRelu {
        /// Slope of the negative side; PyTorch's default is 0.01.
        slope: f64,
    },
    /// Hyperbolic tangent.
    Tanh,
    /// Nothing: for linear networks.
    Identity,
}

/// A convolution over `[channels, height, width]`.
///
/// ```
/// use phew_graph::Conv2d;
/// let conv = Conv2d::new(64, 3).padding(1).stride(2);
/// assert_eq!(conv.kernel, [3, 3]);
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
    /// Groups, which divide the input and the output channels; 1 by default.
    pub groups: usize,
    /// Whether each output channel has a bias; no by default.
    pub bias: bool,
}

impl Conv2d {
    /// A square kernel, stride 1, no padding, one group, no bias.
    #[must_use]
    pub fn new(out: usize, kernel: usize) -> Self {
        Self { out, kernel: [kernel; 2], stride: [1; 2], padding: [0; 2], groups: 1, bias: false }
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
}

/// A pooling window.
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
}

/// What a node does.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Op {
    /// The network's input.
    Input {
        /// Its shape, without the batch.
        shape: Shape,
    },
    /// Convolution; weight `[out, in / groups, kernel height, kernel width]`.
    Conv2d(Conv2d),
    /// Fully connected; weight `[out, in]`.
    Linear {
        /// Output features.
        out: usize,
        /// Whether there is a bias.
        bias: bool,
    },
    /// Batch normalisation over channels or features.
    BatchNorm {
        /// Added to the variance; 1e-5 by default.
        eps: f64,
        /// Weight of a batch in the running statistics; 0.1 by default.
        momentum: f64,
    },
    /// An activation function.
    Activation(Activation),
    /// Maximum over windows.
    MaxPool(Pool),
    /// Mean over windows (padding counted, as PyTorch does).
    AvgPool(Pool),
    /// Sum of two or more inputs of one shape: a skip connection's end.
    Add,
    /// `[c, h, w]` to `[c·h·w]`, row-major.
    Flatten,
}

impl Op {
    /// The operator's name in TOML and in messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Op::Input { .. } => "input",
            Op::Conv2d(_) => "conv2d",
            Op::Linear { .. } => "linear",
            Op::BatchNorm { .. } => "batch_norm",
            Op::Activation(Activation::Relu) => "relu",
            Op::Activation(Activation::LeakyRelu { .. }) => "leaky_relu",
            Op::Activation(Activation::Tanh) => "tanh",
            Op::Activation(Activation::Identity) => "identity",
            Op::MaxPool(_) => "max_pool",
            Op::AvgPool(_) => "avg_pool",
            Op::Add => "add",
            Op::Flatten => "flatten",
        }
    }
}

/// An operator before the check: its inputs are names.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeSpec {
    /// Unique name; also the prefix of its tensors in a state dict.
    pub name: String,
    /// What it does.
    pub op: Op,
    /// The operators that it reads.
    pub inputs: Vec<String>,
}

/// An operator of a checked architecture: its inputs are indices of earlier nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Unique name.
    pub name: String,
    /// What it does.
    pub op: Op,
    /// Indices of the nodes that it reads, all smaller than its own.
    pub inputs: Vec<usize>,
    /// Shape of what it produces, without the batch.
    pub shape: Shape,
}

/// What a tensor of the state dict is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A convolution's or linear layer's weight: prunable.
    Weight,
    /// A bias: never pruned.
    Bias,
    /// Scale of a normalisation.
    NormScale,
    /// Shift of a normalisation.
    NormShift,
    /// Running mean of a normalisation.
    RunningMean,
    /// Running variance of a normalisation.
    RunningVar,
}

impl Role {
    /// The value that a fresh network has here, except for [`Role::Weight`].
    pub(crate) fn initial(self) -> f32 {
        match self {
            Role::NormScale | Role::RunningVar => 1.0,
            _ => 0.0,
        }
    }

    pub(crate) fn is_norm(self) -> bool {
        !matches!(self, Role::Weight | Role::Bias)
    }
}

/// A tensor of the state dict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// Name, as in PyTorch's state dict: `<operator>.weight` and so on.
    pub name: String,
    /// Shape, row-major.
    pub shape: Vec<usize>,
    /// What it is for.
    pub role: Role,
    /// Index of the node that owns it.
    pub node: usize,
}

impl TensorSpec {
    /// Number of scalars.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "a checked tensor is never empty")]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }
}

/// A checked architecture.
///
/// ```
/// use phew_graph::zoo;
/// let arch = zoo::by_name("vgg19")?.classes(10).build()?;
/// assert_eq!(arch.prunable_len(), 20_024_000);
/// # Ok::<(), phew_graph::GraphError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Arch {
    name: String,
    nodes: Vec<Node>,
    prunable: Vec<TensorSpec>,
    auxiliary: Vec<TensorSpec>,
}

impl Arch {
    /// Name of the architecture.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The operators in topological order; the first is the input, the last the output.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The prunable tensors, in the order of their operators. Masks, scores and weights use this order.
    #[must_use]
    pub fn prunable(&self) -> &[TensorSpec] {
        &self.prunable
    }

    /// Biases and normalisation, in the order of their operators.
    #[must_use]
    pub fn auxiliary(&self) -> &[TensorSpec] {
        &self.auxiliary
    }

    /// Number of prunable scalars.
    #[must_use]
    pub fn prunable_len(&self) -> usize {
        self.prunable.iter().map(TensorSpec::len).sum()
    }

    /// Shape of the input, without the batch.
    #[must_use]
    pub fn input_shape(&self) -> Shape {
        self.nodes[0].shape
    }

    /// Shape of the output, without the batch.
    #[must_use]
    pub fn output_shape(&self) -> Shape {
        self.nodes[self.nodes.len() - 1].shape
    }

    /// The operators as [`Arch::new`] takes them.
    #[must_use]
    pub fn specs(&self) -> Vec<NodeSpec> {
        let name = |&i: &usize| self.nodes[i].name.clone();
        self.nodes
            .iter()
            .map(|n| NodeSpec {
                name: n.name.clone(),
                op: n.op.clone(),
                inputs: n.inputs.iter().map(name).collect(),
            })
            .collect()
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: input {}, output {}, {} prunable weights in {} tensors",
            self.name,
            self.input_shape(),
            self.output_shape(),
            self.prunable_len(),
            self.prunable.len()
        )
    }
}
