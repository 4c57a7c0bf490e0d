//! Parameter-free connections: which unit leads to which.

use std::ops::Range;

/// The edges of a connection without parameters: each target unit has at most one source unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wiring {
    /// Unit `i` to unit `i`.
    Identity,
    /// Channel `c` to the features `c·block … (c+1)·block − 1`.
    Flatten {
        /// Features of a channel.
        block: usize,
    },
    /// Unit `i` of `units` to unit `first + i`: one input of a concatenation.
    Block {
        /// Target of the first unit.
        first: usize,
        /// Source units.
        units: usize,
    },
}

impl Wiring {
    /// The source of a target unit, if it has one.
    #[inline]
    #[must_use]
    pub fn source_of(self, target: usize) -> Option<usize> {
        match self {
            Wiring::Identity => Some(target),
            Wiring::Flatten { block } => Some(target / block),
            Wiring::Block { first, units } => target.checked_sub(first).filter(|&i| i < units),
        }
    }

    /// The targets of a source unit: [`Wiring::fan_out`] of them.
    #[inline]
    #[must_use]
    pub fn targets_of(self, source: usize) -> Range<usize> {
        match self {
            Wiring::Identity => source..source + 1,
            Wiring::Flatten { block } => source * block..(source + 1) * block,
            Wiring::Block { first, .. } => first + source..first + source + 1,
        }
    }

    /// Targets of each source unit.
    #[must_use]
    pub fn fan_out(self) -> usize {
        match self {
            Wiring::Identity | Wiring::Block { .. } => 1,
            Wiring::Flatten { block } => block,
        }
    }

    /// The units with a source, of a target layer with so many units.
    #[must_use]
    pub fn targets(self, units: usize) -> Range<usize> {
        match self {
            Wiring::Identity | Wiring::Flatten { .. } => 0..units,
            Wiring::Block { first, units } => first..first + units,
        }
    }

    /// Source and target of every edge, by ascending target, to a target layer with so many units.
    pub fn pairs(self, units: usize) -> impl Iterator<Item = (usize, usize)> {
        self.targets(units).filter_map(move |target| Some((self.source_of(target)?, target)))
    }

    /// What the target units have of the values of the source units: a copy, or `zero` where there is no source.
    #[must_use]
    pub fn onto_targets<T: Clone>(self, sources: &[T], units: usize, zero: T) -> Vec<T> {
        match self {
            Wiring::Identity => sources.to_vec(),
            Wiring::Flatten { block } => {
                sources.iter().flat_map(|v| std::iter::repeat_n(v, block)).cloned().collect()
            }
            Wiring::Block { .. } => {
                let value = |target| match self.source_of(target) {
                    Some(source) => sources[source].clone(),
                    None => zero.clone(),
                };
                (0..units).map(value).collect()
            }
        }
    }

    /// What the source units have of the values of the target units: their sum by `add`, by ascending target.
    #[must_use]
    pub fn onto_sources<T: Clone>(self, targets: &[T], add: impl Fn(&mut T, &T)) -> Vec<T> {
        match self {
            Wiring::Identity => targets.to_vec(),
            Wiring::Flatten { block } => {
                let sum = |values: &[T]| {
                    let (first, rest) = values.split_first()?;
                    let mut sum = first.clone();
                    rest.iter().for_each(|value| add(&mut sum, value));
                    Some(sum)
                };
                targets.chunks(block).filter_map(sum).collect()
            }
            Wiring::Block { first, units } => targets[first..first + units].to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each wiring, with its numbers of source and of target units.
    const CASES: [(Wiring, usize, usize); 3] = [
        (Wiring::Identity, 4, 4),
        (Wiring::Flatten { block: 3 }, 2, 6),
        (Wiring::Block { first: 2, units: 3 }, 3, 7),
    ];

    #[test]
    fn all_views_of_a_wiring_name_the_same_edges() {
        for (wiring, sources, targets) in CASES {
            let pairs: Vec<_> = wiring.pairs(targets).collect();
            let by_source = (0..sources).flat_map(|s| wiring.targets_of(s).map(move |t| (s, t)));
            assert_eq!(by_source.collect::<Vec<_>>(), pairs);
            assert_eq!(pairs.len(), sources * wiring.fan_out());
            let fed: Vec<usize> = (0..targets).filter(|&t| wiring.source_of(t).is_some()).collect();
            assert_eq!(fed, wiring.targets(targets).collect::<Vec<_>>());
        }
    }

    #[test]
    fn values_go_along_the_edges_both_ways() {
        for (wiring, sources, targets) in CASES {
            let x: Vec<i64> = (1..=sources as i64).collect();
            let y: Vec<i64> = (1..=targets as i64).map(|v| v * v).collect();
            let (mut forward, mut backward) = (vec![0; targets], vec![0; sources]);
            for (s, t) in wiring.pairs(targets) {
                forward[t] += x[s];
                backward[s] += y[t];
            }
            assert_eq!(wiring.onto_targets(&x, targets, 0), forward);
            assert_eq!(wiring.onto_sources(&y, |sum, v| *sum += v), backward);
        }
    }
}
