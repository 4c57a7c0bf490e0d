//! Memory for one group of inputs.

use super::geometry::{Geometry, LANES};

/// The numbers of a buffer, from the beginning of a cache line on: a vector that lies across two lines takes twice as
/// long to load.
#[derive(Debug, Default)]
pub(super) struct Memory {
    numbers: Vec<f32>,
    start: usize,
}

impl Memory {
    pub(super) fn new(geometry: &Geometry) -> Self {
        // A vector more may be read than there are numbers.
        let numbers = vec![0.0; geometry.len() + 2 * LANES];
        let line = size_of::<[f32; LANES]>();
        // A number of floats; beyond all of them where the machine cannot tell.
        let start = numbers.as_ptr().align_offset(line).min(LANES);
        Self { numbers, start }
    }

    pub(super) fn numbers(&self) -> &[f32] {
        &self.numbers[self.start..]
    }

    pub(super) fn numbers_mut(&mut self) -> &mut [f32] {
        &mut self.numbers[self.start..]
    }

    /// Writes a value, of which arrays have the scalars of each input together; of inputs that are not there it has zeros.
    pub(super) fn put(&mut self, geometry: Geometry, arrays: &[f32]) {
        let lanes = geometry.lanes();
        let (length, places) = geometry.runs();
        for (run, place) in places.enumerate() {
            let there = &mut self.numbers_mut()[place..place + length * lanes];
            for lane in 0..lanes {
                let to = there.iter_mut().skip(lane).step_by(lanes);
                let first = lane * geometry.scalars() + run * length;
                match arrays.get(first..first + length) {
                    Some(from) => to.zip(from).for_each(|(to, from)| *to = *from),
                    None => to.for_each(|to| *to = 0.0),
                }
            }
        }
    }

    /// Reads a value to arrays of as many inputs as there is room for.
    pub(super) fn get(&self, geometry: Geometry, arrays: &mut [f32]) {
        let lanes = geometry.lanes();
        let (length, places) = geometry.runs();
        for (run, place) in places.enumerate() {
            let here = &self.numbers()[place..place + length * lanes];
            for (lane, array) in arrays.chunks_exact_mut(geometry.scalars()).enumerate() {
                let from = here.iter().skip(lane).step_by(lanes);
                let to = &mut array[run * length..][..length];
                to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            }
        }
    }
}
