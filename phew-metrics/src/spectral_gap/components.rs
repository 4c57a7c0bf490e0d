//! Connected parts of a graph.

/// Connected parts of a graph, found edge by edge (union-find).
pub(super) struct Components {
    root: Vec<usize>,
    /// Number of parts; a unit without an edge is one.
    pub(super) parts: usize,
}

impl Components {
    pub(super) fn new(units: usize) -> Self {
        Self { root: (0..units).collect(), parts: units }
    }

    /// The unit that stands for the part of a unit.
    pub(super) fn find(&mut self, mut unit: usize) -> usize {
        while self.root[unit] != unit {
            self.root[unit] = self.root[self.root[unit]];
            unit = self.root[unit];
        }
        unit
    }

    /// Joins the parts of two units.
    pub(super) fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.find(a), self.find(b));
        if a != b {
            self.root[a.max(b)] = a.min(b);
            self.parts -= 1;
        }
    }
}
