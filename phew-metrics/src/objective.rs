//! The objectives of SynFlow and SynFlow-L2.

use phew_graph::{Abs, PathSums, Square};

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
    /// Two passes over the weights.
    ///
    /// # References
    /// Tanaka et al. 2020; Patil & Dovrolis 2021, eq. (8).
    #[must_use]
    pub fn ln_objective(&self, objective: Objective) -> f64 {
        self.objective_sums(objective).ln_total()
    }

    /// Share of an objective that passes each scalar of a prunable tensor, row-major: `θ · ∂R/∂θ / R` for
    /// SynFlow and half of it for SynFlow-L2. Zeros if the objective is 0.
    ///
    /// # Panics
    /// If there is no such tensor.
    #[must_use]
    pub fn objective_shares(&self, objective: Objective, tensor: usize) -> Vec<f64> {
        let sums = self.objective_sums(objective);
        match objective {
            Objective::SynFlow => sums.edge_shares(tensor, &self.edges(Abs)),
            Objective::SynFlowL2 => sums.edge_shares(tensor, &self.edges(Square)),
        }
    }

    fn objective_sums(&self, objective: Objective) -> PathSums<'_> {
        match objective {
            Objective::SynFlow => PathSums::new(&self.graph, &self.edges(Abs)),
            Objective::SynFlowL2 => PathSums::new(&self.graph, &self.edges(Square)),
        }
    }
}
