//! How often a walk is expected to pass each unit and each weight.

use phew_graph::{ByLayer, Direction, ScaledVec, TensorId};
use phew_walk::Starts;
use rayon::prelude::*;

use super::law::{Walks, directions, even};

/// Scalars of a block: enough to be worth a task.
const BLOCK: usize = 1 << 14;

/// Expected visits of one walk, exactly; W walks visit W times as often.
#[derive(Clone, Debug)]
pub struct Visits<'a> {
    walks: &'a Walks<'a>,
    /// By direction: its share of the walks, and the visits of each unit by one of them.
    directions: Vec<(Direction, f64, ByLayer<Vec<f64>>)>,
}

impl<'a> Walks<'a> {
    /// Expected visits of each unit and weight by one walk.
    ///
    /// With [`Starts::Balanced`] and [`Starts::Random`] half of the walks are reverse ones, and every input and
    /// output starts its share.
    ///
    /// # Complexity
    /// One pass over the weights for each direction.
    ///
    /// # References
    /// Patil & Dovrolis 2021, eq. (24), whose approximation is 1/N for a layer of N units.
    #[must_use]
    pub fn visits(&'a self, starts: Starts) -> Visits<'a> {
        let of = |(direction, share)| (direction, share, self.units_visited(direction));
        Visits { walks: self, directions: directions(starts).map(of).collect() }
    }

    /// Visits of each unit by one walk in one direction.
    fn units_visited(&self, direction: Direction) -> ByLayer<Vec<f64>> {
        let (graph, edges) = (&self.analysis.graph, self.edges());
        let step = Some(self.steps(direction));
        let sums = match direction {
            Direction::Forward => graph.forward(&edges, Some(&even(graph.inputs())), step),
            Direction::Reverse => graph.backward(&edges, Some(&even(graph.outputs())), step),
        };
        let layer = |l: &ScaledVec| (0..l.values.len()).map(|u| l.value(u)).collect();
        sums.iter().map(layer).collect()
    }
}

impl Visits<'_> {
    /// Expected visits of each unit.
    #[must_use]
    pub fn units(&self) -> ByLayer<Vec<f64>> {
        let layers = self.walks.analysis.graph.layers();
        let mut visits: ByLayer<Vec<f64>> = layers.iter().map(|l| vec![0.0; l.units]).collect();
        for (_, share, units) in &self.directions {
            for (total, layer) in visits.iter_mut().zip(units) {
                total.iter_mut().zip(layer).for_each(|(t, v)| *t += share * v);
            }
        }
        visits
    }

    /// Expected visits of each scalar of a prunable tensor, row-major: they add up to 1 on a chain. Those of a tensor that
    /// several operators share are summed over its uses.
    ///
    /// # Panics
    /// If there is no such tensor.
    ///
    /// # Complexity
    /// One parallel pass over the tensor for each direction.
    #[must_use]
    pub fn weights(&self, tensor: TensorId) -> Vec<f64> {
        let graph = &self.walks.analysis.graph;
        let edges = self.walks.edges();
        let shape = graph.shape(tensor);
        let row = shape.row();
        let mut visits = vec![0.0; shape.len()];
        let every =
            self.directions.iter().flat_map(|way| graph.uses(tensor).map(move |e| (way, e)));
        for ((direction, share, units), ends) in every {
            let steps = self.walks.steps(*direction).over(ends.connection);
            let (sources, targets) = (&units[ends.source], &units[ends.target]);
            let rows = visits.par_chunks_mut(row).with_min_len((BLOCK / row).max(1)).enumerate();
            rows.for_each(|(j, visits)| {
                let first = shape.first_source(j);
                for (k, visits) in visits.iter_mut().enumerate() {
                    let i = first + k / shape.kernel;
                    let near =
                        if *direction == Direction::Forward { sources[i] } else { targets[j] };
                    let value = edges.value(tensor, j * row + k);
                    *visits += share * near * steps.probability(value, i, j);
                }
            });
        }
        visits
    }
}
