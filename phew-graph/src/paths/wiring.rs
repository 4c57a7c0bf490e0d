//! Parameter-free connections: which unit leads to which.

use std::ops::Range;

/// The edges of a connection without parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wiring {
    /// Unit `i` to unit `i`.
    Identity,
    /// Channel `c` to the features `c·block … (c+1)·block − 1`.
    Flatten {
        /// Features of a channel.
        block: usize,
    },
    /// The units `t·block … (t+1)·block − 1` to unit `t`: a mean over them.
    Join {
        /// Units that lead to one.
        block: usize,
    },
    /// Unit `i` of `units` to unit `first + i`: one input of a concatenation.
    Block {
        /// Target of the first unit.
        first: usize,
        /// Source units.
        units: usize,
    },
    /// Unit `first + i` to unit `i` of `units`: a part of a layer. Its other units lead nowhere here.
    Slice {
        /// Source of the first unit.
        first: usize,
        /// Target units.
        units: usize,
    },
    /// Unit `i·columns + j` to unit `j·rows + i`: a permutation, as of a channel shuffle.
    Transpose {
        /// Rows before.
        rows: usize,
        /// Columns before.
        columns: usize,
    },
    /// Every unit of a block to every unit of the same block: what a head's queries and keys do to its values.
    Blocks {
        /// Units of a block.
        block: usize,
    },
    /// Every unit to every unit: what holds a scalar of each becomes what holds a scalar of each.
    All {
        /// Source units.
        sources: usize,
        /// Target units.
        targets: usize,
    },
}

impl Wiring {
    /// The sources of a target unit: one, none where it has none, the [`Wiring::Blocks`] that it belongs to, or all.
    #[inline]
    #[must_use]
    pub fn sources_of(self, target: usize) -> Range<usize> {
        match self {
            Wiring::Identity => target..target + 1,
            Wiring::Flatten { block } => target / block..target / block + 1,
            Wiring::Join { block } => target * block..(target + 1) * block,
            Wiring::Block { first, units } => match target.checked_sub(first) {
                Some(source) if source < units => source..source + 1,
                _ => 0..0,
            },
            Wiring::Slice { first, .. } => first + target..first + target + 1,
            Wiring::Transpose { rows, columns } => {
                let source = target % rows * columns + target / rows;
                source..source + 1
            }
            Wiring::Blocks { block } => {
                let first = target / block * block;
                first..first + block
            }
            Wiring::All { sources, .. } => 0..sources,
        }
    }

    /// The targets of a source unit: [`Wiring::fan_out`] of them, or none.
    #[inline]
    #[must_use]
    pub fn targets_of(self, source: usize) -> Range<usize> {
        match self {
            Wiring::Identity => source..source + 1,
            Wiring::Flatten { block } => source * block..(source + 1) * block,
            Wiring::Join { block } => source / block..source / block + 1,
            Wiring::Block { first, .. } => first + source..first + source + 1,
            Wiring::Slice { first, units } => match source.checked_sub(first) {
                Some(target) if target < units => target..target + 1,
                _ => 0..0,
            },
            Wiring::Transpose { rows, columns } => {
                let target = source % columns * rows + source / columns;
                target..target + 1
            }
            Wiring::Blocks { block } => {
                let first = source / block * block;
                first..first + block
            }
            Wiring::All { targets, .. } => 0..targets,
        }
    }

    /// Targets of each source unit that has any.
    #[must_use]
    pub fn fan_out(self) -> usize {
        match self {
            Wiring::Flatten { block } | Wiring::Blocks { block } => block,
            Wiring::All { targets, .. } => targets,
            Wiring::Identity
            | Wiring::Join { .. }
            | Wiring::Block { .. }
            | Wiring::Slice { .. }
            | Wiring::Transpose { .. } => 1,
        }
    }

    /// Sources of each target unit that has any.
    #[must_use]
    pub fn fan_in(self) -> usize {
        match self {
            Wiring::Blocks { block } | Wiring::Join { block } => block,
            Wiring::All { sources, .. } => sources,
            Wiring::Identity
            | Wiring::Flatten { .. }
            | Wiring::Block { .. }
            | Wiring::Slice { .. }
            | Wiring::Transpose { .. } => 1,
        }
    }

    /// The units with a source, of a target layer with so many units.
    #[must_use]
    pub fn targets(self, units: usize) -> Range<usize> {
        match self {
            Wiring::Block { first, units } => first..first + units,
            Wiring::Identity
            | Wiring::Flatten { .. }
            | Wiring::Join { .. }
            | Wiring::Slice { .. }
            | Wiring::Transpose { .. }
            | Wiring::Blocks { .. }
            | Wiring::All { .. } => 0..units,
        }
    }

    /// The units with a target, of a source layer with so many units.
    #[must_use]
    pub fn sources(self, units: usize) -> Range<usize> {
        match self {
            Wiring::Slice { first, units } => first..first + units,
            Wiring::Identity
            | Wiring::Flatten { .. }
            | Wiring::Join { .. }
            | Wiring::Block { .. }
            | Wiring::Transpose { .. }
            | Wiring::Blocks { .. }
            | Wiring::All { .. } => 0..units,
        }
    }

    /// Source and target of every edge, by ascending target, to a target layer with so many units.
    pub fn pairs(self, units: usize) -> impl Iterator<Item = (usize, usize)> {
        self.targets(units)
            .flat_map(move |target| self.sources_of(target).map(move |source| (source, target)))
    }

    /// What the target units have of the values of the source units: their sum by `add`, mostly of one value, and `zero`
    /// where there is no source.
    #[must_use]
    pub fn onto_targets<T: Clone>(
        self,
        sources: &[T],
        units: usize,
        zero: T,
        add: impl Fn(&mut T, &T),
    ) -> Vec<T> {
        match self {
            Wiring::Identity => sources.to_vec(),
            Wiring::Flatten { block } => repeated(sources, block),
            Wiring::Join { block } => sums(sources, block, add),
            Wiring::Slice { first, units } => sources[first..first + units].to_vec(),
            Wiring::Blocks { block } => blocks(sources, block, add),
            Wiring::All { targets, .. } => repeated(&sums(sources, sources.len(), add), targets),
            Wiring::Block { .. } | Wiring::Transpose { .. } => {
                let value = |target| match self.sources_of(target).next() {
                    Some(source) => sources[source].clone(),
                    None => zero.clone(),
                };
                (0..units).map(value).collect()
            }
        }
    }

    /// What the source units have of the values of the target units: their sum by `add`, by ascending target, and `zero`
    /// where there is no target.
    #[must_use]
    pub fn onto_sources<T: Clone>(
        self,
        targets: &[T],
        units: usize,
        zero: T,
        add: impl Fn(&mut T, &T),
    ) -> Vec<T> {
        match self {
            Wiring::Identity => targets.to_vec(),
            Wiring::Flatten { block } => sums(targets, block, add),
            Wiring::Join { block } => repeated(targets, block),
            Wiring::Block { first, units } => targets[first..first + units].to_vec(),
            Wiring::Blocks { block } => blocks(targets, block, add),
            Wiring::All { sources, .. } => repeated(&sums(targets, targets.len(), add), sources),
            Wiring::Slice { .. } | Wiring::Transpose { .. } => {
                let value = |source| match self.targets_of(source).next() {
                    Some(target) => targets[target].clone(),
                    None => zero.clone(),
                };
                (0..units).map(value).collect()
            }
        }
    }
}

/// The sum of some values; `None` of none.
fn sum<T: Clone>(values: &[T], add: impl Fn(&mut T, &T)) -> Option<T> {
    let (first, rest) = values.split_first()?;
    let mut sum = first.clone();
    rest.iter().for_each(|value| add(&mut sum, value));
    Some(sum)
}

/// The sum of each block.
fn sums<T: Clone>(values: &[T], block: usize, add: impl Fn(&mut T, &T)) -> Vec<T> {
    values.chunks(block).filter_map(|values| sum(values, &add)).collect()
}

/// Each value so often.
fn repeated<T: Clone>(values: &[T], times: usize) -> Vec<T> {
    values.iter().flat_map(|value| std::iter::repeat_n(value, times)).cloned().collect()
}

/// For each value, the sum of its block.
fn blocks<T: Clone>(values: &[T], block: usize, add: impl Fn(&mut T, &T)) -> Vec<T> {
    repeated(&sums(values, block, add), block)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each wiring, with its numbers of source and of target units.
    const CASES: [(Wiring, usize, usize); 8] = [
        (Wiring::Identity, 4, 4),
        (Wiring::Flatten { block: 3 }, 2, 6),
        (Wiring::Join { block: 3 }, 6, 2),
        (Wiring::Block { first: 2, units: 3 }, 3, 7),
        (Wiring::Slice { first: 1, units: 4 }, 6, 4),
        (Wiring::Transpose { rows: 2, columns: 3 }, 6, 6),
        (Wiring::Blocks { block: 2 }, 4, 4),
        (Wiring::All { sources: 3, targets: 4 }, 3, 4),
    ];

    #[test]
    fn all_views_of_a_wiring_name_the_same_edges() {
        for (wiring, sources, targets) in CASES {
            let pairs: Vec<_> = wiring.pairs(targets).collect();
            let by_source = (0..sources).flat_map(|s| wiring.targets_of(s).map(move |t| (s, t)));
            let mut by_target: Vec<_> = by_source.collect();
            by_target.sort_by_key(|&(s, t)| (t, s));
            assert_eq!(by_target, pairs);
            let (leading, led) = (wiring.sources(sources), wiring.targets(targets));
            assert_eq!(pairs.len(), leading.len() * wiring.fan_out());
            assert_eq!(pairs.len(), led.len() * wiring.fan_in());
            let leads = (0..sources).filter(|&s| !wiring.targets_of(s).is_empty());
            assert_eq!(leads.collect::<Vec<_>>(), leading.collect::<Vec<_>>());
            let fed = (0..targets).filter(|&t| !wiring.sources_of(t).is_empty());
            assert_eq!(fed.collect::<Vec<_>>(), led.collect::<Vec<_>>());
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
            let add = |sum: &mut i64, v: &i64| *sum += v;
            assert_eq!(wiring.onto_targets(&x, targets, 0, add), forward);
            assert_eq!(wiring.onto_sources(&y, sources, 0, add), backward);
        }
    }

    #[test]
    fn a_transposition_takes_rows_for_columns() {
        // 0 1 2 / 3 4 5 becomes 0 3 / 1 4 / 2 5.
        let wiring = Wiring::Transpose { rows: 2, columns: 3 };
        assert_eq!(wiring.onto_targets(&[0, 1, 2, 3, 4, 5], 6, 9, |_, _| {}), [0, 3, 1, 4, 2, 5]);
    }
}
