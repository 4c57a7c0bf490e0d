//! How batch normalisation behaves.

/// How batch normalisation behaves in a forward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Statistics of the batch, which also move the running ones: training.
    Train,
    /// Statistics of the batch; the running ones stay as they are: scoring in training mode.
    TrainFrozen,
    /// The running statistics: testing.
    Eval,
    /// Statistics of the batch, which take the place of the running ones.
    Record,
}
