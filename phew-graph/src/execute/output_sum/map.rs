//! A value of one input.

use crate::arch::Shape;
use crate::execute::geometry::{Geometry, Layout};

/// `[units, rows, columns]`; features have one position.
#[derive(Clone, Debug)]
pub(super) struct Map {
    pub(super) geometry: Geometry,
    pub(super) numbers: Vec<f64>,
}

impl Map {
    pub(super) fn of(shape: Shape, numbers: Vec<f64>) -> Self {
        Self { geometry: Geometry::of(shape, [0; 2], Layout::Positions), numbers }
    }

    pub(super) fn zeros(shape: Shape) -> Self {
        let geometry = Geometry::of(shape, [0; 2], Layout::Positions);
        Self { geometry, numbers: vec![0.0; geometry.scalars()] }
    }

    /// Positions of each unit.
    pub(super) fn area(&self) -> usize {
        self.geometry.size.iter().product()
    }

    /// The positions of a unit.
    pub(super) fn plane(&self, unit: usize) -> &[f64] {
        let area = self.area();
        &self.numbers[unit * area..][..area]
    }

    /// Calls `f` for each unit with its positions.
    pub(super) fn each_unit(&mut self, mut f: impl FnMut(usize, &mut [f64])) {
        let area = self.area();
        let planes = self.numbers.chunks_exact_mut(area);
        planes.enumerate().for_each(|(unit, plane)| f(unit, plane));
    }

    pub(super) fn add(&mut self, numbers: &[f64]) {
        self.numbers.iter_mut().zip(numbers).for_each(|(sum, more)| *sum += more);
    }
}
