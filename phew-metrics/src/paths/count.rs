//! Number of input-output paths, and of those through each weight.

use phew_graph::{Edges, Kind, NonZero, One, PathGraph, Weighted};

use crate::analysis::Analysis;
use crate::error::MetricError;

/// Which paths count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub enum Paths {
    /// Those of the architecture, whatever the mask.
    All,
    /// Those that keep all their weights.
    #[default]
    Kept,
    /// Those that keep all their weights, none of which is 0.
    Effective,
}

impl Analysis<'_> {
    /// Exact number of input-output paths.
    ///
    /// Scalars of one kernel are parallel edges, so a 3×3 kernel makes nine paths of one. For networks beyond
    /// 128 bits use [`Analysis::ln_path_count`].
    ///
    /// # Errors
    /// [`MetricError::Overflow`] if the number, or one on the way to it, is beyond 128 bits.
    ///
    /// # Complexity
    /// O(weights).
    pub fn path_count(&self, paths: Paths) -> Result<u128, MetricError> {
        let forward = self.counts_forward(paths)?;
        total(forward.last().map_or(&[], Vec::as_slice))
    }

    /// Natural logarithm of the number of input-output paths; `-inf` if there is none.
    ///
    /// # Complexity
    /// One pass over the weights.
    #[must_use]
    pub fn ln_path_count(&self, paths: Paths) -> f64 {
        match paths {
            Paths::All => self.graph.ln_total(&Edges::structure()),
            Paths::Kept => self.graph.ln_total(&self.edges(One)),
            Paths::Effective => self.graph.ln_total(&self.edges(NonZero)),
        }
    }

    /// Exact number of paths through each scalar, by prunable tensor and row-major.
    ///
    /// For networks beyond 128 bits use [`Analysis::path_shares`].
    ///
    /// # Errors
    /// [`MetricError::Overflow`] beyond 128 bits.
    ///
    /// # Complexity
    /// O(weights) time and memory.
    pub fn edge_path_counts(&self, paths: Paths) -> Result<Vec<Vec<u128>>, MetricError> {
        let (forward, backward) = (self.counts_forward(paths)?, self.counts_backward(paths)?);
        let of = |tensor: usize| {
            let (shape, source, target) = self.ends(tensor);
            let count = |index: usize| {
                if !self.counted(paths, tensor, index) {
                    return Ok(0);
                }
                let (i, j) = shape.ends(index);
                forward[source][i].checked_mul(backward[target][j]).ok_or(MetricError::Overflow)
            };
            (0..shape.len()).map(count).collect()
        };
        (0..self.graph.tensors()).map(of).collect()
    }

    fn counted(&self, paths: Paths, tensor: usize, index: usize) -> bool {
        match paths {
            Paths::All => true,
            Paths::Kept => self.keeps(tensor, index),
            Paths::Effective => self.weight(tensor, index) != 0.0,
        }
    }

    fn counts_forward(&self, paths: Paths) -> Result<Vec<Vec<u128>>, MetricError> {
        let graph = &self.graph;
        let mut counts = vec![vec![1; graph.inputs()]];
        for layer in &graph.layers()[1..] {
            let mut sums = vec![0; layer.units];
            for &c in &layer.incoming {
                let x: &[u128] = &counts[graph.connections()[c].source];
                self.each_step(graph, c, paths, |i, j, edges| add(&mut sums[j], x[i], edges))?;
            }
            counts.push(sums);
        }
        Ok(counts)
    }

    fn counts_backward(&self, paths: Paths) -> Result<Vec<Vec<u128>>, MetricError> {
        let graph = &self.graph;
        let last = graph.layers().len() - 1;
        let mut counts: Vec<Vec<u128>> = graph.layers().iter().map(|l| vec![0; l.units]).collect();
        counts[last].fill(1);
        for (l, layer) in graph.layers().iter().enumerate().take(last).rev() {
            let mut sums = vec![0; layer.units];
            for &c in &layer.outgoing {
                let y: &[u128] = &counts[graph.connections()[c].target];
                self.each_step(graph, c, paths, |i, j, edges| add(&mut sums[i], y[j], edges))?;
            }
            counts[l] = sums;
        }
        Ok(counts)
    }

    /// Calls `step` with source unit, target unit and number of counted edges between them.
    fn each_step(
        &self,
        graph: &PathGraph,
        connection: usize,
        paths: Paths,
        mut step: impl FnMut(usize, usize, u128) -> Result<(), MetricError>,
    ) -> Result<(), MetricError> {
        let connection = &graph.connections()[connection];
        match connection.kind {
            Kind::Weighted(shape) => {
                let Weighted { tensor, inputs, kernel, .. } = shape;
                for pair in 0..shape.outputs * inputs {
                    let scalars = pair * kernel..(pair + 1) * kernel;
                    let edges = scalars.filter(|&s| self.counted(paths, tensor, s)).count();
                    let (i, j) = shape.ends(pair * kernel);
                    step(i, j, edges as u128)?;
                }
                Ok(())
            }
            Kind::Identity => {
                (0..graph.layers()[connection.source].units).try_for_each(|u| step(u, u, 1))
            }
            Kind::Flatten { block } => {
                (0..graph.layers()[connection.target].units).try_for_each(|u| step(u / block, u, 1))
            }
        }
    }
}

fn add(sum: &mut u128, paths: u128, edges: u128) -> Result<(), MetricError> {
    let more = paths.checked_mul(edges).ok_or(MetricError::Overflow)?;
    *sum = sum.checked_add(more).ok_or(MetricError::Overflow)?;
    Ok(())
}

fn total(counts: &[u128]) -> Result<u128, MetricError> {
    let mut sum = 0;
    counts.iter().try_for_each(|&c| add(&mut sum, c, 1))?;
    Ok(sum)
}
