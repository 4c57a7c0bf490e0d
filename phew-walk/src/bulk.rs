//! Any number of walks at once: exact in distribution, in one pass over the kernels' norms each way.
//!
//! Walks are Markov. Given how many of them stand at each unit, the numbers that take each onward edge are
//! multinomial, and independent between units. So a batch of walks is drawn layer by layer, as counts, and its
//! cost hardly depends on how many walks it holds. What it keeps has exactly the law of that many single walks,
//! though not their bytes.

use std::sync::atomic::{AtomicU64, Ordering};

use phew_graph::{
    Direction, Kind, LayerMask, Mask, Network, PathGraph, Weighted, stream, stream_key,
};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::multinomial::{Crowd, occupied, spread};
use crate::params::{Granularity, Starts, WalkLaw};
use crate::score::Score;
use crate::table::Table;

/// Source or target units that one task draws for.
const UNITS: usize = 32;

/// The weights kept so far, and what is needed to keep more.
pub(crate) struct Bulk<'a, S> {
    graph: &'a PathGraph,
    tables: &'a [Table<'a>],
    walked: Vec<bool>,
    starts: Starts,
    granularity: Granularity,
    key: [u8; 32],
    batch: u64,
    /// For each tensor, the sum of the norms onwards from each source unit, and from each target unit.
    totals: Vec<[Vec<f64>; 2]>,
    /// For each tensor, the expected visits of a walk to its source and target units, over those sums: the
    /// chance that a walk passes a weight of score s is `s · (source + target)`.
    chances: Vec<[Vec<f64>; 2]>,
    marks: Vec<Vec<AtomicU64>>,
    /// Walks so far that started at each input and at each output unit.
    pub(crate) started: [Vec<u64>; 2],
    score: std::marker::PhantomData<S>,
}

impl<'a, S: Score> Bulk<'a, S> {
    /// Needs units that all have some score onwards; see [`Table`].
    pub(crate) fn new(
        graph: &'a PathGraph,
        tables: &'a [Table<'a>],
        law: &WalkLaw,
        granularity: Granularity,
    ) -> Self {
        let totals: Vec<[Vec<f64>; 2]> = tables.par_iter().map(totals::<S>).collect();
        let walked = graph.walked(law.skips);
        let words =
            |t: &Table<'_>| (0..t.weights.len().div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        let mut bulk = Self {
            graph,
            tables,
            walked,
            starts: law.starts,
            granularity,
            key: stream_key("phew 1 bulk walks", law.seed),
            batch: 0,
            totals,
            chances: Vec::new(),
            marks: tables.iter().map(words).collect(),
            started: [vec![0; graph.inputs()], vec![0; graph.outputs()]],
            score: std::marker::PhantomData,
        };
        bulk.chances = bulk.visit_chances();
        bulk
    }

    /// Draws the walks numbered `from .. from + count` and keeps what they pass.
    pub(crate) fn run(&mut self, from: u64, count: u64) {
        for direction in [Direction::Forward, Direction::Reverse] {
            let mut counts: Vec<Vec<u64>> =
                self.graph.layers().iter().map(|l| vec![0; l.units]).collect();
            let last = counts.len() - 1;
            let start = if direction == Direction::Forward { 0 } else { last };
            counts[start] = self.starting(direction, from, count);
            let started = &mut self.started[usize::from(direction == Direction::Reverse)];
            started.iter_mut().zip(&counts[start]).for_each(|(sum, n)| *sum += n);
            for step in 0..=last {
                let layer = if direction == Direction::Forward { step } else { last - step };
                self.leave(direction, layer, &mut counts);
            }
        }
        self.batch += 1;
    }

    /// Counts the weights of a mask as kept.
    pub(crate) fn take_in(&mut self, mask: &Mask) {
        for (marks, layer) in self.marks.iter_mut().zip(mask.layers()) {
            marks.iter_mut().zip(layer.words()).for_each(|(mark, &word)| *mark.get_mut() = word);
        }
    }

    /// Weights kept.
    pub(crate) fn kept(&self) -> usize {
        let ones = |words: &Vec<AtomicU64>| {
            words.iter().map(|w| w.load(Ordering::Relaxed).count_ones() as usize).sum::<usize>()
        };
        self.marks.iter().map(ones).sum()
    }

    /// Weights that the next walk is expected to add. It never grows as weights are kept.
    pub(crate) fn rate(&self) -> f64 {
        let tensor = |t: usize| {
            let table = &self.tables[t];
            let (shape, row) = (table.shape, table.shape.row());
            let [source, target] = &self.chances[t];
            let line = |j: usize| {
                let first = shape.first_source(j);
                let mut sum = 0.0;
                for chunk in (0..row).step_by(64) {
                    let mut free = !self.bits(t, j * row + chunk);
                    if row - chunk < 64 {
                        free &= (1 << (row - chunk)) - 1;
                    }
                    while free != 0 {
                        let k = chunk + free.trailing_zeros() as usize;
                        free &= free - 1;
                        let score = f64::from(S::of(table.weights[j * row + k]));
                        sum += score * (source[first + k / shape.kernel] + target[j]);
                    }
                }
                sum
            };
            let lines: Vec<f64> = (0..shape.outputs)
                .into_par_iter()
                .with_min_len((4096 / row).max(1))
                .map(line)
                .collect();
            let weights = match self.granularity {
                Granularity::Weight => 1.0,
                Granularity::Kernel => shape.kernel as f64,
            };
            lines.iter().sum::<f64>() * weights
        };
        (0..self.tables.len()).map(tensor).sum()
    }

    /// The mask so far.
    pub(crate) fn mask(&self, network: &Network) -> Mask {
        let layers = network.arch().prunable().iter().zip(&self.marks).map(|(spec, words)| {
            let words = words.iter().map(|w| w.load(Ordering::Relaxed)).collect();
            LayerMask::from_words(&spec.name, &spec.shape, words)
        });
        Mask::from_layers(layers.collect())
    }

    /// 64 marks from any position.
    fn bits(&self, tensor: usize, start: usize) -> u64 {
        let word = |w: usize| self.marks[tensor].get(w).map_or(0, |w| w.load(Ordering::Relaxed));
        match (start / 64, start % 64) {
            (w, 0) => word(w),
            (w, shift) => word(w) >> shift | word(w + 1) << (64 - shift),
        }
    }

    /// Walks that start at each unit, among those numbered `from .. from + count`.
    fn starting(&self, direction: Direction, from: u64, count: u64) -> Vec<u64> {
        let forward = direction == Direction::Forward;
        let units = if forward { self.graph.inputs() } else { self.graph.outputs() };
        let turns = self.starts.turns(direction, from, count);
        if self.starts != Starts::Random {
            return Starts::round_robin(turns, units);
        }
        let mut counts = vec![0; units];
        let mut rng = self.stream(direction, self.graph.connections().len(), 0);
        spread(turns.end - turns.start, &vec![1.0; units], &mut rng, |u, n| counts[u] = n);
        counts
    }

    /// Moves the walks of one layer onwards.
    fn leave(&self, direction: Direction, layer: usize, counts: &mut [Vec<u64>]) {
        let forward = direction == Direction::Forward;
        let here = &self.graph.layers()[layer];
        let list = if forward { &here.outgoing } else { &here.incoming };
        let ways: Vec<usize> = list.iter().copied().filter(|&c| self.walked[c]).collect();
        if ways.is_empty() {
            return;
        }
        let walks = std::mem::take(&mut counts[layer]);
        let mut shares = vec![vec![0; walks.len()]; ways.len()];
        let mut rng = self.stream(direction, self.graph.connections().len() + 1 + layer, 0);
        let even = vec![1.0; ways.len()];
        for (u, &n) in walks.iter().enumerate() {
            if ways.len() == 1 {
                shares[0][u] = n;
            } else if n > 0 {
                spread(n, &even, &mut rng, |w, k| shares[w][u] = k);
            }
        }
        for (&way, walks) in ways.iter().zip(&shares) {
            let connection = &self.graph.connections()[way];
            let next = &mut counts[if forward { connection.target } else { connection.source }];
            match connection.kind {
                Kind::Identity => next.iter_mut().zip(walks).for_each(|(to, n)| *to += n),
                Kind::Flatten { block } if forward => {
                    let even = vec![1.0; block];
                    let mut rng = self.stream(direction, way, 0);
                    for (u, &n) in walks.iter().enumerate().filter(|(_, n)| **n > 0) {
                        spread(n, &even, &mut rng, |f, k| next[u * block + f] += k);
                    }
                }
                Kind::Flatten { block } => {
                    walks.iter().enumerate().for_each(|(f, n)| next[f / block] += n);
                }
                Kind::Weighted(shape) => self.cross(direction, way, &shape, walks, next),
            }
        }
    }

    /// Takes walks over a weighted connection, keeps what they pass, and adds them up at its far end.
    fn cross(
        &self,
        direction: Direction,
        way: usize,
        shape: &Weighted,
        walks: &[u64],
        next: &mut [u64],
    ) {
        let forward = direction == Direction::Forward;
        let near = if forward { shape.inputs } else { shape.outputs_per_group() };
        // Columns are narrow reads of long rows: in large tensors a task takes more of them.
        let units = UNITS.max(if forward { near / 64 } else { 1 }).min(near);
        let chunks = near.div_ceil(units);
        let arrive = |task: usize| {
            let (group, chunk) = (task / chunks, task % chunks);
            let from = group * near + chunk * units;
            let to = (from + units).min((group + 1) * near);
            let mut rng = self.stream(direction, way, task);
            let arrived = if forward {
                self.cross_columns(shape, group, from..to, walks, &mut rng)
            } else {
                self.cross_rows(shape, group, from..to, walks, &mut rng)
            };
            (group, arrived)
        };
        let arrived: Vec<(usize, Vec<u64>)> =
            (0..shape.groups * chunks).into_par_iter().map(arrive).collect();
        let far = if forward { shape.outputs_per_group() } else { shape.inputs };
        for (group, arrived) in arrived {
            next[group * far..].iter_mut().zip(arrived).for_each(|(to, n)| *to += n);
        }
    }

    /// Forward, for some source units of a group: rows pass by, and each unit watches its column.
    fn cross_columns(
        &self,
        shape: &Weighted,
        group: usize,
        units: std::ops::Range<usize>,
        walks: &[u64],
        rng: &mut ChaCha8Rng,
    ) -> Vec<u64> {
        let rows = shape.outputs_per_group();
        let table = &self.tables[shape.tensor];
        let totals = &self.totals[shape.tensor][0];
        let mut crowds: Vec<Crowd> =
            units.clone().map(|u| Crowd::new(walks[u], totals[u], rows, rng)).collect();
        let first = units.start - group * shape.inputs;
        let mut arrived = vec![0; rows];
        for (r, arrived) in arrived.iter_mut().enumerate() {
            let kernel = (group * rows + r) * shape.inputs + first;
            let norms = &table.kernels()[kernel..kernel + crowds.len()];
            for (c, (crowd, &norm)) in crowds.iter_mut().zip(norms).enumerate() {
                let norm = f64::from(if shape.kernel == 1 { S::of(norm) } else { norm });
                if crowd.meets(norm) {
                    *arrived += self.take(shape, kernel + c, crowd.take(norm, rng), rng);
                }
            }
        }
        arrived
    }

    /// In reverse, for some target units of a group: each reads its row.
    fn cross_rows(
        &self,
        shape: &Weighted,
        group: usize,
        units: std::ops::Range<usize>,
        walks: &[u64],
        rng: &mut ChaCha8Rng,
    ) -> Vec<u64> {
        debug_assert_eq!(group, units.start / shape.outputs_per_group());
        let table = &self.tables[shape.tensor];
        let totals = &self.totals[shape.tensor][1];
        let mut arrived = vec![0; shape.inputs];
        for u in units.filter(|&u| walks[u] > 0) {
            let mut crowd = Crowd::new(walks[u], totals[u], shape.inputs, rng);
            let kernel = u * shape.inputs;
            let norms = &table.kernels()[kernel..kernel + shape.inputs];
            for (c, (arrived, &norm)) in arrived.iter_mut().zip(norms).enumerate() {
                let norm = f64::from(if shape.kernel == 1 { S::of(norm) } else { norm });
                if crowd.meets(norm) {
                    *arrived += self.take(shape, kernel + c, crowd.take(norm, rng), rng);
                }
            }
        }
        arrived
    }

    /// `walks` walks pass a kernel: keeps the scalars that they draw. Returns the walks.
    fn take(&self, shape: &Weighted, kernel: usize, walks: u64, rng: &mut ChaCha8Rng) -> u64 {
        if walks == 0 {
            return 0;
        }
        let first = kernel * shape.kernel;
        let marks = &self.marks[shape.tensor];
        let mark = |index: usize| marks[index / 64].fetch_or(1 << (index % 64), Ordering::Relaxed);
        if shape.kernel == 1 {
            mark(first);
        } else if self.granularity == Granularity::Kernel {
            (first..first + shape.kernel).for_each(|i| _ = mark(i));
        } else if let Some(weights) = self.tables[shape.tensor].weights[first..].first_chunk::<9>()
            && shape.kernel == 9
        {
            let scores = weights.map(|w| f64::from(S::of(w)));
            let marked = self.bits(shape.tensor, first) & 0x1ff;
            let mut found = occupied(walks, &scores, marked, rng) & !marked;
            while found != 0 {
                mark(first + found.trailing_zeros() as usize);
                found &= found - 1;
            }
        } else {
            let weights = &self.tables[shape.tensor].weights[first..first + shape.kernel];
            let scores: Vec<f64> = weights.iter().map(|&w| f64::from(S::of(w))).collect();
            spread(walks, &scores, rng, |t, _| _ = mark(first + t));
        }
        walks
    }

    /// The stream of one task of this batch.
    fn stream(&self, direction: Direction, connection: usize, task: usize) -> ChaCha8Rng {
        let direction = u64::from(direction == Direction::Reverse);
        stream(
            self.key,
            self.batch << 48 | direction << 47 | (connection as u64) << 28 | task as u64,
        )
    }

    /// Expected visits of one walk to every unit, over the sums of its norms: exact, by sums over the norms.
    fn visit_chances(&self) -> Vec<[Vec<f64>; 2]> {
        let none =
            |t: &Table<'_>| [vec![0.0; t.forward.bound.len()], vec![0.0; t.reverse.bound.len()]];
        let mut chances: Vec<[Vec<f64>; 2]> = self.tables.iter().map(none).collect();
        let share = |direction| match (self.starts, direction) {
            (Starts::Forward, Direction::Forward) | (Starts::Reverse, Direction::Reverse) => 1.0,
            (Starts::Forward | Starts::Reverse, _) => 0.0,
            _ => 0.5,
        };
        for direction in [Direction::Forward, Direction::Reverse] {
            let forward = direction == Direction::Forward;
            let mut visits: Vec<Vec<f64>> =
                self.graph.layers().iter().map(|l| vec![0.0; l.units]).collect();
            let last = visits.len() - 1;
            let start = if forward { 0 } else { last };
            let units = visits[start].len() as f64;
            visits[start].fill(share(direction) / units);
            for step in 0..=last {
                let layer = if forward { step } else { last - step };
                let here = &self.graph.layers()[layer];
                let list = if forward { &here.outgoing } else { &here.incoming };
                let ways: Vec<usize> = list.iter().copied().filter(|&c| self.walked[c]).collect();
                let from: Vec<f64> = visits[layer].iter().map(|v| v / ways.len() as f64).collect();
                for way in ways {
                    let connection = &self.graph.connections()[way];
                    let next =
                        &mut visits[if forward { connection.target } else { connection.source }];
                    match connection.kind {
                        Kind::Identity => next.iter_mut().zip(&from).for_each(|(to, v)| *to += v),
                        Kind::Flatten { block } if forward => {
                            next.iter_mut()
                                .enumerate()
                                .for_each(|(f, to)| *to += from[f / block] / block as f64);
                        }
                        Kind::Flatten { block } => {
                            from.iter().enumerate().for_each(|(f, v)| next[f / block] += v);
                        }
                        Kind::Weighted(shape) => {
                            let side = usize::from(!forward);
                            let totals = &self.totals[shape.tensor][side];
                            let chance: Vec<f64> =
                                from.iter().zip(totals).map(|(v, t)| v / t).collect();
                            flow::<S>(&self.tables[shape.tensor], forward, &chance, next);
                            chances[shape.tensor][side] = chance;
                        }
                    }
                }
            }
        }
        chances
    }
}

/// Sums of the norms onwards from each unit of either side, added in the order in which a crowd meets them.
fn totals<S: Score>(table: &Table<'_>) -> [Vec<f64>; 2] {
    let shape = table.shape;
    let mut source = vec![0.0; shape.groups * shape.inputs];
    let mut target = vec![0.0; shape.outputs];
    for (j, norms) in table.kernels().chunks(shape.inputs).enumerate() {
        let first = shape.first_source(j);
        for (i, &norm) in norms.iter().enumerate() {
            let norm = f64::from(if shape.kernel == 1 { S::of(norm) } else { norm });
            source[first + i] += norm;
            target[j] += norm;
        }
    }
    [source, target]
}

/// Adds to the far units what flows to them: norm times the chance of the near unit.
fn flow<S: Score>(table: &Table<'_>, forward: bool, chance: &[f64], next: &mut [f64]) {
    let shape = table.shape;
    for (j, norms) in table.kernels().chunks(shape.inputs).enumerate() {
        let first = shape.first_source(j);
        for (i, &norm) in norms.iter().enumerate() {
            let norm = f64::from(if shape.kernel == 1 { S::of(norm) } else { norm });
            if forward {
                next[j] += norm * chance[first + i];
            } else {
                next[first + i] += norm * chance[j];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::Keeper;
    use crate::score::{Magnitude, Value};
    use crate::walker::Walker;
    use phew_graph::{ArchBuilder, Conv2d, Edges, Init, Pool, Shape, SkipPolicy, Transition};

    /// Identity and projection skips, groups, three kernel sizes, a flatten.
    fn network() -> Network {
        let image = Shape::Image { channels: 4, height: 8, width: 8 };
        let arch = ArchBuilder::new("varied", image)
            .conv("a", Conv2d::new(6, 3).padding(1).groups(2))
            .relu("start")
            .conv("b", Conv2d::new(3, 1))
            .conv("c", Conv2d::new(6, 3).padding(1))
            .add("sum", &["c", "start"])
            .conv("d", Conv2d::new(5, 2))
            .from("sum")
            .conv("e", Conv2d::new(5, 1))
            .avg_pool("crop", Pool::new(2).stride(1))
            .add("sum2", &["d", "crop"])
            .avg_pool("pool", Pool::new(3))
            .flatten("flatten")
            .linear("fc", 3)
            .build()
            .unwrap();
        Network::initialise(arch, Init::default(), 11).unwrap()
    }

    fn tables<'a>(graph: &PathGraph, network: &'a Network) -> Vec<Table<'a>> {
        let weights = network.weights().into_iter().enumerate();
        weights.map(|(t, w)| Table::new::<Magnitude>(graph.weighted(t).1, w)).collect()
    }

    /// Probability that a forward and that a reverse walk passes each weight, from the path-sum engine.
    fn visits(graph: &PathGraph, network: &Network, skips: SkipPolicy) -> Vec<Vec<[f64; 2]>> {
        let weights = network.weights();
        let edges = Edges::new(&weights, Value(Magnitude));
        let [out, back] = [Direction::Forward, Direction::Reverse]
            .map(|d| Transition::new(graph, &edges, d, skips));
        let start = |n: usize| vec![1.0 / n as f64; n];
        let from = graph.forward(&edges, Some(&start(graph.inputs())), Some(&out));
        let to = graph.backward(&edges, Some(&start(graph.outputs())), Some(&back));
        let visit = |t: usize, i: usize| {
            let (connection, shape) = graph.weighted(t);
            let ends = &graph.connections()[connection];
            let (source, target) = shape.ends(i);
            [
                from.value(ends.source, source) * out.probability(graph, &edges, t, i),
                to.value(ends.target, target) * back.probability(graph, &edges, t, i),
            ]
        };
        (0..graph.tensors()).map(|t| (0..weights[t].len()).map(|i| visit(t, i)).collect()).collect()
    }

    /// With starts drawn at random, walks are independent and alike, so after n of them a weight is kept with
    /// probability 1 − (1 − f)^⌈n/2⌉ (1 − r)^⌊n/2⌋. 3,000 seeds, every weight within 4.9 standard errors
    /// (α = 0.001 for some 450 weights, by Bonferroni), for few walks (points) and many (counts).
    #[test]
    fn keep_frequencies_are_exact() {
        let network = network();
        let graph = PathGraph::new(network.arch());
        let tables = tables(&graph, &network);
        for (skips, walks) in
            [(SkipPolicy::Uniform, 5), (SkipPolicy::Main, 37), (SkipPolicy::Projection, 300)]
        {
            let exact = visits(&graph, &network, skips);
            let runs = 3_000u64;
            let mut counts: Vec<Vec<f64>> = exact.iter().map(|t| vec![0.0; t.len()]).collect();
            for seed in 0..runs {
                let law = WalkLaw { seed, skips, starts: Starts::Random, ..WalkLaw::default() };
                let mut bulk = Bulk::<Magnitude>::new(&graph, &tables, &law, Granularity::Weight);
                bulk.run(0, walks);
                for (count, layer) in counts.iter_mut().zip(bulk.mask(&network).layers()) {
                    layer.iter().for_each(|i| count[i] += 1.0);
                }
            }
            for (t, (counts, exact)) in counts.iter().zip(&exact).enumerate() {
                for (i, (&count, &[f, r])) in counts.iter().zip(exact).enumerate() {
                    let (out, back) = (walks.div_ceil(2) as i32, (walks / 2) as i32);
                    let p = 1.0 - (1.0 - f).powi(out) * (1.0 - r).powi(back);
                    let error = (p * (1.0 - p) / runs as f64).sqrt().max(1.0 / runs as f64);
                    let z = (count / runs as f64 - p) / error;
                    assert!(
                        z.abs() < 4.9,
                        "{skips:?}, {walks} walks, tensor {t} scalar {i}: {count} of {runs}, p {p:.4}"
                    );
                }
            }
        }
    }

    /// The kept counts after 60 walks, batch against walk by walk: means and variances of 3,000 runs each. The
    /// difference of means has √(2·variance/runs), that of the variances' logarithms √(4/runs), for counts near
    /// normal; four of them.
    #[test]
    fn kept_counts_are_distributed_as_those_of_single_walks() {
        let network = network();
        let graph = PathGraph::new(network.arch());
        let tables = tables(&graph, &network);
        let runs = 3_000u64;
        for starts in [Starts::Balanced, Starts::Forward, Starts::Reverse, Starts::Random] {
            let counts = |bulk: bool| {
                let kept = (0..runs).map(|seed| {
                    let law = WalkLaw { seed, starts, ..WalkLaw::default() };
                    let kept = if bulk {
                        let mut bulk =
                            Bulk::<Magnitude>::new(&graph, &tables, &law, Granularity::Weight);
                        bulk.run(0, 60);
                        bulk.kept()
                    } else {
                        let walker = Walker::<Magnitude>::new(&graph, &tables, &law);
                        let mut keeper =
                            Keeper::new(Mask::empty(network.arch()), Granularity::Weight);
                        keeper.target = usize::MAX;
                        keeper.keep_round(&graph, &[walker.walk(0, 60, &mut walker.companies())]);
                        keeper.kept
                    };
                    kept as f64
                });
                let kept: Vec<f64> = kept.collect();
                let mean = kept.iter().sum::<f64>() / runs as f64;
                (mean, kept.iter().map(|k| (k - mean).powi(2)).sum::<f64>() / runs as f64)
            };
            let ((mean, variance), (single, single_variance)) = (counts(true), counts(false));
            let error = (2.0 * variance / runs as f64).sqrt();
            assert!((mean - single).abs() < 4.0 * error, "{starts:?}: mean {mean} and {single}");
            let ratio = (variance / single_variance).ln().abs();
            assert!(
                ratio < 4.0 * (4.0 / runs as f64).sqrt(),
                "{starts:?}: {variance} and {single_variance}"
            );
        }
    }

    /// The rate is what one more walk adds on average: 1 − the probability that it was kept, summed.
    #[test]
    fn the_rate_is_the_expected_gain_of_the_next_walk() {
        let network = network();
        let graph = PathGraph::new(network.arch());
        let tables = tables(&graph, &network);
        let law = WalkLaw::default();
        let mut bulk = Bulk::<Magnitude>::new(&graph, &tables, &law, Granularity::Weight);
        let exact = visits(&graph, &network, law.skips);
        for _ in 0..3 {
            let mask = bulk.mask(&network);
            let gain = |t: usize| {
                let open = exact[t].iter().enumerate().filter(|(i, _)| !mask.layer(t).get(*i));
                open.map(|(_, [f, r])| (f + r) / 2.0).sum::<f64>()
            };
            let expected: f64 = (0..exact.len()).map(gain).sum();
            // Kernel norms are f32: a few 2⁻²⁴ relative.
            assert!((bulk.rate() / expected - 1.0).abs() < 1e-6, "{} {expected}", bulk.rate());
            bulk.run(0, 40);
        }
    }
}
