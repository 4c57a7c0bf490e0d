//! Units that read much of the same: several are computed at once, so that what they read is loaded once for all.
//!
//! A block applies to each place that one of its units reads a weight of every unit, 0 where a unit has none. So it computes
//! more, and is chosen where that costs less than the units one by one, as in layers that are dense or nearly so. The sums
//! are the same to the byte, as long as what is read is finite: adding 0 changes nothing, and the order stays.

use std::ops::Range;

use super::entry::Entry;

/// Units of a block: with eight positions each, their sums and what is read fit the registers of AVX-512. Three are slower than
/// one by one.
pub(super) const UNITS: usize = 2;

/// What an entry of a block costs, in entries of a single unit: measured on ResNet-20 and VGG-19, dense.
const COST: f64 = 1.45;

/// The blocks of a layer, and the units that are in none.
#[derive(Debug)]
pub(super) struct Blocks {
    pub(super) units: Vec<[usize; UNITS]>,
    pub(super) singles: Vec<usize>,
    entries: Vec<Entry<UNITS>>,
    /// The entry of the layer that each value comes from.
    sources: Vec<[Option<u32>; UNITS]>,
    starts: Vec<usize>,
}

impl Blocks {
    /// The computed units of a layer in blocks, where that costs less. `entries_of` says which entries are a unit's, and `order`
    /// is theirs.
    pub(super) fn new<K: Ord>(
        units: &[usize],
        entries: &[Entry],
        entries_of: impl Fn(usize) -> Range<usize>,
        order: impl Fn(u32) -> K,
    ) -> Self {
        let mut blocks = Self {
            units: Vec::new(),
            singles: Vec::new(),
            entries: Vec::new(),
            sources: Vec::new(),
            starts: vec![0],
        };
        let (each, rest) = units.as_chunks::<UNITS>();
        for units in each {
            let own = units.map(&entries_of);
            let single: usize = own.iter().map(ExactSizeIterator::len).sum();
            let most = (single as f64 / COST) as usize;
            match blocks.merge(entries, own, most, &order) {
                true => {
                    blocks.units.push(*units);
                    blocks.starts.push(blocks.entries.len());
                }
                false => blocks.singles.extend(units),
            }
        }
        blocks.singles.extend(rest);
        blocks
    }

    /// Adds the entries of a block, unless there are more than so many.
    fn merge<K: Ord>(
        &mut self,
        entries: &[Entry],
        mut left: [Range<usize>; UNITS],
        most: usize,
        order: &impl Fn(u32) -> K,
    ) -> bool {
        let before = self.entries.len();
        let entry = |number: usize| entries[number].offset;
        loop {
            let heads = left.iter().filter_map(|own| own.clone().next()).map(entry);
            let Some(offset) = heads.min_by_key(|&offset| order(offset)) else { return true };
            if self.entries.len() - before == most {
                self.entries.truncate(before);
                self.sources.truncate(before);
                return false;
            }
            let sources = left.each_mut().map(|own| {
                let number = own.clone().next().filter(|&number| entry(number) == offset)?;
                own.start += 1;
                Some(number as u32)
            });
            self.entries.push(Entry { values: values(entries, sources), offset });
            self.sources.push(sources);
        }
    }

    /// In entries of a single unit.
    pub(super) fn cost(&self) -> f64 {
        COST * self.entries.len() as f64
    }

    /// Takes the values of the layer's entries anew.
    pub(super) fn load(&mut self, entries: &[Entry]) {
        for (shared, sources) in self.entries.iter_mut().zip(&self.sources) {
            shared.values = values(entries, *sources);
        }
    }

    /// Forgets where the values come from: they stay as they are.
    pub(super) fn freeze(&mut self) {
        self.sources = Vec::new();
    }

    /// The entries of a block.
    #[inline(always)]
    pub(super) fn of(&self, block: usize) -> &[Entry<UNITS>] {
        &self.entries[self.starts[block]..self.starts[block + 1]]
    }
}

/// The values of the entries that a block's come from.
fn values(entries: &[Entry], sources: [Option<u32>; UNITS]) -> [f32; UNITS] {
    sources.map(|source| source.map_or(0.0, |number| entries[number as usize].values[0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Units that read the given places, with weights that tell them apart.
    fn layer(units: &[&[u32]]) -> (Vec<Entry>, Blocks) {
        let mut starts = vec![0];
        let mut entries = Vec::new();
        for (unit, places) in units.iter().enumerate() {
            let entry =
                |&offset: &u32| Entry { values: [(10 * unit) as f32 + offset as f32], offset };
            entries.extend(places.iter().map(entry));
            starts.push(entries.len());
        }
        let all: Vec<usize> = (0..units.len()).collect();
        let blocks = Blocks::new(&all, &entries, |u| starts[u]..starts[u + 1], |offset| offset);
        (entries, blocks)
    }

    #[test]
    fn units_that_share_most_of_what_they_read_are_a_block_with_zeros_where_one_does_not() {
        let full: &[u32] = &[1, 2, 3, 4, 5, 6, 7, 8];
        let (_, blocks) =
            layer(&[full, &[1, 2, 3, 5, 6, 7, 8], &[1, 2, 3, 4], &[5, 6, 7, 8], full]);
        assert_eq!(
            (blocks.units.as_slice(), blocks.singles.as_slice()),
            (&[[0, 1]][..], &[2, 3, 4][..])
        );
        let values: Vec<[f32; UNITS]> = blocks.of(0).iter().map(|shared| shared.values).collect();
        assert_eq!(values[..4], [[1.0, 11.0], [2.0, 12.0], [3.0, 13.0], [4.0, 0.0]]);
        assert_eq!(blocks.of(0).len(), 8);
    }

    #[test]
    fn blocks_follow_new_values() {
        let (mut entries, mut blocks) = layer(&[&[3, 4, 5], &[3, 4, 5]]);
        entries.iter_mut().zip(1_u8..).for_each(|(entry, value)| entry.values = [value.into()]);
        blocks.load(&entries);
        let values: Vec<[f32; UNITS]> = blocks.of(0).iter().map(|shared| shared.values).collect();
        assert_eq!(values, [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]);
    }

    #[test]
    fn where_nothing_is_gained_there_are_no_blocks() {
        assert!(layer(&[&[1, 2], &[3, 4]]).1.units.is_empty());
        assert!(layer(&[&[1, 2, 3]]).1.units.is_empty());
    }
}
