//! Where the values of a tensor are: memory of their own, huge pages, or a window onto a file's bytes.

use std::sync::Arc;

use crate::error::GraphError;
#[cfg(feature = "random")]
use crate::memory::{MANY, Memory};
#[cfg(feature = "files")]
use crate::safetensors::Window;

/// One tensor's values. Cloning shares them.
#[derive(Clone)]
pub(super) enum Values {
    Owned(Arc<Vec<f32>>),
    #[cfg(feature = "random")]
    Drawn(Arc<Memory>),
    #[cfg(feature = "files")]
    File(Window),
}

impl std::fmt::Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self {
            #[cfg(feature = "files")]
            Self::File(_) => "of a file",
            _ => "owned",
        };
        write!(f, "{kind} [f32; {}]", self.len())
    }
}

impl std::ops::Deref for Values {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match self {
            Self::Owned(values) => values,
            #[cfg(feature = "random")]
            Self::Drawn(map) => bytemuck::cast_slice(map),
            #[cfg(feature = "files")]
            Self::File(window) => window.values(),
        }
    }
}

impl From<Vec<f32>> for Values {
    fn from(values: Vec<f32>) -> Self {
        Self::Owned(values.into())
    }
}

impl Values {
    /// So many values, zeros that `fill` overwrites.
    #[cfg(feature = "random")]
    pub(super) fn drawn(len: usize, fill: impl FnOnce(&mut [f32])) -> Self {
        let many = len.saturating_mul(size_of::<f32>());
        match Some(many).filter(|&many| many >= MANY).map(Memory::zeros) {
            Some(Ok(mut memory)) => {
                fill(bytemuck::cast_slice_mut(&mut memory));
                Self::Drawn(memory.into())
            }
            _ => {
                let mut values = vec![0.0; len];
                fill(&mut values);
                values.into()
            }
        }
    }

    /// Refuses values of a mapped file that somebody has written to.
    pub(super) fn check_unchanged(&self) -> Result<(), GraphError> {
        match self {
            #[cfg(feature = "files")]
            Self::File(window) => window.check_unchanged(),
            _ => Ok(()),
        }
    }
}

#[cfg(all(test, feature = "random"))]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_was_written_in_either_memory() {
        let value = |i: usize| (i % 1000) as f32;
        for len in [0, 5, MANY / 4 - 1, MANY / 4 + 3] {
            let drawn = Values::drawn(len, |values| {
                assert!(values.iter().all(|v| v.to_bits() == 0));
                values.iter_mut().enumerate().for_each(|(i, v)| *v = value(i));
            });
            assert_eq!(matches!(drawn, Values::Drawn(_)), len > MANY / 4);
            assert!(drawn.iter().copied().eq((0..len).map(value)));
        }
    }
}
