//! One step of a random walk as an edge value: Q of the papers, forward or in reverse.

use std::ops::Range;

use super::direction::Direction;
use super::edges::{EdgeValue, Edges};
use super::graph::{Connection, Ends, Kind, PathGraph, Skip, Weighted};
use super::kernel::{gather, scatter};
use crate::by_id::{ByConnection, ByLayer};
use crate::ids::{ConnectionId, LayerId};

/// Which connections a walk may take where an architecture has skips.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SkipPolicy {
    /// All of them; at a layer with several, one is chosen uniformly.
    #[default]
    Uniform,
    /// Only main branches: of an addition the branch with the most weighted connections behind it, of equals the one
    /// named first ([`Skip`]).
    Main,
    /// Main branches and weighted skips, not identities.
    Projection,
}

crate::choice! {
    SkipPolicy, "skip policy":
    Uniform => "uniform", "All; at a layer with several onward connections one is chosen uniformly",
    Main => "main", "Only main branches",
    Projection => "projection", "Main branches and projections, not identities",
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
    terms: ByConnection<Terms>,
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
        let terms = |connection: ConnectionId| {
            let step = graph.step(connection, direction);
            let units = graph[step.near].units;
            if !walked[connection] {
                return Terms { direction, scale: vec![0.0; units], offset: None };
            }
            // Of each unit, the probability of this connection; unused where it leaves none.
            let choices = graph.choices(step.near, direction, &walked);
            let choices = choices.into_iter().map(|n| 1.0 / n.max(1) as f64);
            let shape = match graph[connection].kind {
                Kind::Weighted(shape) => shape,
                Kind::Free(wiring) => {
                    let features = match direction {
                        Direction::Forward => wiring.fan_out(),
                        Direction::Reverse => wiring.fan_in(),
                    };
                    let scale = choices.map(|choice| choice / features as f64).collect();
                    return Terms { direction, scale, offset: None };
                }
            };
            // What each unit has onwards: the connection's sums the other way.
            let ones = vec![1.0; step.units];
            let (sums, fan) = match direction {
                Direction::Forward => (scatter(&shape, edges, &ones), shape.fan_out()),
                Direction::Reverse => (gather(&shape, edges, &ones), shape.row()),
            };
            let stuck = sums.iter().any(|&s| s <= 0.0);
            let mut offset = Vec::new();
            let scale = |(choice, &sum): (f64, &f64)| {
                if stuck {
                    offset.push(if sum > 0.0 { 0.0 } else { choice / fan as f64 });
                }
                if sum > 0.0 { choice / sum } else { 0.0 }
            };
            let scale = choices.zip(&sums).map(scale).collect();
            Terms { direction, scale, offset: stuck.then_some(offset) }
        };
        let terms = graph.connections().ids().map(terms).collect();
        Self { direction, terms }
    }

    /// Which way the walk goes.
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// Probability of an edge of a use of a prunable tensor, given that the walk stands at its near end.
    ///
    /// # Panics
    /// If there is no such connection or scalar.
    #[must_use]
    pub fn probability<E: EdgeValue>(
        &self,
        edges: &Edges<'_, E>,
        ends: &Ends,
        index: usize,
    ) -> f64 {
        let (source, target) = ends.shape.ends(index);
        let value = edges.value(ends.shape.tensor, index);
        self.over(ends.connection).probability(value, source, target)
    }

    /// The steps over a weighted connection, for loops that know the edges' ends.
    ///
    /// # Panics
    /// If there is no such connection.
    #[must_use]
    pub fn over(&self, connection: ConnectionId) -> StepsOver<'_> {
        StepsOver { terms: &self.terms[connection] }
    }

    /// Probability of each edge of a parameter-free connection, by the unit at which the walk stands; zeros where walks
    /// do not take the connection.
    ///
    /// # Panics
    /// If there is no such connection.
    #[must_use]
    pub fn passage(&self, connection: ConnectionId) -> &[f64] {
        &self.terms[connection].scale
    }

    pub(super) fn terms(&self, connection: ConnectionId) -> &Terms {
        &self.terms[connection]
    }
}

/// The steps of a walk over one weighted connection.
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
    /// Of each connection, whether a walk under this policy may take it: it is allowed, and lies on a chain
    /// of allowed connections from the input to the output.
    #[must_use]
    pub fn walked(&self, skips: SkipPolicy) -> ByConnection<bool> {
        let allowed = |c: &Connection| skips.allows(c.skip);
        let [mut entered, mut left] = Direction::BOTH.map(|direction| {
            let start = self.start(direction);
            self.layers().ids().map(|layer| layer == start).collect::<ByLayer<bool>>()
        });
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

impl PathGraph {
    /// The units of its near layer that a connection leaves: all of them, but in reverse from a concatenation only
    /// those that it leads to, and forward to a part of a layer only those of the part.
    ///
    /// # Panics
    /// If there is no such connection.
    #[must_use]
    pub fn leaves(&self, connection: ConnectionId, direction: Direction) -> Range<usize> {
        let units = self[self.step(connection, direction).near].units;
        match (direction, self[connection].wiring()) {
            (Direction::Reverse, Some(wiring)) => wiring.targets(units),
            (Direction::Forward, Some(wiring)) => wiring.sources(units),
            (_, None) => 0..units,
        }
    }

    /// For each unit of a layer, among how many connections a walk chooses there: the walked ones that leave it.
    ///
    /// # Panics
    /// If there is no such layer.
    #[must_use]
    pub fn choices(
        &self,
        layer: LayerId,
        direction: Direction,
        walked: &ByConnection<bool>,
    ) -> Vec<usize> {
        let layer = &self[layer];
        let onward = match direction {
            Direction::Forward => &layer.outgoing,
            Direction::Reverse => &layer.incoming,
        };
        let mut choices = vec![0; layer.units];
        for &connection in onward.iter().filter(|&&c| walked[c]) {
            choices[self.leaves(connection, direction)].iter_mut().for_each(|n| *n += 1);
        }
        choices
    }
}

impl Terms {
    /// The near units' values before the edges are applied: with their factors, where the walk stands at them.
    pub(super) fn before(&self, sweep: Direction, near: &[f64]) -> Option<Vec<f64>> {
        (sweep == self.direction)
            .then(|| near.iter().zip(&self.scale).map(|(x, s)| x * s).collect())
    }

    /// The far units' values after the edges are applied: with their factors, where the walk stands at them, and
    /// with the uniform steps out of stuck units.
    pub(super) fn after(
        &self,
        sweep: Direction,
        shape: Option<&Weighted>,
        near: &[f64],
        mut far: Vec<f64>,
    ) -> Vec<f64> {
        if sweep != self.direction {
            far.iter_mut().zip(&self.scale).for_each(|(y, s)| *y *= s);
        }
        if let (Some(offset), Some(shape)) = (&self.offset, shape) {
            let (inputs, outputs) = (shape.inputs, shape.outputs_per_group());
            let (from, to) = match sweep {
                Direction::Forward => (inputs, outputs),
                Direction::Reverse => (outputs, inputs),
            };
            for (group, (x, y)) in near.chunks(from).zip(far.chunks_mut(to)).enumerate() {
                self.add_uniform(shape, offset, group, sweep, x, y);
            }
        }
        far
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
