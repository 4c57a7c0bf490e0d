//! Sums over all paths taken apart by weight: what part of the paths, or of an objective, passes each.

use phew_graph::{Abs, Edges, NonZero, One, PathSums, Square, TensorId};

use super::count::Paths;
use super::objective::Objective;
use crate::analysis::Analysis;

/// A sum over all input-output paths, and every weight's share of it.
#[derive(Clone, Debug)]
pub struct PathShares<'a> {
    analysis: &'a Analysis<'a>,
    of: Of,
    sums: PathSums<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Of {
    Paths(Paths),
    Objective(Objective),
}

impl<'a> Analysis<'a> {
    /// The number of paths, and the share of them that passes each weight.
    ///
    /// # Complexity
    /// Two passes over the weights.
    #[must_use]
    pub fn path_shares(&'a self, paths: Paths) -> PathShares<'a> {
        let sums = match paths {
            Paths::All => PathSums::new(&self.graph, &Edges::structure()),
            Paths::Kept => PathSums::new(&self.graph, &self.edges(One)),
            Paths::Effective => PathSums::new(&self.graph, &self.edges(NonZero)),
        };
        PathShares { analysis: self, of: Of::Paths(paths), sums }
    }

    /// An objective, and the share of it that passes each weight: `θ · ∂R/∂θ / R` for SynFlow and half of it for
    /// SynFlow-L2.
    ///
    /// # Complexity
    /// Two passes over the weights.
    #[must_use]
    pub fn objective_shares(&'a self, objective: Objective) -> PathShares<'a> {
        let sums = match objective {
            Objective::SynFlow => PathSums::new(&self.graph, &self.edges(Abs)),
            Objective::SynFlowL2 => PathSums::new(&self.graph, &self.edges(Square)),
        };
        PathShares { analysis: self, of: Of::Objective(objective), sums }
    }
}

impl PathShares<'_> {
    /// Natural logarithm of the whole sum; `-inf` if it is 0.
    #[must_use]
    pub fn ln_total(&self) -> f64 {
        self.sums.ln_total()
    }

    /// Share of the sum that passes each scalar of a prunable tensor, row-major; zeros if the sum is 0. On a chain
    /// they add up to 1; those of a tensor that several operators share, each path by each of its uses, to as many.
    ///
    /// The logarithm of a share plus [`PathShares::ln_total`] is that of the sum itself: of the number of paths
    /// through the weight, for one.
    ///
    /// # Panics
    /// If there is no such tensor.
    #[must_use]
    pub fn shares(&self, tensor: TensorId) -> Vec<f64> {
        let analysis = self.analysis;
        match self.of {
            Of::Paths(Paths::All) => self.sums.edge_shares(tensor, &Edges::structure()),
            Of::Paths(Paths::Kept) => self.sums.edge_shares(tensor, &analysis.edges(One)),
            Of::Paths(Paths::Effective) => self.sums.edge_shares(tensor, &analysis.edges(NonZero)),
            Of::Objective(Objective::SynFlow) => {
                self.sums.edge_shares(tensor, &analysis.edges(Abs))
            }
            Of::Objective(Objective::SynFlowL2) => {
                self.sums.edge_shares(tensor, &analysis.edges(Square))
            }
        }
    }
}
