//! Kept weights as the kernels read them.

/// What is applied to one place: a kept weight of each of so many units, or 0 where one does not read it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<const UNITS: usize = 1> {
    /// With the normalisation's scale in them.
    pub(super) values: [f32; UNITS],
    /// The place that is read for position (0, 0).
    pub(super) offset: u32,
}
