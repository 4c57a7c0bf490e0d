//! Two layers by waves of rows: some rows of the first, then those of the second that read no others, and so on. What the first
//! writes is read while it is in a near cache, and only its last rows are kept: they lie at the beginning of its buffer.
//!
//! Sixteen inputs of a map of 32 rows are a megabyte, and a layer by itself reads one and writes another: more than a core's cache
//! holds, so that a layer with few weights waits for memory.

use super::buffers::Buffers;
use super::geometry::{Geometry, Layout};
use super::packed::Packed;
use super::step::{Step, Work};

/// Bytes of a map from which on it is not written whole.
const LARGE: usize = 1 << 18;

/// Bytes of a wave, and rows at least: of fewer it costs more to keep the last ones. Measured on ResNet-20 and VGG-19, where twice or
/// half as many bytes do as well.
const WAVE: usize = 1 << 18;
const FEWEST: usize = 4;

/// How a layer and the next go in waves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waves {
    /// Rows of the first layer in a wave.
    pub(super) rows: usize,
    /// How many rows below its first one a row of the second layer may read.
    pub(super) reach: usize,
    /// From a row of the second layer to the next, in rows of the first.
    pub(super) stride: usize,
}

impl Waves {
    /// For each step whether it goes in waves with the next.
    pub(super) fn all(
        steps: &[Step],
        geometries: &[Geometry],
        buffers: &Buffers,
        last: usize,
    ) -> Vec<Option<Self>> {
        let mut readers = vec![0; geometries.len()];
        for value in steps.iter().flat_map(|step| step.inputs.iter().copied().chain(step.add)) {
            readers[value] += 1;
        }
        readers[last] += 1;
        let alone = |step: &Step| readers[step.output] == 1;
        let of = |pair: &[Step]| {
            let [first, second] = pair else { return None };
            Self::of(first, second, geometries, buffers).filter(|_| alone(first))
        };
        steps.windows(2).map(of).chain([None]).collect()
    }

    fn of(first: &Step, second: &Step, geometries: &[Geometry], buffers: &Buffers) -> Option<Self> {
        let [Packed { stride: before, .. }, Packed { stride, .. }] =
            [layer(first)?, layer(second)?];
        let [between, own] = [first, second].map(|step| geometries[step.output]);
        let row = between.down() * between.lanes() * size_of::<f32>();
        let large = between.len() * size_of::<f32>() >= LARGE;
        if !large
            || between.layout != Layout::Inputs
            || first.add.is_some()
            || second.inputs[0] != first.output
        {
            return None;
        }
        let padded = between.size[0] + 2 * between.border[0];
        let reach = padded - 1 - (own.size[0] - 1) * stride[0];
        // Where the second writes to what the first reads, it has to stay behind.
        let behind = [before[0], stride[0]] == [1; 2] && reach >= own.border[0] + between.border[0];
        let shared = buffers.of(first.inputs[0]) == buffers.of(second.output);
        let rows = WAVE / row;
        let fits = (FEWEST..between.size[0]).contains(&rows);
        (fits && (behind || !shared)).then_some(Self { rows, reach, stride: stride[0] })
    }
}

fn layer(step: &Step) -> Option<&Packed> {
    match &step.work {
        Work::Weighted(packed) => Some(packed),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::execute::plan::Plan;
    use crate::{Init, Network, zoo};

    use super::*;

    fn waves(name: &str, layout: Layout) -> Vec<Waves> {
        let arch = zoo::by_name(name).unwrap().build().unwrap();
        let network = Network::initialise(arch, Init::default(), 0).unwrap();
        Plan::new(&network, None, layout).unwrap().waves.into_iter().flatten().collect()
    }

    #[test]
    fn both_convolutions_of_each_block_go_in_waves_where_rows_are_short() {
        let found = waves("resnet20", Layout::Inputs);
        assert_eq!(found.len(), 9);
        assert!(found.iter().all(|waves| (waves.reach, waves.stride) == (2, 1)), "{found:?}");
        // A row of 64 units or more is too long, and of one input nothing is large.
        assert_eq!(waves("vgg11", Layout::Inputs).len(), 0);
        assert_eq!(waves("resnet20", Layout::Positions).len(), 0);
    }
}
