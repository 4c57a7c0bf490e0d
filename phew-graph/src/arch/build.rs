//! Writing an architecture in code: each call appends an operator that reads the one before it.

use super::op::{
    Activation, Add, AvgPool, BatchNorm, Concat, Conv2d, Flatten, Input, Linear, MaxPool, Op, Pool,
};
use super::shape::Shape;
use super::{Arch, NodeSpec};
use crate::error::GraphError;

/// Builds an [`Arch`] operator by operator; mistakes are reported by [`ArchBuilder::build`].
///
/// ```
/// use phew_graph::{ArchBuilder, Conv2d, Pool, Shape};
/// let image = Shape::Image { channels: 3, height: 8, width: 8 };
/// let arch = ArchBuilder::new("residual", image)
///     .conv("conv1", Conv2d::new(4, 3).padding(1))
///     .relu("relu1")
///     .conv("conv2", Conv2d::new(4, 3).padding(1))
///     .add("add", &["conv2", "relu1"])
///     .avg_pool("pool", Pool::global())
///     .flatten("flatten")
///     .linear("fc", 5)
///     .build()?;
/// assert_eq!(arch.prunable_len(), 108 + 144 + 20);
/// # Ok::<(), phew_graph::GraphError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ArchBuilder {
    name: String,
    specs: Vec<NodeSpec>,
    last: String,
}

impl ArchBuilder {
    /// Starts with an input operator named `input`.
    #[must_use]
    pub fn new(name: impl Into<String>, shape: Shape) -> Self {
        let input = NodeSpec::new("input", Input { shape }, &[]);
        Self { name: name.into(), specs: vec![input], last: "input".into() }
    }

    /// Name of the operator that the next one will read.
    #[must_use]
    pub fn last(&self) -> &str {
        &self.last
    }

    /// Makes the next operator read `name`.
    #[must_use]
    pub fn from(mut self, name: &str) -> Self {
        name.clone_into(&mut self.last);
        self
    }

    /// Appends any operator that reads the last one.
    #[must_use]
    pub fn op(self, name: impl Into<String>, op: impl Into<Op>) -> Self {
        let last = self.last.clone();
        self.join(name, op, &[&last])
    }

    /// Appends any operator that reads the named ones.
    #[must_use]
    pub fn join(mut self, name: impl Into<String>, op: impl Into<Op>, inputs: &[&str]) -> Self {
        let (name, op) = (name.into(), op.into());
        self.last.clone_from(&name);
        self.specs.push(NodeSpec::new(name, op, inputs));
        self
    }

    /// Names a tensor of the operator that was appended last, by what it is to it (`weight`, `bias`, …): the name of another
    /// operator's tensor shares that.
    ///
    /// ```
    /// use phew_graph::{ArchBuilder, Shape};
    /// let arch = ArchBuilder::new("recurrent", Shape::Features(4))
    ///     .linear("first", 4)
    ///     .relu("relu")
    ///     .linear("second", 4)
    ///     .tensor("weight", "first.weight")
    ///     .build()?;
    /// assert_eq!(arch.prunable_len(), 16);
    /// # Ok::<(), phew_graph::GraphError>(())
    /// ```
    #[must_use]
    pub fn tensor(mut self, tensor: &str, name: impl Into<String>) -> Self {
        if let Some(spec) = self.specs.last_mut() {
            spec.tensors.insert(tensor.to_owned(), name.into());
        }
        self
    }

    /// Appends a convolution.
    #[must_use]
    pub fn conv(self, name: impl Into<String>, conv: Conv2d) -> Self {
        self.op(name, conv)
    }

    /// Appends a linear layer with a bias.
    #[must_use]
    pub fn linear(self, name: impl Into<String>, out: usize) -> Self {
        self.op(name, Linear { out, bias: true, at_positions: false })
    }

    /// Appends a linear layer without a bias.
    #[must_use]
    pub fn linear_unbiased(self, name: impl Into<String>, out: usize) -> Self {
        self.op(name, Linear { out, bias: false, at_positions: false })
    }

    /// Appends a batch normalisation with PyTorch's defaults (ε = 1e-5, momentum 0.1).
    #[must_use]
    pub fn batch_norm(self, name: impl Into<String>) -> Self {
        self.op(name, BatchNorm::default())
    }

    /// Appends a ReLU.
    #[must_use]
    pub fn relu(self, name: impl Into<String>) -> Self {
        self.activation(name, Activation::Relu)
    }

    /// Appends an activation.
    #[must_use]
    pub fn activation(self, name: impl Into<String>, activation: Activation) -> Self {
        self.op(name, activation)
    }

    /// Appends a max-pooling.
    #[must_use]
    pub fn max_pool(self, name: impl Into<String>, pool: Pool) -> Self {
        self.op(name, MaxPool(pool))
    }

    /// Appends an average pooling.
    #[must_use]
    pub fn avg_pool(self, name: impl Into<String>, pool: Pool) -> Self {
        self.op(name, AvgPool::new(pool))
    }

    /// Appends a flatten.
    #[must_use]
    pub fn flatten(self, name: impl Into<String>) -> Self {
        self.op(name, Flatten)
    }

    /// Appends the sum of the named operators.
    ///
    /// The deepest branch is the main one, of equals the first named; the others are skips
    /// ([`Skip`](crate::Skip)).
    #[must_use]
    pub fn add(self, name: impl Into<String>, inputs: &[&str]) -> Self {
        self.join(name, Add, inputs)
    }

    /// Appends the concatenation of the named operators' channels or features.
    #[must_use]
    pub fn concat(self, name: impl Into<String>, inputs: &[&str]) -> Self {
        self.join(name, Concat, inputs)
    }

    /// Checks it all.
    ///
    /// # Errors
    /// As [`Arch::new`].
    pub fn build(self) -> Result<Arch, GraphError> {
        Arch::new(self.name, self.specs)
    }
}
