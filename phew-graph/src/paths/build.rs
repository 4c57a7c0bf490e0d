//! From the operator DAG to the path graph.

use super::graph::{Connection, Kind, Layer, PathGraph, Skip, Weighted};
use crate::arch::{Arch, Op};

struct Builder<'a> {
    arch: &'a Arch,
    /// For each node done, the layer that its output belongs to.
    layer_of: Vec<usize>,
    /// How many operators read each node.
    readers: Vec<usize>,
    layers: Vec<Draft>,
}

/// A layer with what leads to it; merged layers are marked and left out in the end.
struct Draft {
    name: String,
    units: usize,
    incoming: Vec<(usize, Kind, Option<Skip>)>,
    /// Weighted connections on the longest way from the input.
    depth: usize,
    /// Read by more than one operator, somewhere between the layer's first operator and its last.
    shared: bool,
    merged: bool,
}

impl PathGraph {
    /// The path graph of an architecture.
    #[must_use]
    pub fn new(arch: &Arch) -> Self {
        let mut readers = vec![0; arch.nodes().len()];
        for &input in arch.nodes().iter().flat_map(|n| &n.inputs) {
            readers[input] += 1;
        }
        let mut builder = Builder { arch, layer_of: Vec::new(), readers, layers: Vec::new() };
        for node in 0..arch.nodes().len() {
            let layer = builder.layer(node);
            builder.layers[layer].shared |= builder.readers[node] > 1;
            builder.layer_of.push(layer);
        }
        builder.finish()
    }
}

impl Builder<'_> {
    /// The layer that a node's output belongs to: a new one, or its input's.
    fn layer(&mut self, index: usize) -> usize {
        let node = &self.arch.nodes()[index];
        let from = node.inputs.first().map(|&i| self.layer_of[i]);
        match (&node.op, from) {
            (Op::Conv2d(conv), Some(from)) => {
                let kernel = conv.kernel[0] * conv.kernel[1];
                self.weighted(index, from, conv.groups, kernel)
            }
            (Op::Linear { .. }, Some(from)) => self.weighted(index, from, 1, 1),
            (Op::Flatten, Some(from)) => {
                let block = self.arch.nodes()[node.inputs[0]].shape.area();
                if block == 1 {
                    return from;
                }
                if from == 0 && !self.layers[0].shared {
                    self.layers[0].units *= block;
                    return from;
                }
                let depth = self.layers[from].depth;
                self.push(index, vec![(from, Kind::Flatten { block }, None)], depth)
            }
            (Op::Add, Some(_)) => self.add(index),
            (_, Some(from)) => from,
            (_, None) => self.push(index, Vec::new(), 0),
        }
    }

    fn weighted(&mut self, index: usize, from: usize, groups: usize, kernel: usize) -> usize {
        let specs = self.arch.prunable();
        let Some(tensor) = specs.iter().position(|s| s.node == index) else {
            unreachable!("a convolution or linear layer owns a prunable tensor");
        };
        let [outputs, inputs] = [specs[tensor].shape[0], specs[tensor].shape[1]];
        let weighted = Weighted { tensor, outputs, inputs, kernel, groups };
        let depth = self.layers[from].depth + 1;
        self.push(index, vec![(from, Kind::Weighted(weighted), None)], depth)
    }

    /// A sum: branches that nothing else reads end in it directly, the others by an identity.
    fn add(&mut self, index: usize) -> usize {
        let branches: Vec<usize> =
            self.arch.nodes()[index].inputs.iter().map(|&i| self.layer_of[i]).collect();
        let depth = branches.iter().map(|&b| self.layers[b].depth).max().unwrap_or(0);
        let main = branches.iter().position(|&b| self.layers[b].depth == depth);
        let mut incoming = Vec::new();
        for (place, &branch) in branches.iter().enumerate() {
            let draft = &mut self.layers[branch];
            let private = branch != 0 && !draft.shared;
            draft.merged |= private;
            let ends = match private {
                true => std::mem::take(&mut draft.incoming),
                false => vec![(branch, Kind::Identity, None)],
            };
            let bypass = main != Some(place);
            incoming.extend(ends.into_iter().map(|(source, kind, skip)| {
                let as_skip = match kind {
                    Kind::Weighted(_) => Skip::Projection,
                    Kind::Identity | Kind::Flatten { .. } => Skip::Identity,
                };
                (source, kind, if bypass { Some(as_skip) } else { skip })
            }));
        }
        self.push(index, incoming, depth)
    }

    fn push(
        &mut self,
        index: usize,
        incoming: Vec<(usize, Kind, Option<Skip>)>,
        depth: usize,
    ) -> usize {
        let node = &self.arch.nodes()[index];
        let (name, units) = (node.name.clone(), node.shape.units());
        self.layers.push(Draft { name, units, incoming, depth, shared: false, merged: false });
        self.layers.len() - 1
    }

    fn finish(self) -> PathGraph {
        let mut place = vec![usize::MAX; self.layers.len()];
        let mut graph = PathGraph {
            layers: Vec::new(),
            connections: Vec::new(),
            connection_of: vec![0; self.arch.prunable().len()],
        };
        for (old, draft) in self.layers.into_iter().enumerate().filter(|(_, d)| !d.merged) {
            let target = graph.layers.len();
            place[old] = target;
            let mut layer =
                Layer { name: draft.name, units: draft.units, incoming: vec![], outgoing: vec![] };
            for (source, kind, skip) in draft.incoming {
                let (connection, source) = (graph.connections.len(), place[source]);
                if let Kind::Weighted(weighted) = kind {
                    graph.connection_of[weighted.tensor] = connection;
                }
                layer.incoming.push(connection);
                graph.layers[source].outgoing.push(connection);
                graph.connections.push(Connection { source, target, kind, skip });
            }
            graph.layers.push(layer);
        }
        graph
    }
}
