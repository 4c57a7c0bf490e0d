//! A network compiled for one layout.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::blocks::Blocks;
use super::buffers::Buffers;
use super::geometry::{Geometry, Layout};
use super::kernels::{
    Add, After, Source, Target, activate, affine, attention, avg_pool, channel_mean, concat, crop,
    flatten, group_norm, join, layer_norm, max_pool, pad, part, product, shift, shuffle, slice,
    softmax, sum, tokens, turn, weighted, weighted_in_bands,
};
use super::live_units::keep_live_units;
use super::memory::Memory;
use super::step::{Step, Work};
use super::steps::Steps;
use super::waves::Waves;
use crate::arch::Activation;
use crate::error::GraphError;
use crate::mask::Mask;
use crate::weights::Network;

/// What a run has to cost, as [`Plan::cost`] counts, for other threads to be woken: some 150 µs.
const WORTH_WAKING: f64 = 400_000.0;

/// What a weight takes for a vector of positions of one input, measured on ResNet-20: such vectors begin anywhere in a cache
/// line.
const OVER_POSITIONS: f64 = 1.6;

/// What a weight takes where there is a single position of one input, measured on LeNet-300-100.
const AT_ONE_POSITION: f64 = 0.6;

/// The steps of a network, and where its values lie.
#[derive(Debug)]
pub(super) struct Plan {
    steps: Vec<Step>,
    buffers: Buffers,
    /// Where every value lies; the first is the input.
    geometries: Vec<Geometry>,
    /// The value that is the output.
    last: usize,
    /// Which steps go in waves with the next ones, on one thread.
    pub(super) waves: Vec<Option<Waves>>,
    /// See [`Plan::cost`].
    cost: f64,
    /// Memory of groups that are done, for the next ones.
    memories: Mutex<Vec<Vec<Memory>>>,
}

impl Plan {
    pub(super) fn new(
        network: &Network,
        mask: Option<&Mask>,
        layout: Layout,
    ) -> Result<Self, GraphError> {
        let mut all = Steps::new(network, mask, layout);
        let mut steps = all.all()?;
        let geometries = all.geometries();
        let last = network.arch().nodes().len() - 1;
        keep_live_units(&mut steps, &geometries, last);
        // Only now it is known what is there to read.
        arrange_units(&mut steps, &geometries);
        let buffers = Buffers::new(&steps, &geometries, 0, last);
        let cost = steps.iter().map(|step| cost_of(step, &geometries)).sum();
        let waves = Waves::all(&steps, &geometries, &buffers, last);
        Ok(Self { steps, buffers, geometries, last, waves, cost, memories: Mutex::default() })
    }

    /// About how long a run takes, in the time that a weight takes for one position of as many inputs as lie side by side.
    pub(super) fn cost(&self) -> f64 {
        self.cost
    }

    /// Threads for each of so many runs side by side: one, where waking another takes as long as the run.
    pub(super) fn threads(&self, runs: usize) -> usize {
        match self.cost < WORTH_WAKING {
            true => 1,
            false => (rayon::current_num_threads() / runs.max(1)).max(1),
        }
    }

    /// Runs as many inputs as lie side by side, or fewer: what lies in the other lanes is computed too and not read. On up to so
    /// many threads.
    pub(super) fn run(&self, threads: usize, inputs: &[f32], outputs: &mut [f32]) {
        let mut memory = self.memory();
        let (input, output) = (self.geometries[0], self.geometries[self.last]);
        memory[self.buffers.of(0)].put(input, inputs);
        let mut steps = self.steps.iter().zip(&self.waves);
        while let Some((step, waves)) = steps.next() {
            match (waves, threads) {
                (Some(waves), 1) => {
                    let second = steps.next();
                    second.iter().for_each(|(second, _)| {
                        self.in_waves(&mut memory, *waves, step, second);
                    });
                }
                _ => self.step(threads, &mut memory, step),
            }
        }
        memory[self.buffers.of(self.last)].get(output, outputs);
        self.memories.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
    }

    /// Memory that no group is in. Whatever is in it within the borders is written before it is read.
    fn memory(&self) -> Vec<Memory> {
        let free = self.memories.lock().unwrap_or_else(PoisonError::into_inner).pop();
        free.unwrap_or_else(|| self.buffers.geometries.iter().map(Memory::new).collect())
    }

    fn source<'m>(&self, memory: &'m [Memory], value: usize) -> Source<'m> {
        let numbers = memory[self.buffers.of(value)].numbers();
        Source { numbers, geometry: self.geometries[value] }
    }

    /// What a step adds to its sums.
    fn add<'m>(&self, memory: &'m [Memory], step: &Step) -> Add<'m> {
        match step.add {
            None => Add::Nothing,
            Some(add) if self.buffers.of(add) == self.buffers.of(step.output) => Add::Here,
            Some(add) => Add::Of(self.source(memory, add)),
        }
    }

    /// Two layers by waves of rows.
    fn in_waves(&self, memory: &mut [Memory], waves: Waves, first: &Step, second: &Step) {
        let between = self.geometries[first.output];
        let buffer = self.buffers.of(first.output);
        let (border, height) = (between.border[0], between.size[0]);
        let down = between.down() * between.lanes();
        let rows = self.geometries[second.output].size[0];
        // Rows of both layers that are done, and the row, counted with the border, that the buffer begins with.
        let (mut made, mut done, mut base) = (0, 0, 0);
        while done < rows {
            let more = made + waves.rows.min(height - made);
            self.rows(memory, first, made..more, [0, base]);
            made = more;
            let mut end = border + made;
            if made == height {
                let numbers = memory[buffer].numbers_mut();
                numbers[(end - base) * down..][..border * down].fill(0.0);
                end += border;
            }
            let ready = match end.checked_sub(waves.reach + 1) {
                Some(last) => (last / waves.stride + 1).min(rows),
                None => 0,
            };
            self.rows(memory, second, done..ready, [base, 0]);
            done = ready;
            let kept = (done * waves.stride).min(end);
            let numbers = memory[buffer].numbers_mut();
            numbers.copy_within((kept - base) * down..(end - base) * down, 0);
            base = kept;
        }
        memory[buffer].numbers_mut()[..border * down].fill(0.0);
    }

    /// Some rows of a layer, where the buffers of what it reads and writes begin with these rows, counted with the border.
    fn rows(
        &self,
        memory: &mut [Memory],
        step: &Step,
        rows: Range<usize>,
        [read, written]: [usize; 2],
    ) {
        let Work::Weighted(packed) = &step.work else { return };
        if rows.is_empty() {
            return;
        }
        let own = self.buffers.of(step.output);
        let mut to = std::mem::take(&mut memory[own]);
        let whole = self.geometries[step.output];
        let Geometry { size: [_, columns], border: [above, left], .. } = whole;
        let geometry = Geometry { size: [rows.len(), columns], border: [0, left], ..whole };
        let first = (above + rows.start - written) * geometry.down() * geometry.lanes();
        let mut output = Target { numbers: &mut to.numbers_mut()[first..], geometry };
        let input = self.source(memory, step.inputs[0]).below(rows.start * packed.stride[0] - read);
        let add = self.add(memory, step).below(rows.start);
        let relu = step.activation == Activation::Relu;
        weighted(packed, input, &mut output, After { add, relu });
        if !relu {
            activate(step.activation, &mut output);
        }
        memory[own] = to;
    }

    fn step(&self, threads: usize, memory: &mut [Memory], step: &Step) {
        let own = self.buffers.of(step.output);
        let mut to = std::mem::take(&mut memory[own]);
        let inputs: Vec<Source<'_>> =
            step.inputs.iter().map(|&value| self.source(memory, value)).collect();
        let geometry = self.geometries[step.output];
        let mut output = Target { numbers: to.numbers_mut(), geometry };
        let relu = step.activation == Activation::Relu;
        match &step.work {
            Work::Weighted(packed) => {
                let after = After { add: self.add(memory, step), relu };
                weighted_in_bands(threads, packed, inputs[0], &mut output, after);
            }
            Work::Part(stride) => part(*stride, inputs[0], &mut output),
            Work::Join(stride) => join(*stride, inputs[0], &mut output),
            Work::Affine(each) => affine(each, inputs[0], &mut output),
            Work::Shift(each) => shift(each, inputs[0], &mut output),
            Work::MaxPool(window) => max_pool(*window, inputs[0], &mut output),
            Work::AvgPool(window) => avg_pool(*window, inputs[0], &mut output),
            Work::Sum => sum(&inputs, &mut output),
            Work::Product => product(&inputs, &mut output),
            Work::Slice(first) => slice(*first, inputs[0], &mut output),
            Work::Shuffle(rows) => shuffle(*rows, inputs[0], &mut output),
            Work::Pad(before) => pad(*before, inputs[0], &mut output),
            Work::Concat => concat(&inputs, &mut output),
            Work::Flatten => flatten(inputs[0], &mut output),
            Work::Turn => turn(inputs[0], &mut output),
            Work::Crop(first) => crop(*first, inputs[0], &mut output),
            Work::Tokens { learnt, behind } => tokens(learnt, *behind, inputs[0], &mut output),
            Work::Normalise { groups: None, eps, each } => {
                layer_norm(*eps, each, inputs[0], &mut output);
            }
            Work::Normalise { groups: Some(groups), eps, each } => {
                group_norm(*groups, *eps, each, inputs[0], &mut output);
            }
            Work::Softmax { log } => softmax(*log, inputs[0], &mut output),
            Work::ChannelMean => channel_mean(inputs[0], &mut output),
            Work::Attention(of) => attention(of, [inputs[0], inputs[1], inputs[2]], &mut output),
        }
        if !(relu && matches!(step.work, Work::Weighted(_))) {
            activate(step.activation, &mut output);
        }
        memory[own] = to;
    }
}

/// Computes units of a layer at once where that costs less, of several inputs at more than one position, and orders those of a single
/// one.
fn arrange_units(steps: &mut [Step], geometries: &[Geometry]) {
    for Step { work, inputs, output, .. } in steps {
        let read = geometries[inputs[0]];
        if let Work::Weighted(packed) = work
            && read.layout == Layout::Inputs
        {
            if geometries[*output].size == [1; 2] {
                packed.by_length();
            } else {
                packed.in_blocks(|offset| read.position_of(offset as usize));
                packed.blocks.iter_mut().for_each(Blocks::freeze);
            }
        }
    }
}

fn cost_of(step: &Step, geometries: &[Geometry]) -> f64 {
    let Work::Weighted(packed) = &step.work else { return 0.0 };
    let own = geometries[step.output];
    let each = match own.layout {
        Layout::Inputs => 1.0,
        Layout::Positions if own.size == [1; 2] => AT_ONE_POSITION,
        Layout::Positions => OVER_POSITIONS,
    };
    packed.cost() * each * own.vectors() as f64
}
