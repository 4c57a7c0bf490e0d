//! From the operator DAG to the path graph.

use super::graph::{Connection, Kind, Layer, PathGraph, Skip, Weighted};
use super::wiring::Wiring;
use crate::arch::Arch;
use crate::arch::op::effect::Effect;
use crate::ids::LayerId;

struct Builder<'a> {
    arch: &'a Arch,
    /// For each node done, the draft of the layer that its output belongs to.
    layer_of: Vec<usize>,
    /// How many operators read each node.
    readers: Vec<usize>,
    layers: Vec<Draft>,
}

/// The source's draft, edges, and whether they are a skip.
type Incoming = (usize, Kind, Option<Skip>);

/// A layer with what leads to it; merged layers are marked and left out in the end.
struct Draft {
    name: String,
    units: usize,
    incoming: Vec<Incoming>,
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
    /// The draft of the layer that a node's output belongs to: a new one, or its input's.
    fn layer(&mut self, index: usize) -> usize {
        let node = &self.arch.nodes()[index];
        let from: Vec<usize> = node.inputs.iter().map(|&i| self.layer_of[i]).collect();
        match self.arch.effect(index) {
            Effect::Start => self.push(index, Vec::new(), 0),
            Effect::Within => from[0],
            Effect::Weighted { groups, kernel } => self.weighted(index, from[0], groups, kernel),
            Effect::Sum(_) => self.sum(index, &from),
            Effect::Free(wirings) => self.free(index, &from, &wirings),
        }
    }

    fn weighted(&mut self, index: usize, from: usize, groups: usize, kernel: usize) -> usize {
        let specs = self.arch.prunable();
        let Some((tensor, spec)) = specs.with_ids().find(|(_, spec)| spec.nodes.contains(&index))
        else {
            unreachable!("an operator with weighted edges owns a prunable tensor");
        };
        let [outputs, inputs] = [spec.shape[0], spec.shape[1]];
        let weighted = Weighted { tensor, outputs, inputs, kernel, groups };
        let depth = self.layers[from].depth + 1;
        self.push(index, vec![(from, Kind::Weighted(weighted), None)], depth)
    }

    /// A layer without weights of its own, each of whose branches it joins by a wiring.
    fn free(&mut self, index: usize, branches: &[usize], wirings: &[Wiring]) -> usize {
        if let [Wiring::Flatten { block }] = *wirings
            && branches[0] == 0
            && !self.layers[0].shared
        {
            // An input that is only flattened counts as features.
            self.layers[0].units *= block;
            return 0;
        }
        let depth = self.depth(branches);
        let free = branches.iter().zip(wirings);
        let incoming = free.map(|(&branch, &wiring)| (branch, Kind::Free(wiring), None)).collect();
        self.push(index, incoming, depth)
    }

    /// A layer that is the sum of its branches: all but the deepest are skips.
    fn sum(&mut self, index: usize, branches: &[usize]) -> usize {
        let depth = self.depth(branches);
        let main = branches.iter().position(|&b| self.layers[b].depth == depth);
        let mut incoming = Vec::new();
        for (place, &branch) in branches.iter().enumerate() {
            incoming.extend(self.summand(branch, main != Some(place)));
        }
        self.push(index, incoming, depth)
    }

    fn depth(&self, branches: &[usize]) -> usize {
        branches.iter().map(|&b| self.layers[b].depth).max().unwrap_or(0)
    }

    /// A branch of a sum: one that nothing else reads ends in it directly, any other by an identity.
    fn summand(&mut self, branch: usize, bypass: bool) -> Vec<Incoming> {
        let draft = &mut self.layers[branch];
        let private = branch != 0 && !draft.shared;
        draft.merged |= private;
        let mut ends = match private {
            true => std::mem::take(&mut draft.incoming),
            false => vec![(branch, Kind::Free(Wiring::Identity), None)],
        };
        for (_, kind, skip) in ends.iter_mut().filter(|_| bypass) {
            *skip = Some(match kind {
                Kind::Weighted(_) => Skip::Projection,
                Kind::Free(_) => Skip::Identity,
            });
        }
        ends
    }

    fn push(&mut self, index: usize, incoming: Vec<Incoming>, depth: usize) -> usize {
        let node = &self.arch.nodes()[index];
        let (name, units) = (node.name.clone(), node.shape.units());
        self.layers.push(Draft { name, units, incoming, depth, shared: false, merged: false });
        self.layers.len() - 1
    }

    fn finish(self) -> PathGraph {
        let mut graph = PathGraph {
            layers: Vec::new().into(),
            connections: Vec::new().into(),
            // Filled below.
            connections_of: vec![Vec::new(); self.arch.prunable().len()].into(),
        };
        // By draft; nothing starts from a merged one.
        let mut layer_of = vec![LayerId::new(0); self.layers.len()];
        for (place, draft) in self.layers.into_iter().enumerate().filter(|(_, d)| !d.merged) {
            let Draft { name, units, incoming, .. } = draft;
            let target =
                graph.layers.push(Layer { name, units, incoming: vec![], outgoing: vec![] });
            layer_of[place] = target;
            for (source, kind, skip) in incoming {
                let source = layer_of[source];
                let connection = graph.connections.push(Connection { source, target, kind, skip });
                graph.layers[source].outgoing.push(connection);
                graph.layers[target].incoming.push(connection);
                if let Kind::Weighted(shape) = kind {
                    graph.connections_of[shape.tensor].push(connection);
                }
            }
        }
        graph
    }
}
