//! Memory for weights that are drawn: of huge pages where the system has them.
//!
//! Walks and scores read weights here and there, and with pages of 4 KiB the processor spends as long on finding the
//! page as on reading it.

use memmap2::MmapMut;

use super::network::Data;

/// Bytes from which huge pages, of 2 MiB mostly, are asked for.
const MANY: usize = 1 << 22;

/// So many values, zeros that `fill` overwrites.
pub(super) fn drawn(len: usize, fill: impl FnOnce(&mut [f32])) -> Data {
    match map(len * size_of::<f32>()) {
        Some(mut map) => {
            // Pages begin where values may begin.
            fill(bytemuck::cast_slice_mut(&mut map));
            Data::Drawn(map.into())
        }
        None => {
            let mut values = vec![0.0; len];
            fill(&mut values);
            Data::Owned(values.into())
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
            let drawn = drawn(len, |values| {
                assert!(values.iter().all(|v| v.to_bits() == 0));
                values.iter_mut().enumerate().for_each(|(i, v)| *v = value(i));
            });
            assert_eq!(matches!(drawn, Data::Drawn(_)), len > MANY / 4);
            assert!(drawn.values().iter().copied().eq((0..len).map(value)));
        }
    }
}
