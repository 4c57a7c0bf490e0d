//! What can be wrong with a question about a network.

use phew_graph::GraphError;
use phew_walk::WalkError;

/// Why a metric has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetricError {
    /// The mask or the architecture is not what it should be.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The sampler could not make its walks.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// An exact count does not fit into 128 bits.
    #[error("the number of paths is beyond 128 bits; its logarithm is still exact to rounding")]
    Overflow,
    /// The network is too large for an explicit list or matrix.
    #[error("{what}: {found:.4e}, expected at most {limit}")]
    Limit {
        /// What is too large.
        what: &'static str,
        /// Its size.
        found: f64,
        /// The greatest size allowed.
        limit: usize,
    },
    /// There is no memory for a table.
    #[error("no memory for {what}: {numbers} numbers of 8 bytes")]
    Memory {
        /// The table.
        what: &'static str,
        /// Its size.
        numbers: usize,
    },
    /// The metric is defined for linear networks only.
    #[error("operator `{operator}` ({kind}) is not linear")]
    NotLinear {
        /// The operator.
        operator: String,
        /// Its kind.
        kind: &'static str,
    },
    /// Operators share a weight, so that a path may pass it twice.
    #[error(
        "{what} is defined where a path passes each weight once at most; `{tensor}` is the weight of several operators"
    )]
    Tied {
        /// What was asked for.
        what: &'static str,
        /// The weight.
        tensor: String,
    },
    /// A parameter is out of range.
    #[error("{name} is {found}, expected {expected}")]
    Parameter {
        /// What it is.
        name: &'static str,
        /// What was given.
        found: String,
        /// What is possible.
        expected: &'static str,
    },
    /// The caller asked to stop.
    #[error("stopped after {products} matrix-vector products")]
    Stopped {
        /// Products done.
        products: usize,
    },
    /// Numbers that double precision cannot hold.
    #[error(
        "{what} is beyond what double precision can hold: the network is too deep for its weights"
    )]
    Range {
        /// What has such numbers.
        what: &'static str,
    },
    /// A decomposition did not converge.
    #[error("the {what} of a {rows} × {columns} matrix did not converge")]
    Decomposition {
        /// Which decomposition.
        what: &'static str,
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        columns: usize,
    },
}
