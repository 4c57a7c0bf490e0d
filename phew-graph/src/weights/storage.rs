//! Where the values of a tensor are: memory of their own, huge pages, or a window onto a mapped file.
//!
//! Walks and scores read weights here and there, and with pages of 4 KiB the processor spends as long on finding the
//! page as on reading it.

use std::sync::Arc;

use memmap2::MmapMut;

use crate::safetensors::Window;

/// Bytes from which huge pages, of 2 MiB mostly, are asked for.
const MANY: usize = 1 << 22;

/// One tensor's values. Cloning shares them.
#[derive(Clone)]
pub(super) enum Values {
    Owned(Arc<Vec<f32>>),
    Drawn(Arc<MmapMut>),
    Mapped(Window),
}

impl std::fmt::Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = if matches!(self, Self::Mapped(_)) { "mapped" } else { "owned" };
        write!(f, "{kind} [f32; {}]", self.len())
    }
}

impl std::ops::Deref for Values {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match self {
            Self::Owned(values) => values,
            Self::Drawn(map) => bytemuck::cast_slice(map),
            Self::Mapped(window) => window.values(),
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
    pub(super) fn drawn(len: usize, fill: impl FnOnce(&mut [f32])) -> Self {
        match map(len * size_of::<f32>()) {
            Some(mut map) => {
                // Pages begin where values may begin.
                fill(bytemuck::cast_slice_mut(&mut map));
                Self::Drawn(map.into())
            }
            None => {
                let mut values = vec![0.0; len];
                fill(&mut values);
                values.into()
            }
        }
    }
}

/// Memory of the system's own; `None` if there is none, or little is wanted.
fn map(bytes: usize) -> Option<MmapMut> {
    let map = (bytes >= MANY).then(|| MmapMut::map_anon(bytes).ok()).flatten()?;
    // A hint: without huge pages this is memory like any other.
    #[cfg(target_os = "linux")]
    let _ = map.advise(memmap2::Advice::HugePage);
    Some(map)
}

#[cfg(test)]
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
