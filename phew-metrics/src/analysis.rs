//! What every metric reads: the path graph, the weights, and perhaps a mask.

use phew_graph::{ByTensor, EdgeValue, Edges, Ends, Mask, Network, PathGraph, TensorId};

use crate::error::MetricError;

/// A network, dense or under a mask, as the metrics see it.
///
/// The metrics are methods of this type, each in a file of its own; the graph is built once.
///
/// ```
/// use phew_graph::{Init, Network, zoo};
/// use phew_metrics::{Analysis, Paths};
///
/// let arch = zoo::mlp(&[3, 4, 2]).build()?;
/// let network = Network::initialise(arch, Init::default(), 0)?;
/// let analysis = Analysis::new(&network, None)?;
/// assert_eq!(analysis.path_count(Paths::Kept)?, 3 * 4 * 2);
/// # Ok::<(), phew_metrics::MetricError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Analysis<'a> {
    pub(crate) network: &'a Network,
    pub(crate) graph: PathGraph,
    pub(crate) weights: ByTensor<&'a [f32]>,
    pub(crate) mask: Option<&'a Mask>,
}

impl<'a> Analysis<'a> {
    /// Of a network; `None` keeps every weight.
    ///
    /// # Errors
    /// [`MetricError::Graph`] if the mask is not one of the network's architecture.
    pub fn new(network: &'a Network, mask: Option<&'a Mask>) -> Result<Self, MetricError> {
        if let Some(mask) = mask {
            mask.check(network.arch(), "mask")?;
        }
        let graph = PathGraph::new(network.arch());
        Ok(Self { network, graph, weights: network.weights(), mask })
    }

    /// The path graph.
    #[must_use]
    pub fn graph(&self) -> &PathGraph {
        &self.graph
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> &'a Network {
        self.network
    }

    /// The mask, if there is one.
    #[must_use]
    pub fn mask(&self) -> Option<&'a Mask> {
        self.mask
    }

    /// Refuses a network whose operators share a weight, for what relies on a path's passing each of its weights once.
    ///
    /// # Errors
    /// [`MetricError::Tied`].
    pub(crate) fn check_untied(&self, what: &'static str) -> Result<(), MetricError> {
        match self.network.arch().tied_weight() {
            None => Ok(()),
            Some(tied) => Err(MetricError::Tied { what, tensor: tied.name.clone() }),
        }
    }

    /// The one use of a tensor, of a network that passed [`Analysis::check_untied`].
    pub(crate) fn only_use(&self, tensor: TensorId) -> Ends {
        match self.graph.uses(tensor).next() {
            Some(ends) => ends,
            None => unreachable!("a prunable tensor weighs a connection"),
        }
    }

    /// The kept edges with a value.
    pub(crate) fn edges<E: EdgeValue>(&self, value: E) -> Edges<'_, E> {
        Edges::new(&self.weights, value).masked_by(self.mask)
    }

    /// Whether the mask keeps a scalar.
    pub(crate) fn keeps(&self, tensor: TensorId, index: usize) -> bool {
        self.mask.is_none_or(|m| m.layer(tensor).get(index))
    }

    /// A weight; 0 where the mask prunes it.
    pub(crate) fn weight(&self, tensor: TensorId, index: usize) -> f64 {
        if self.keeps(tensor, index) { f64::from(self.weights[tensor][index]) } else { 0.0 }
    }
}
