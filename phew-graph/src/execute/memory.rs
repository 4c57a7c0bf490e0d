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
}
