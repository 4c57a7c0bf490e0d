//! Layers of units and the connections between them.

use std::ops::{Index, Range};

use super::direction::Direction;
use super::wiring::Wiring;
use crate::by_id::{ByConnection, ByLayer, ByTensor};
use crate::ids::{ConnectionId, LayerId, TensorId};

/// The path graph of an architecture: what paths, walks and path sums run over.
///
/// Units (input channels or features, hidden channels, classes) stand in layers, in topological order.
/// Normalisation, activation and pooling belong to a layer. The layers that only feed an addition are merged
/// into the layer of the sum, so a residual block is two connections into one layer.
///
/// A tensor that several operators share weighs a connection for each ([`PathGraph::uses`]): its scalars are one weight and
/// as many edges, and a path may pass several of them.
///
/// An input that is only flattened counts as features: the path graph of an MLP on images starts at pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathGraph {
    pub(super) layers: ByLayer<Layer>,
    pub(super) connections: ByConnection<Connection>,
    /// The connections that a tensor weighs: one, unless several operators share it.
    pub(super) connections_of: ByTensor<Vec<ConnectionId>>,
}

/// A layer of units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Name of the operator whose output this is.
    pub name: String,
    /// Number of units.
    pub units: usize,
    /// Connections that end here.
    pub incoming: Vec<ConnectionId>,
    /// Connections that start here.
    pub outgoing: Vec<ConnectionId>,
}

/// All edges of one kind between two layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Layer that it starts from.
    pub source: LayerId,
    /// Layer that it leads to.
    pub target: LayerId,
    /// What its edges are.
    pub kind: Kind,
    /// Whether it bypasses a deeper branch of an addition.
    pub skip: Option<Skip>,
}

/// A connection that bypasses a deeper branch of an addition.
///
/// Of the branches of an addition the one with the most weighted connections behind it is the main one (of
/// equals, the one named first); every other is a skip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// Free of parameters.
    Identity,
    /// Weighted, like the 1×1 convolution of a residual network.
    Projection,
}

/// What the edges of a connection are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Every scalar of a tensor is one edge.
    Weighted(Weighted),
    /// Edges without a parameter.
    Free(Wiring),
}

/// The shape of a weighted connection: a tensor `[outputs, inputs, kernel]` in `groups` blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weighted {
    /// The tensor.
    pub tensor: TensorId,
    /// Target units.
    pub outputs: usize,
    /// Source units that each target unit sees: those of its group.
    pub inputs: usize,
    /// Scalars of a kernel: parallel edges between two units.
    pub kernel: usize,
    /// Groups.
    pub groups: usize,
}

impl Weighted {
    /// Scalars into one target unit.
    #[must_use]
    pub fn row(&self) -> usize {
        self.inputs * self.kernel
    }

    /// Target units of one group.
    #[must_use]
    pub fn outputs_per_group(&self) -> usize {
        self.outputs / self.groups
    }

    /// Scalars of the tensor.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "a tensor of an architecture is never empty")]
    pub fn len(&self) -> usize {
        self.outputs * self.row()
    }

    /// Scalars out of one source unit.
    #[must_use]
    pub fn fan_out(&self) -> usize {
        self.outputs_per_group() * self.kernel
    }

    /// First source unit that a target unit sees.
    #[must_use]
    pub fn first_source(&self, target: usize) -> usize {
        target / self.outputs_per_group() * self.inputs
    }

    /// Source and target unit of a scalar.
    #[must_use]
    pub fn ends(&self, index: usize) -> (usize, usize) {
        let target = index / self.row();
        (self.first_source(target) + index % self.row() / self.kernel, target)
    }

    /// The scalars into a target unit.
    #[must_use]
    pub fn scalars_into(&self, target: usize) -> Range<usize> {
        target * self.row()..(target + 1) * self.row()
    }

    /// The scalars out of a source unit, in ascending order.
    pub fn scalars_out_of(&self, source: usize) -> impl Iterator<Item = usize> + use<> {
        let Self { inputs, kernel, .. } = *self;
        let (row, outputs) = (self.row(), self.outputs_per_group());
        let (group, place) = (source / inputs, source % inputs);
        (group * outputs..(group + 1) * outputs).flat_map(move |target| {
            let first = target * row + place * kernel;
            first..first + kernel
        })
    }
}

/// A use of a prunable tensor: a connection that it weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The connection.
    pub connection: ConnectionId,
    /// The tensor's shape.
    pub shape: Weighted,
    /// Layer that the connection starts from.
    pub source: LayerId,
    /// Layer that it leads to.
    pub target: LayerId,
}

impl Connection {
    /// Which unit leads to which, of a connection without parameters.
    #[must_use]
    pub fn wiring(&self) -> Option<Wiring> {
        match self.kind {
            Kind::Weighted(_) => None,
            Kind::Free(wiring) => Some(wiring),
        }
    }
}

impl PathGraph {
    /// The layers in topological order; the first is the input, the last the output.
    #[must_use]
    pub fn layers(&self) -> &ByLayer<Layer> {
        &self.layers
    }

    /// The connections, ordered by the layer that they lead to.
    #[must_use]
    pub fn connections(&self) -> &ByConnection<Connection> {
        &self.connections
    }

    /// The prunable tensors.
    #[must_use]
    pub fn tensors(&self) -> impl DoubleEndedIterator<Item = TensorId> + ExactSizeIterator + use<> {
        self.connections_of.ids()
    }

    /// A prunable tensor's shape, as the weights of a connection: the same for each that it weighs.
    ///
    /// # Panics
    /// If there is no such tensor.
    #[must_use]
    pub fn shape(&self, tensor: TensorId) -> Weighted {
        self.use_of(self.connections_of[tensor][0]).shape
    }

    /// The uses of a prunable tensor, ordered by the layers that they lead to: its connections, and the layers that they
    /// join. There is one, unless several operators share the tensor.
    ///
    /// # Panics
    /// If there is no such tensor.
    #[must_use]
    pub fn uses(&self, tensor: TensorId) -> impl ExactSizeIterator<Item = Ends> + Clone + '_ {
        self.connections_of[tensor].iter().map(|&connection| self.use_of(connection))
    }

    fn use_of(&self, connection: ConnectionId) -> Ends {
        let Connection { source, target, kind, .. } = self[connection];
        match kind {
            Kind::Weighted(shape) => Ends { connection, shape, source, target },
            Kind::Free(_) => unreachable!("the builder lists weighted connections only"),
        }
    }

    /// The layer that walks and sweeps of a direction start from: the inputs, or in reverse the outputs.
    #[must_use]
    pub fn start(&self, direction: Direction) -> LayerId {
        match direction {
            Direction::Forward => LayerId::new(0),
            Direction::Reverse => LayerId::new(self.layers.len() - 1),
        }
    }

    /// The layers in the order in which walks and sweeps of a direction come to them.
    pub fn order(&self, direction: Direction) -> impl Iterator<Item = LayerId> + use<> {
        let last = self.layers.len() - 1;
        self.layers.ids().map(move |layer| match direction {
            Direction::Forward => layer,
            Direction::Reverse => LayerId::new(last - layer.index()),
        })
    }

    /// Units of the input layer.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self[self.start(Direction::Forward)].units
    }

    /// Units of the output layer.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self[self.start(Direction::Reverse)].units
    }
}

impl Index<LayerId> for PathGraph {
    type Output = Layer;

    fn index(&self, layer: LayerId) -> &Layer {
        &self.layers[layer]
    }
}

impl Index<ConnectionId> for PathGraph {
    type Output = Connection;

    fn index(&self, connection: ConnectionId) -> &Connection {
        &self.connections[connection]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_of_a_unit_are_those_that_end_there() {
        for (outputs, inputs, kernel, groups) in [(4, 3, 1, 1), (6, 2, 9, 3), (2, 1, 4, 2)] {
            let tensor = TensorId::new(0);
            let shape = Weighted { tensor, outputs, inputs, kernel, groups };
            let all = |end: &dyn Fn(usize) -> bool| (0..shape.len()).filter(|&i| end(i)).collect();
            for unit in 0..outputs {
                let expected: Vec<usize> = all(&|i| shape.ends(i).1 == unit);
                assert_eq!(shape.scalars_into(unit).collect::<Vec<_>>(), expected);
            }
            for unit in 0..inputs * groups {
                let expected: Vec<usize> = all(&|i| shape.ends(i).0 == unit);
                assert_eq!(shape.scalars_out_of(unit).collect::<Vec<_>>(), expected);
            }
        }
    }
}
