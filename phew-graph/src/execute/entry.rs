//! A kept weight as the kernels read it.

/// A kept weight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// With the normalisation's scale in it.
    pub(super) value: f32,
    /// The place that it reads for position (0, 0).
    pub(super) offset: u32,
}
