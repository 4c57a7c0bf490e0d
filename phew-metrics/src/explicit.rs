//! Every path by name, and the path kernel as a matrix: for small networks.

use faer::Mat;
use phew_graph::{Kind, PathGraph};

use crate::analysis::Analysis;
use crate::count::Paths;
use crate::error::MetricError;
use crate::linalg::check_room;

/// An input-output path: the units where it starts and ends, and its weights in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    /// Input unit.
    pub input: usize,
    /// Output unit.
    pub output: usize,
    /// Prunable tensor and index in it, from the input to the output.
    pub weights: Vec<(usize, usize)>,
}

impl Analysis<'_> {
    /// All paths that keep their weights, in depth-first order.
    ///
    /// # Errors
    /// [`MetricError::Limit`] if there are more than `limit`.
    ///
    /// # Complexity
    /// O(paths · depth).
    pub fn paths(&self, limit: usize) -> Result<Vec<Path>, MetricError> {
        let ln = self.ln_path_count(Paths::Kept);
        if ln > (limit as f64 + 0.5).ln() {
            return Err(MetricError::Limit { what: "number of paths", found: ln.exp(), limit });
        }
        let mut paths = Vec::new();
        for input in 0..self.graph.inputs() {
            self.extend(&self.graph, 0, input, &mut Path::starting(input), &mut paths);
        }
        Ok(paths)
    }

    /// Depth-first from a unit.
    fn extend(
        &self,
        graph: &PathGraph,
        layer: usize,
        unit: usize,
        path: &mut Path,
        done: &mut Vec<Path>,
    ) {
        if layer + 1 == graph.layers().len() {
            done.push(Path { output: unit, ..path.clone() });
        }
        for &c in &graph.layers()[layer].outgoing {
            let connection = &graph.connections()[c];
            let next = connection.target;
            match connection.kind {
                Kind::Identity => self.extend(graph, next, unit, path, done),
                Kind::Flatten { block } => {
                    (0..block).for_each(|b| self.extend(graph, next, unit * block + b, path, done))
                }
                Kind::Weighted(shape) => {
                    for index in shape.scalars_out_of(unit) {
                        if self.keeps(shape.tensor, index) {
                            path.weights.push((shape.tensor, index));
                            self.extend(graph, next, shape.ends(index).1, path, done);
                            path.weights.pop();
                        }
                    }
                }
            }
        }
    }

    /// Edge-weight product π of a path.
    ///
    /// # Panics
    /// If the path is not one of this network.
    #[must_use]
    pub fn product(&self, path: &Path) -> f64 {
        path.weights.iter().map(|&(t, i)| self.weight(t, i)).product()
    }

    /// The derivatives `∂π_p/∂θ_i` for one path, by place: the products of all its other weights.
    fn derivatives(&self, path: &Path) -> Vec<f64> {
        let at = |skip: usize| {
            let others = path.weights.iter().enumerate().filter(|&(place, _)| place != skip);
            others.map(|(_, &(t, i))| self.weight(t, i)).product()
        };
        (0..path.weights.len()).map(at).collect()
    }

    /// `J = ∂π/∂θ`, paths × prunable scalars (tensors in order, row-major), with the paths of the rows.
    ///
    /// # Errors
    /// [`MetricError::Limit`] if there are more than `limit` paths; [`MetricError::Memory`] if the matrix is too large.
    pub fn path_jacobian(&self, limit: usize) -> Result<(Vec<Path>, Mat<f64>), MetricError> {
        let paths = self.paths(limit)?;
        let offsets = self.offsets();
        let weights = self.network.arch().prunable_len();
        check_room("the Jacobian of the paths", paths.len(), weights)?;
        let mut jacobian = Mat::zeros(paths.len(), weights);
        for (p, path) in paths.iter().enumerate() {
            for (&(t, i), value) in path.weights.iter().zip(self.derivatives(path)) {
                jacobian[(p, offsets[t] + i)] = value;
            }
        }
        Ok((paths, jacobian))
    }

    /// The path kernel `Π = J Jᵀ`, paths × paths, with the paths of its rows.
    ///
    /// # Errors
    /// [`MetricError::Limit`] if there are more than `limit` paths; [`MetricError::Memory`] if the matrix is too large.
    ///
    /// # Complexity
    /// O(paths² · depth²) time, O(paths²) memory.
    ///
    /// # References
    /// Patil & Dovrolis 2021, eq. (5). Stated as the product of all weights but one instead of `π_p / θ_i`,
    /// which has a value where `θ_i` is 0.
    pub fn path_kernel(&self, limit: usize) -> Result<(Vec<Path>, Mat<f64>), MetricError> {
        let most = limit.min(self.ln_path_count(Paths::Kept).exp().ceil() as usize);
        check_room("the path kernel", most, most)?;
        let paths = self.paths(limit)?;
        let rows: Vec<Vec<f64>> = paths.iter().map(|p| self.derivatives(p)).collect();
        let entry = |p: usize, q: usize| {
            let mut sum = 0.0;
            for (a, &weight) in paths[p].weights.iter().enumerate() {
                if let Some(b) = paths[q].weights.iter().position(|&w| w == weight) {
                    sum += rows[p][a] * rows[q][b];
                }
            }
            sum
        };
        let kernel = Mat::from_fn(paths.len(), paths.len(), entry);
        Ok((paths, kernel))
    }

    /// Where each prunable tensor starts in the list of all prunable scalars.
    pub(crate) fn offsets(&self) -> Vec<usize> {
        let lengths = self.network.arch().prunable().iter().map(phew_graph::TensorSpec::len);
        lengths.scan(0, |at, len| Some(std::mem::replace(at, *at + len))).collect()
    }
}

impl Path {
    fn starting(input: usize) -> Self {
        Self { input, output: 0, weights: Vec::new() }
    }
}
