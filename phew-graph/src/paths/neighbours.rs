//! The edges at one unit, for searches that go from unit to unit.

use super::graph::{Kind, PathGraph, Weighted};
use super::wiring::Wiring;
use crate::ids::{ConnectionId, LayerId, TensorId};

/// An edge between two units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The connection that it belongs to.
    pub connection: ConnectionId,
    /// Unit of the source layer.
    pub source: usize,
    /// Unit of the target layer.
    pub target: usize,
    /// Prunable tensor and index in it; nothing for a parameter-free edge.
    pub weight: Option<(TensorId, usize)>,
}

impl PathGraph {
    /// The edges into a unit, connection by connection in the order of [`super::Layer::incoming`], those of a tensor by
    /// ascending index.
    ///
    /// # Panics
    /// If there is no such layer.
    pub fn edges_into(&self, layer: LayerId, unit: usize) -> impl Iterator<Item = Edge> {
        self[layer].incoming.iter().flat_map(move |&c| self.into_by(c, unit))
    }

    /// The edges out of a unit, connection by connection in the order of [`super::Layer::outgoing`], those of a tensor
    /// by ascending index.
    ///
    /// # Panics
    /// If there is no such layer.
    pub fn edges_out_of(&self, layer: LayerId, unit: usize) -> impl Iterator<Item = Edge> {
        self[layer].outgoing.iter().flat_map(move |&c| self.out_by(c, unit))
    }

    /// The edges of one connection into a unit of its target layer.
    ///
    /// # Panics
    /// If there is no such connection.
    pub fn into_by(
        &self,
        connection: ConnectionId,
        target: usize,
    ) -> impl Iterator<Item = Edge> + use<> {
        let (shape, wiring) = self.weights_or_wiring(connection);
        let weighted = shape.into_iter().flat_map(move |shape| {
            shape.scalars_into(target).map(move |index| {
                let (weight, source) = (Some((shape.tensor, index)), shape.ends(index).0);
                Edge { connection, source, target, weight }
            })
        });
        let free = wiring.into_iter().flat_map(move |wiring| wiring.sources_of(target));
        weighted.chain(free.map(move |source| Edge { connection, source, target, weight: None }))
    }

    /// The edges of one connection out of a unit of its source layer.
    ///
    /// # Panics
    /// If there is no such connection.
    pub fn out_by(
        &self,
        connection: ConnectionId,
        source: usize,
    ) -> impl Iterator<Item = Edge> + use<> {
        let (shape, wiring) = self.weights_or_wiring(connection);
        let weighted = shape.into_iter().flat_map(move |shape| {
            shape.scalars_out_of(source).map(move |index| {
                let (weight, target) = (Some((shape.tensor, index)), shape.ends(index).1);
                Edge { connection, source, target, weight }
            })
        });
        let free = wiring.into_iter().flat_map(move |wiring| wiring.targets_of(source));
        weighted.chain(free.map(move |target| Edge { connection, source, target, weight: None }))
    }

    /// The one or the other.
    fn weights_or_wiring(&self, connection: ConnectionId) -> (Option<Weighted>, Option<Wiring>) {
        match self[connection].kind {
            Kind::Weighted(shape) => (Some(shape), None),
            Kind::Free(wiring) => (None, Some(wiring)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zoo;

    #[test]
    fn edges_out_of_all_units_are_the_edges_into_all_units() {
        let arch = zoo::by_name("wrn-10-1").unwrap().build().unwrap();
        let graph = PathGraph::new(&arch);
        let key = |e: &Edge| (e.connection, e.source, e.target, e.weight);
        let all = |forward: bool| {
            let mut edges = Vec::new();
            for (layer, there) in graph.layers().with_ids() {
                for unit in 0..there.units {
                    match forward {
                        true => edges.extend(graph.edges_out_of(layer, unit)),
                        false => edges.extend(graph.edges_into(layer, unit)),
                    }
                }
            }
            edges.sort_unstable_by_key(key);
            edges
        };
        let (out, into) = (all(true), all(false));
        assert_eq!(out, into);
        assert_eq!(out.iter().filter(|e| e.weight.is_some()).count(), arch.prunable_len());
    }
}
