//! What the path of a walk is worth, in expectation.

use phew_graph::{ByTensor, ConnectionId, Direction, EdgeValue, Scaled, TensorId, Transition};
use phew_walk::{Bias, Starts};
use serde::Serialize;

use super::dual::{DualEdges, Edge, sweep};
use super::law::{Walks, directions, even};

/// What the path of a walk is worth, in expectation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WalkWorth {
    /// Natural logarithm of E|π|, the expected edge-weight product (Patil & Dovrolis, ICLR 2021 submission, eq. (4)).
    pub ln_product: f64,
    /// Natural logarithm of `E[π²]`.
    pub ln_square: f64,
    /// Natural logarithm of `E[Π(p, p)]`, a walk's part of the path kernel's trace (Patil & Dovrolis 2021, eq. (11)). NaN
    /// where operators share a weight: see [`Analysis::path_kernel_trace`](crate::Analysis::path_kernel_trace).
    pub ln_kernel: f64,
    /// For each prunable tensor, what its steps are worth.
    pub steps: Vec<StepWorth>,
}

/// The steps of a walk over one prunable tensor.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct StepWorth {
    /// Expected steps over the tensor in a walk: 1 on a chain, and as many as operators share it.
    pub visits: f64,
    /// Expected |θ| of a step over the tensor.
    pub magnitude: f64,
    /// Expected θ² of a step over the tensor (Patil & Dovrolis 2021, eq. (34)).
    pub square: f64,
}

/// An edge of a walk with the probability of taking it.
struct Probable<'a, F> {
    weights: &'a ByTensor<&'a [f32]>,
    bias: Bias,
    transition: &'a Transition,
    worth: F,
}

impl<F: Fn(f64) -> (f64, f64) + Sync> DualEdges for Probable<'_, F> {
    #[inline]
    fn dual(&self, edge: Edge) -> (f64, f64) {
        let Edge { connection, tensor, index, source, target } = edge;
        let weight = self.weights[tensor][index];
        let score = self.bias.value(tensor, index, weight);
        let q = self.transition.over(connection).probability(score, source, target);
        let (value, tangent) = (self.worth)(f64::from(weight));
        (q * value, q * tangent)
    }

    fn passage(&self, connection: ConnectionId) -> &[f64] {
        self.transition.passage(connection)
    }
}

impl Walks<'_> {
    /// What the path of a walk is worth: exact expectations, no approximation of width.
    ///
    /// # Complexity
    /// A few passes over the weights for each direction.
    ///
    /// # References
    /// Patil & Dovrolis 2021, appendix A.4; Patil & Dovrolis, ICLR 2021 submission, appendix A.3.
    #[must_use]
    pub fn worth(&self, starts: Starts) -> WalkWorth {
        let mut products = Vec::new();
        let mut squares = Vec::new();
        let mut kernels = Vec::new();
        for (direction, share) in directions(starts) {
            let (value, _) = self.expectation(direction, |w| (w.abs(), 0.0));
            products.push(times(value, share));
            let (value, tangent) = self.expectation(direction, |w| (w * w, 1.0));
            squares.push(times(value, share));
            kernels.push(times(tangent, share));
        }
        WalkWorth {
            ln_product: Scaled::sum(products).ln(),
            ln_square: Scaled::sum(squares).ln(),
            ln_kernel: match self.analysis.network.arch().tied_weight() {
                Some(_) => f64::NAN,
                None => Scaled::sum(kernels).ln(),
            },
            steps: self.step_worths(starts),
        }
    }

    /// E of the product of edge values along a walk, and of its tangent.
    fn expectation(
        &self,
        direction: Direction,
        worth: impl Fn(f64) -> (f64, f64) + Sync,
    ) -> (Scaled, Scaled) {
        let graph = &self.analysis.graph;
        let transition = self.steps(direction);
        let probable =
            Probable { weights: &self.analysis.weights, bias: self.bias, transition, worth };
        let start = even(graph[graph.start(direction)].units);
        let [value, tangent] = sweep(graph, &probable, direction, start);
        (value.total(), tangent.total())
    }

    fn step_worths(&self, starts: Starts) -> Vec<StepWorth> {
        let visits = self.visits(starts);
        let worth = |tensor: TensorId| {
            let visits = visits.weights(tensor);
            let (mut total, mut magnitude, mut square) = (0.0, 0.0, 0.0);
            for (v, &w) in visits.iter().zip(self.analysis.weights[tensor]) {
                let w = f64::from(w.abs());
                total += v;
                magnitude += v * w;
                square += v * w * w;
            }
            let mean = |moment: f64| if total > 0.0 { moment / total } else { 0.0 };
            StepWorth { visits: total, magnitude: mean(magnitude), square: mean(square) }
        };
        self.analysis.graph.tensors().map(worth).collect()
    }
}

fn times(value: Scaled, share: f64) -> Scaled {
    Scaled::new(value.mantissa * share, value.exponent)
}
