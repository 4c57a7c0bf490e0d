//! The objectives of SynFlow and SynFlow-L2.

use phew_graph::{Abs, EdgeValue, Square};

use crate::analysis::Analysis;

/// A sum over all input-output paths of a power of the edge-weight product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Objective {
    /// `Σ_p |π_p|`.
    SynFlow,
    /// `Σ_p π_p²`.
    SynFlowL2,
}

impl Analysis<'_> {
    /// Natural logarithm of an objective; `-inf` if no path has a product other than 0.
    ///
    /// Paths of the path graph: a kernel's scalars are parallel edges, and neither borders nor strides nor
    /// pooling weigh in. The authors' programs push an image of ones through the real layers instead, which
    /// is the same on fully connected networks only.
    ///
    /// # Complexity
    /// One pass over the weights.
    ///
    /// # References
    /// Tanaka et al. 2020; Patil & Dovrolis 2021, eq. (8).
    #[must_use]
    pub fn ln_objective(&self, objective: Objective) -> f64 {
        match objective {
            Objective::SynFlow => ln_total(self, Abs),
            Objective::SynFlowL2 => ln_total(self, Square),
        }
    }
}

fn ln_total(analysis: &Analysis<'_>, value: impl EdgeValue) -> f64 {
    analysis.graph.ln_total(&analysis.edges(value))
}
