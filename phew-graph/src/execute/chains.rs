//! Which nodes follow one another with nothing else reading what comes between.

use crate::arch::{Arch, Op};

/// The nodes of an architecture, of which steps take up one after the other.
pub(super) struct Chains<'n> {
    arch: &'n Arch,
    /// The one node that reads a node, if it is one.
    reader: Vec<Option<usize>>,
    /// Nodes that a step has taken up.
    done: Vec<bool>,
}

impl<'n> Chains<'n> {
    pub(super) fn new(arch: &'n Arch) -> Self {
        let nodes = arch.nodes();
        let (mut readers, mut reader) = (vec![0; nodes.len()], vec![None; nodes.len()]);
        for (number, node) in nodes.iter().enumerate() {
            for &input in &node.inputs {
                readers[input] += 1;
                reader[input] = Some(number).filter(|_| readers[input] == 1);
            }
        }
        Self { arch, reader, done: vec![false; nodes.len()] }
    }

    /// The only reader of a node's result.
    pub(super) fn next(&self, node: usize) -> Option<(usize, &'n Op)> {
        let next = self.reader[node]?;
        Some((next, &self.arch.nodes()[next].op))
    }

    /// Takes up a node.
    pub(super) fn take(&mut self, node: usize) -> usize {
        self.done[node] = true;
        node
    }

    pub(super) fn done(&self, node: usize) -> bool {
        self.done[node]
    }
}
