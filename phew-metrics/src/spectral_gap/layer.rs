//! The spectral gap of each masked layer as a bipartite graph.

use faer::Mat;
use phew_graph::TensorId;
use serde::Serialize;

use super::components::Components;
use super::two_greatest::two_greatest_eigenvalues;
use crate::analysis::Analysis;
use crate::eigen::{random_vector, singular_values};
use crate::error::MetricError;

/// Up to this many units on the smaller side, singular values come from a dense decomposition.
const DENSE: usize = 64;

/// One prunable tensor as a bipartite graph between its source and its target units.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerGap {
    /// Name of the prunable tensor.
    pub name: String,
    /// Greatest singular value of the biadjacency matrix, whose entries count kept scalars.
    pub first: f64,
    /// Second singular value; 0 if there is no second.
    pub second: f64,
    /// `√(d_source − 1) + √(d_target − 1)` with mean degrees over units that have an edge: the second singular
    /// value of a biregular graph is at most this if it is Ramanujan.
    pub ramanujan: f64,
}

impl LayerGap {
    /// Difference of the two greatest singular values.
    #[must_use]
    pub fn gap(&self) -> f64 {
        self.first - self.second
    }

    /// Whether the second singular value respects the Ramanujan bound (for degrees that vary, of the means).
    #[must_use]
    pub fn is_ramanujan(&self) -> bool {
        self.first > 0.0 && self.second <= self.ramanujan * (1.0 + 1e-12)
    }
}

impl Analysis<'_> {
    /// Spectral gap of each masked layer.
    ///
    /// # Errors
    /// [`MetricError::Decomposition`] if a decomposition fails, or 3,000 products do not part the second value from
    /// the third.
    ///
    /// # Complexity
    /// `O(units²)` for each of some dozens of products.
    ///
    /// # References
    /// Marcus, Spielman & Srivastava 2015 (bipartite Ramanujan graphs); Feng & Li 1996 (biregular bound).
    pub fn layer_gaps(&self) -> Result<Vec<LayerGap>, MetricError> {
        self.graph.tensors().map(|tensor| self.layer_gap(tensor)).collect()
    }

    fn layer_gap(&self, tensor: TensorId) -> Result<LayerGap, MetricError> {
        let shape = self.graph.shape(tensor);
        let sources = shape.groups * shape.inputs;
        let counts = self.pairs(tensor);
        let mean_degree = |units: usize, end: fn((usize, usize)) -> usize| {
            let mut degrees = vec![0.0; units];
            for &(i, j, n) in &counts {
                degrees[end((i, j))] += n;
            }
            let used = degrees.iter().filter(|&&d| d > 0.0).count();
            degrees.iter().sum::<f64>() / used.max(1) as f64
        };
        let (left, right) = (mean_degree(sources, |e| e.0), mean_degree(shape.outputs, |e| e.1));
        // Parts of the graph that do not touch may share their greatest value: each is taken by itself.
        let mut values: Vec<f64> = Vec::new();
        for part in parts(&counts, sources, shape.outputs) {
            values.extend(two_greatest(&part)?);
        }
        values.sort_by(|a, b| b.total_cmp(a));
        let bound = |degree: f64| (degree - 1.0).max(0.0).sqrt();
        Ok(LayerGap {
            name: self.network.arch().prunable()[tensor].name.clone(),
            first: values.first().copied().unwrap_or(0.0),
            second: values.get(1).copied().unwrap_or(0.0),
            ramanujan: bound(left) + bound(right),
        })
    }

    /// Pairs of units that a tensor joins, each with its number of kept scalars.
    fn pairs(&self, tensor: TensorId) -> Vec<Edge> {
        let mut counts = Vec::new();
        self.each_pair(tensor, |i, j, kept| counts.push((i, j, kept as f64)));
        counts
    }

    /// Calls `pair` with source unit, target unit and number of kept scalars wherever there are any.
    pub(super) fn each_pair(&self, tensor: TensorId, mut pair: impl FnMut(usize, usize, usize)) {
        let shape = self.graph.shape(tensor);
        for j in 0..shape.outputs {
            let first = shape.first_source(j);
            for i in 0..shape.inputs {
                let at = j * shape.row() + i * shape.kernel;
                let scalars = at..at + shape.kernel;
                let kept = match self.mask {
                    Some(_) => scalars.filter(|&s| self.keeps(tensor, s)).count(),
                    None => shape.kernel,
                };
                if kept > 0 {
                    pair(first + i, j, kept);
                }
            }
        }
    }
}

/// Source unit, target unit, and number of scalars between them.
type Edge = (usize, usize, f64);

/// A connected part of a bipartite graph, its units numbered afresh.
struct Part {
    sources: usize,
    targets: usize,
    edges: Vec<Edge>,
}

fn parts(edges: &[Edge], sources: usize, targets: usize) -> Vec<Part> {
    let mut components = Components::new(sources + targets);
    edges.iter().for_each(|&(i, j, _)| components.join(i, sources + j));
    let mut place: Vec<Option<usize>> = vec![None; sources + targets];
    let mut fresh: Vec<Option<usize>> = vec![None; sources + targets];
    let mut parts: Vec<Part> = Vec::new();
    for &(i, j, n) in edges {
        let at = *place[components.find(i)].get_or_insert_with(|| {
            parts.push(Part { sources: 0, targets: 0, edges: Vec::new() });
            parts.len() - 1
        });
        let part = &mut parts[at];
        let mut number = |unit: usize, count: &mut usize| {
            *fresh[unit].get_or_insert_with(|| {
                *count += 1;
                *count - 1
            })
        };
        let (i, j) = (number(i, &mut part.sources), number(sources + j, &mut part.targets));
        part.edges.push((i, j, n));
    }
    parts
}

/// The two greatest singular values of a part; one if that is all there is.
fn two_greatest(part: &Part) -> Result<Vec<f64>, MetricError> {
    if part.sources.min(part.targets) <= DENSE {
        let mut matrix = Mat::zeros(part.targets, part.sources);
        part.edges.iter().for_each(|&(i, j, n)| matrix[(j, i)] = n);
        let mut values = singular_values(matrix.as_ref())?;
        values.truncate(2);
        return Ok(values);
    }
    let apply = |v: &[f64], out: &mut [f64]| {
        let mut through = vec![0.0; part.targets];
        part.edges.iter().for_each(|&(i, j, n)| through[j] += n * v[i]);
        out.fill(0.0);
        part.edges.iter().for_each(|&(i, j, n)| out[i] += n * through[j]);
    };
    let start = random_vector(part.sources, 0, |_| true);
    let values = two_greatest_eigenvalues(apply, start, [part.targets, part.sources])?;
    Ok(values.iter().map(|v| v.max(0.0).sqrt()).collect())
}
