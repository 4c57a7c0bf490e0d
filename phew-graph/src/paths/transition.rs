//! One step of a random walk as an edge value: Q of the papers, forward or in reverse.

use super::edges::{EdgeValue, Edges};
use super::graph::{Connection, Kind, PathGraph, Skip, Weighted};

/// Which way a walk goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From inputs to outputs.
    Forward,
    /// From outputs to inputs.
    Reverse,
}

/// Which connections a walk may take where an architecture has skips.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub enum SkipPolicy {
    /// All of them; at a layer with several, one is chosen uniformly.
    #[default]
    Uniform,
    /// Only main branches.
    Main,
    /// Main branches and weighted skips, not identities.
    Projection,
}

impl SkipPolicy {
    fn allows(self, skip: Option<Skip>) -> bool {
        match (self, skip) {
            (_, None) | (SkipPolicy::Uniform, _) => true,
            (SkipPolicy::Main, _) => false,
            (SkipPolicy::Projection, Some(skip)) => skip == Skip::Projection,
        }
    }
}

/// Probabilities of a walk's next step, for every edge at once.
///
/// At unit `u` a walk first chooses one of the layer's onward connections uniformly, then an edge `e` of it
/// with probability `f(e) / S(u)`, where `S(u)` sums f over the unit's onward edges in that connection. A
/// unit whose edges are all worth nothing is left uniformly. Only `1/S` is stored: the edge itself is read
/// from the weights.
///
/// # References
/// Patil & Dovrolis 2021, eq. (10). The choice between connections is phew's own: the paper leaves skips out.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    direction: Direction,
    terms: Vec<Terms>,
}

/// What a connection's units do to its edge values: `Q(e) = f(e) · scale(u) + offset(u)`, where `u` is the
/// end at which the walk stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Terms {
    direction: Direction,
    scale: Vec<f64>,
    /// Not 0 only for units whose edges are all worth 0; left out where there is none.
    offset: Option<Vec<f64>>,
}

impl Transition {
    /// The steps of a walk with edge values `edges`.
    ///
    /// # Complexity
    /// One pass over the weights.
    #[must_use]
    pub fn new<E: EdgeValue>(
        graph: &PathGraph,
        edges: &Edges<'_, E>,
        direction: Direction,
        skips: SkipPolicy,
    ) -> Self {
        let walked = graph.walked(skips);
        let terms = (0..graph.connections().len()).map(|c| {
            let Connection { source, target, kind, .. } = &graph.connections()[c];
            let (near, units_far) = match direction {
                Direction::Forward => (*source, graph.layers()[*target].units),
                Direction::Reverse => (*target, graph.layers()[*source].units),
            };
            let units = graph.layers()[near].units;
            if !walked[c] {
                return Terms { direction, scale: vec![0.0; units], offset: None };
            }
            let layer = &graph.layers()[near];
            let onward =
                if direction == Direction::Forward { &layer.outgoing } else { &layer.incoming };
            let choice = 1.0 / onward.iter().filter(|&&c| walked[c]).count() as f64;
            let (scale, offset) = match (kind, direction) {
                (Kind::Identity, _) | (Kind::Flatten { .. }, Direction::Reverse) => {
                    (vec![choice; units], None)
                }
                (Kind::Flatten { block }, Direction::Forward) => {
                    (vec![choice / *block as f64; units], None)
                }
                (Kind::Weighted(shape), _) => {
                    let ones = vec![1.0; units_far];
                    let (sums, fan) = match direction {
                        Direction::Forward => (graph.pull(c, edges, None, &ones), shape.fan_out()),
                        Direction::Reverse => (graph.push(c, edges, None, &ones), shape.row()),
                    };
                    let scale =
                        sums.iter().map(|&s| if s > 0.0 { choice / s } else { 0.0 }).collect();
                    let uniform = choice / fan as f64;
                    let stuck = sums.iter().any(|&s| s <= 0.0);
                    let offset =
                        || sums.iter().map(|&s| if s > 0.0 { 0.0 } else { uniform }).collect();
                    (scale, stuck.then(offset))
                }
            };
            Terms { direction, scale, offset }
        });
        Self { direction, terms: terms.collect() }
    }

    /// Which way the walk goes.
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// Probability of an edge of a prunable tensor, given that the walk stands at its near end.
    ///
    /// # Panics
    /// If there is no such tensor or scalar.
    #[must_use]
    pub fn probability<E: EdgeValue>(
        &self,
        graph: &PathGraph,
        edges: &Edges<'_, E>,
        tensor: usize,
        index: usize,
    ) -> f64 {
        let (source, target) = graph.weighted(tensor).1.ends(index);
        self.over(graph, tensor).probability(edges.value(tensor, index), source, target)
    }

    /// The steps over one prunable tensor, for loops that know the edges' ends.
    ///
    /// # Panics
    /// If there is no such tensor.
    #[must_use]
    pub fn over(&self, graph: &PathGraph, tensor: usize) -> StepsOver<'_> {
        StepsOver { terms: &self.terms[graph.weighted(tensor).0] }
    }

    pub(super) fn terms(&self, connection: usize) -> &Terms {
        &self.terms[connection]
    }
}

/// The steps of a walk over one prunable tensor.
#[derive(Clone, Copy, Debug)]
pub struct StepsOver<'a> {
    terms: &'a Terms,
}

impl StepsOver<'_> {
    /// Probability of an edge with this value between two units, given that the walk stands at its near end.
    ///
    /// # Panics
    /// If there is no such unit.
    #[inline]
    #[must_use]
    pub fn probability(&self, value: f64, source: usize, target: usize) -> f64 {
        let near = if self.terms.direction == Direction::Forward { source } else { target };
        let offset = self.terms.offset.as_ref().map_or(0.0, |o| o[near]);
        value * self.terms.scale[near] + offset
    }
}

impl PathGraph {
    /// For each connection, whether a walk under this policy may take it: it is allowed, and lies on a chain
    /// of allowed connections from the input to the output.
    #[must_use]
    pub fn walked(&self, skips: SkipPolicy) -> Vec<bool> {
        let allowed = |c: &Connection| skips.allows(c.skip);
        let last = self.layers().len() - 1;
        let mut entered = vec![false; last + 1];
        let mut left = vec![false; last + 1];
        (entered[0], left[last]) = (true, true);
        for c in self.connections().iter().filter(|c| allowed(c)) {
            entered[c.target] |= entered[c.source];
        }
        for c in self.connections().iter().rev().filter(|c| allowed(c)) {
            left[c.source] |= left[c.target];
        }
        self.connections()
            .iter()
            .map(|c| allowed(c) && entered[c.source] && left[c.target])
            .collect()
    }
}

impl Terms {
    /// Source values before the edges are applied, where the walk stands at the source.
    pub(super) fn at_source(&self, x: &[f64]) -> Option<Vec<f64>> {
        (self.direction == Direction::Forward).then(|| product(x, &self.scale))
    }

    /// Target values before the edges are applied, where the walk stands at the target.
    pub(super) fn at_target(&self, y: &[f64]) -> Option<Vec<f64>> {
        (self.direction == Direction::Reverse).then(|| product(y, &self.scale))
    }

    /// Target values after the edges: the far end's scale, and the uniform steps out of stuck units.
    pub(super) fn finish_forward(&self, kind: &Kind, x: &[f64], y: &mut [f64]) {
        if self.direction == Direction::Reverse {
            y.iter_mut().zip(&self.scale).for_each(|(y, s)| *y *= s);
        }
        let (Some(offset), Kind::Weighted(shape)) = (&self.offset, kind) else { return };
        let groups =
            x.chunks(shape.inputs).zip(y.chunks_mut(shape.outputs_per_group())).enumerate();
        for (g, (x, y)) in groups {
            self.add_uniform(shape, offset, g, Direction::Forward, x, y);
        }
    }

    /// As [`Terms::finish_forward`], towards the source.
    pub(super) fn finish_backward(&self, kind: &Kind, y: &[f64], x: &mut [f64]) {
        if self.direction == Direction::Forward {
            x.iter_mut().zip(&self.scale).for_each(|(x, s)| *x *= s);
        }
        let (Some(offset), Kind::Weighted(shape)) = (&self.offset, kind) else { return };
        let groups =
            y.chunks(shape.outputs_per_group()).zip(x.chunks_mut(shape.inputs)).enumerate();
        for (g, (y, x)) in groups {
            self.add_uniform(shape, offset, g, Direction::Reverse, y, x);
        }
    }

    /// Adds the offset's part of one group: every kernel joins every unit of `from` to every unit of `to`.
    fn add_uniform(
        &self,
        shape: &Weighted,
        offset: &[f64],
        group: usize,
        sum: Direction,
        from: &[f64],
        to: &mut [f64],
    ) {
        let kernel = shape.kernel as f64;
        if sum == self.direction {
            let offset = &offset[group * from.len()..];
            let all: f64 = from.iter().zip(offset).map(|(f, o)| f * o * kernel).sum();
            to.iter_mut().for_each(|t| *t += all);
        } else {
            let all: f64 = from.iter().sum();
            let offset = &offset[group * to.len()..];
            to.iter_mut().zip(offset).for_each(|(t, o)| *t += o * kernel * all);
        }
    }
}

fn product(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a * b).collect()
}
