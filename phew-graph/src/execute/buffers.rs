//! Which buffer each value has: values of one geometry share one when the first is no longer read, and a layer's sums are added to
//! the other branch of a skip connection in its place.
//!
//! What lies in the border is zero from the beginning, and again after each step.

use std::collections::BTreeMap;

use super::geometry::{Geometry, Layout};
use super::kernels::tiles_apart;
use super::step::{Step, Work};

/// The buffers of a plan.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    /// The buffer of each value that has one.
    of_value: BTreeMap<usize, usize>,
    /// What each buffer holds.
    pub(super) geometries: Vec<Geometry>,
}

impl Buffers {
    /// For the values of these steps, in their order; `first` is the input and `last` the output.
    pub(super) fn new(steps: &[Step], all: &[Geometry], first: usize, last: usize) -> Self {
        let reads = |step: &Step| step.inputs.iter().copied().chain(step.add).collect::<Vec<_>>();
        let mut last_read = BTreeMap::new();
        for (number, step) in steps.iter().enumerate() {
            last_read.extend(reads(step).into_iter().map(|value| (value, number)));
        }
        let mut buffers = Self::default();
        let mut free: Vec<usize> = Vec::new();
        buffers.take(first, all[first], &mut free);
        for (number, step) in steps.iter().enumerate() {
            match step.add.filter(|add| last_read[add] == number && adds_in_place(step, all)) {
                Some(add) => {
                    buffers.of_value.insert(step.output, buffers.of(add));
                    last_read.remove(&add);
                }
                None => buffers.take(step.output, all[step.output], &mut free),
            }
            for value in reads(step) {
                if value != last && last_read.get(&value) == Some(&number) {
                    free.extend(buffers.of_value.get(&value).filter(|b| !free.contains(b)));
                }
            }
        }
        buffers
    }

    /// The buffer of a value.
    pub(super) fn of(&self, value: usize) -> usize {
        self.of_value[&value]
    }

    /// Gives a value a buffer that is free, or a new one.
    fn take(&mut self, value: usize, geometry: Geometry, free: &mut Vec<usize>) {
        let fits = free.iter().position(|&buffer| self.geometries[buffer] == geometry);
        let buffer = match fits {
            Some(place) => free.swap_remove(place),
            None => {
                self.geometries.push(geometry);
                self.geometries.len() - 1
            }
        };
        self.of_value.insert(value, buffer);
    }
}

/// Whether a step can add its sums to where the value lies that is added.
fn adds_in_place(step: &Step, all: &[Geometry]) -> bool {
    let (Work::Weighted(packed), Some(add)) = (&step.work, step.add) else { return false };
    let own = all[step.output];
    own.layout == Layout::Inputs
        && own == all[add]
        && !step.inputs.contains(&add)
        && tiles_apart(own.size[1], packed.stride)
}
