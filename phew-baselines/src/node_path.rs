//! Node-path balancing's objective as a measure of a mask.

use phew_graph::{
    ByLayer, Edges, Ends, Mask, One, PathGraph, Scaled, ScaledVec, TensorId, Weighted,
};

use crate::error::BaselineError;

/// Effective nodes and paths of one tensor, both as shares of what so many kept weights could give; of a tensor that
/// several operators share over all its uses.
#[derive(Clone, Debug, PartialEq)]
pub struct NodePath {
    /// Name of the tensor.
    pub tensor: String,
    /// Units at either end that some kept weight of this tensor meets, over all units at both ends.
    pub nodes: f64,
    /// Paths from the inputs through the kept weights, over the most that as many weights could carry: those
    /// out of the units with the most paths. 0 if no path arrives.
    pub paths: f64,
}

impl NodePath {
    /// `α · nodes + (1 − α) · paths`: what node-path balancing maximises, tensor by tensor.
    #[must_use]
    pub fn objective(&self, alpha: f64) -> f64 {
        alpha * self.nodes + (1.0 - alpha) * self.paths
    }
}

/// Measures a mask tensor by tensor.
///
/// Random masks have many nodes and few paths, SynFlow's few nodes and many paths; the method's thesis is
/// that good masks balance the two. Its program uses α = 0.7 and adds 0.001 times the share of kernels kept,
/// which is left out.
///
/// # Errors
/// [`BaselineError::Parameter`] if mask and graph have different numbers of tensors.
///
/// # References
/// Pham et al. 2023 (node-path balancing). Paths are those of scalar weights, as everywhere in phew.
pub fn node_path(mask: &Mask, graph: &PathGraph) -> Result<Vec<NodePath>, BaselineError> {
    if mask.layers().len() != graph.tensors().len() {
        let expected = format!("{} tensors", graph.tensors().len());
        return Err(BaselineError::parameter("mask", mask.layers().len(), expected));
    }
    let paths = graph.forward(&Edges::<One>::structure().masked(mask), None, None);
    Ok(graph.tensors().map(|t| measure(mask, graph, &paths, t)).collect())
}

fn measure(
    mask: &Mask,
    graph: &PathGraph,
    paths: &ByLayer<ScaledVec>,
    tensor: TensorId,
) -> NodePath {
    let layer = mask.layer(tensor);
    let (mut nodes, mut units) = (0, 0);
    let (mut carried, mut most) = (Vec::new(), Vec::new());
    for Ends { shape, source, target, .. } in graph.uses(tensor) {
        let ScaledVec { values: arriving, exponent } = &paths[source];
        let mut met = (vec![false; arriving.len()], vec![false; graph[target].units]);
        let mut sum = 0.0;
        for index in layer.iter() {
            let (source, target) = shape.ends(index);
            (met.0[source], met.1[target]) = (true, true);
            sum += arriving[source];
        }
        nodes += met.0.iter().chain(&met.1).filter(|&&m| m).count();
        units += met.0.len() + met.1.len();
        carried.push(Scaled::new(sum, *exponent));
        most.push(Scaled::new(most_paths(arriving, &shape, layer.kept()), *exponent));
    }
    NodePath {
        tensor: layer.name().to_owned(),
        nodes: nodes as f64 / units as f64,
        paths: Scaled::sum(carried).over(Scaled::sum(most)),
    }
}

/// The most paths that `kept` weights can carry on.
fn most_paths(arriving: &[f64], shape: &Weighted, kept: usize) -> f64 {
    let mut sorted = arriving.to_vec();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    let mut left = kept;
    let mut total = 0.0;
    for paths in sorted {
        let weights = left.min(shape.fan_out());
        total += paths * weights as f64;
        left -= weights;
    }
    total
}
