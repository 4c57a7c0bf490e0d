//! Spectral gaps: how well each layer, and the whole network, mixes as a graph.

use std::ops::ControlFlow;

use faer::Mat;
use phew_graph::Kind;
use serde::Serialize;

use crate::analysis::Analysis;
use crate::error::MetricError;
use crate::linalg::singular_values;
use crate::spectrum::{Target, greatest, random_vector};

/// Up to this many units on the smaller side, singular values come from a dense decomposition.
const DENSE: usize = 64;

/// Relative residual of an eigenvalue; its own error is of the order of the square.
const TOLERANCE: f64 = 1e-7;

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
    /// [`MetricError::Decomposition`] if a decomposition fails.
    ///
    /// # Complexity
    /// `O(units²)` for each of some dozens of products.
    ///
    /// # References
    /// Marcus, Spielman & Srivastava 2015 (bipartite Ramanujan graphs); Feng & Li 1996 (biregular bound).
    pub fn layer_gaps(&self) -> Result<Vec<LayerGap>, MetricError> {
        (0..self.graph.tensors()).map(|tensor| self.layer_gap(tensor)).collect()
    }

    fn layer_gap(&self, tensor: usize) -> Result<LayerGap, MetricError> {
        let (shape, source, _) = self.ends(tensor);
        let sources = self.graph.layers()[source].units;
        let counts = self.counts(tensor);
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

    /// Spectral gap `1 − λ₂` of the whole network as an undirected graph of units, skips and flattening kept.
    ///
    /// λ₂ is the second greatest eigenvalue of the adjacency matrix normalised by degrees; units without an edge
    /// are left out. 0 means that the network falls apart.
    ///
    /// # Errors
    /// [`MetricError::Decomposition`] if a small eigenproblem fails.
    ///
    /// # References
    /// Chung 1997, *Spectral Graph Theory*, chapter 1.
    pub fn network_gap(&self) -> Result<f64, MetricError> {
        let mut first = Vec::new();
        let mut units = 0;
        for layer in self.graph.layers() {
            first.push(units);
            units += layer.units;
        }
        let mut edges: Vec<Edge> = Vec::new();
        for c in self.graph.connections() {
            let (from, to) = (first[c.source], first[c.target]);
            let targets = 0..self.graph.layers()[c.target].units;
            match c.kind {
                Kind::Weighted(shape) => {
                    let counts = self.counts(shape.tensor);
                    edges.extend(counts.into_iter().map(|(i, j, n)| (from + i, to + j, n)));
                }
                Kind::Identity => edges.extend(targets.map(|j| (from + j, to + j, 1.0))),
                Kind::Flatten { block } => {
                    edges.extend(targets.map(|j| (from + j / block, to + j, 1.0)));
                }
            }
        }
        let mut degrees = vec![0.0; units];
        for &(i, j, n) in &edges {
            degrees[i] += n;
            degrees[j] += n;
        }
        for (i, j, n) in &mut edges {
            *n /= f64::sqrt(degrees[*i] * degrees[*j]);
        }
        // (I + N) / 2 has the eigenvalues of N moved into [0, 1].
        let apply = |v: &[f64], out: &mut [f64]| {
            out.copy_from_slice(v);
            for &(i, j, n) in &edges {
                out[i] += n * v[j];
                out[j] += n * v[i];
            }
            out.iter_mut().for_each(|o| *o *= 0.5);
        };
        // A graph in parts has the eigenvalue 1 once for each; one vector would show it once.
        let used = degrees.iter().filter(|&&d| d > 0.0).count();
        if used < 2 || roots(units, edges.iter().map(|e| (e.0, e.1))).1 != units - used + 1 {
            return Ok(0.0);
        }
        let start = random_vector(units, 0, |u| degrees[u] > 0.0);
        let found = greatest(apply, start, &target(2), &mut go_on)?;
        Ok(2.0 * (1.0 - found.values[1]).max(0.0))
    }

    /// Pairs of units that a tensor joins, each with its number of kept scalars.
    fn counts(&self, tensor: usize) -> Vec<Edge> {
        let (shape, ..) = self.ends(tensor);
        let pair = |pair: usize| {
            let scalars = pair * shape.kernel..(pair + 1) * shape.kernel;
            let kept = scalars.filter(|&i| self.keeps(tensor, i)).count();
            let (i, j) = shape.ends(pair * shape.kernel);
            (kept > 0).then_some((i, j, kept as f64))
        };
        (0..shape.outputs * shape.inputs).filter_map(pair).collect()
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

/// For each unit the least unit of its part, and the number of parts.
fn roots(units: usize, edges: impl Iterator<Item = (usize, usize)>) -> (Vec<usize>, usize) {
    let mut root: Vec<usize> = (0..units).collect();
    let mut count = units;
    let find = |root: &mut Vec<usize>, mut u: usize| {
        while root[u] != u {
            root[u] = root[root[u]];
            u = root[u];
        }
        u
    };
    for (i, j) in edges {
        let (a, b) = (find(&mut root, i), find(&mut root, j));
        if a != b {
            root[a.max(b)] = a.min(b);
            count -= 1;
        }
    }
    let roots = (0..units).map(|u| find(&mut root, u)).collect();
    (roots, count)
}

fn parts(edges: &[Edge], sources: usize, targets: usize) -> Vec<Part> {
    let ends = edges.iter().map(|&(i, j, _)| (i, sources + j));
    let (root, _) = roots(sources + targets, ends);
    let mut place: Vec<Option<usize>> = vec![None; sources + targets];
    let mut fresh: Vec<Option<usize>> = vec![None; sources + targets];
    let mut parts: Vec<Part> = Vec::new();
    for &(i, j, n) in edges {
        let at = *place[root[i]].get_or_insert_with(|| {
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
    let found = greatest(apply, start, &target(2), &mut go_on)?;
    Ok(found.values.iter().map(|v| v.max(0.0).sqrt()).collect())
}

fn go_on(_: usize) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn target(count: usize) -> Target {
    Target { count, basis: 60, tolerance: TOLERANCE, max_products: 3_000, floor: 0.0 }
}
