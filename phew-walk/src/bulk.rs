//! Any number of walks at once: exact in distribution, in one pass over the kernels' norms each way.
//!
//! Walks are Markov. Given how many of them stand at each unit, the numbers that take each onward edge are
//! multinomial, and independent between units. So a batch of walks is drawn layer by layer, as counts, and its
//! cost hardly depends on how many walks it holds. What it keeps has exactly the law of that many single walks,
//! though not their bytes.

use phew_graph::{Direction, Mask, Network, PathGraph};
use rayon::prelude::*;

use crate::block::Block;
use crate::chances::{Chances, chances};
use crate::coverage::{Coverage, SAMPLE};
use crate::draw::{Stream, key};
use crate::marks::Marks;
use crate::multinomial::spread;
use crate::params::{Granularity, Starts, WalkLaw};
use crate::score::Score;
use crate::table::Table;
use crate::way::{Edge, Onward, Way, ways};

/// Kernels of a task, about.
const TASK: usize = 1 << 14;

/// Columns of a task at least: a cache line of norms.
const COLUMNS: usize = 16;

/// What a batch of walks makes of a mask.
pub(crate) struct Batch {
    pub(crate) mask: Mask,
    /// Walks that started at each input and at each output unit.
    pub(crate) started: [Vec<u64>; 2],
}

/// The walks of one request, in batches.
pub(crate) struct Bulk<'a, S> {
    graph: &'a PathGraph,
    tables: &'a [Table<'a>],
    /// For each layer, the ways that a walk may take onwards: forward, and in reverse.
    onward: [Vec<Vec<Onward<'a>>>; 2],
    starts: Starts,
    granularity: Granularity,
    key: [u64; 2],
    batch: u64,
    chances: Vec<Chances>,
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
        let walked = graph.walked(law.skips);
        Self {
            graph,
            tables,
            onward: [Direction::Forward, Direction::Reverse]
                .map(|direction| ways(graph, tables, &walked, direction)),
            starts: law.starts,
            granularity,
            key: key("phew 2 bulk walks", law.seed),
            batch: 0,
            chances: chances::<S>(graph, tables, &walked, law.starts),
            score: std::marker::PhantomData,
        }
    }

    /// The mask and what the walks numbered `from .. from + count` pass.
    pub(crate) fn run(&mut self, from: u64, count: u64, mask: &Mask, network: &Network) -> Batch {
        let marks = Marks::new(mask);
        let started = [Direction::Forward, Direction::Reverse].map(|direction| {
            let mut counts: Vec<Vec<u64>> =
                self.graph.layers().iter().map(|l| vec![0; l.units]).collect();
            let last = counts.len() - 1;
            let forward = direction == Direction::Forward;
            let start = if forward { 0 } else { last };
            counts[start] = self.starting(direction, from, count);
            let started = counts[start].clone();
            for layer in (0..=last).map(|step| if forward { step } else { last - step }) {
                self.leave(direction, layer, &mut counts, &marks);
            }
            started
        });
        self.batch += 1;
        Batch { mask: marks.mask(network), started }
    }

    /// What more walks are expected to add to a mask.
    pub(crate) fn coverage(&self, mask: &Mask) -> Coverage {
        let open = mask.len() - mask.kept();
        let size = SAMPLE.min(open);
        let share = open as f64 / size.max(1) as f64;
        // One weight of each stretch of `share` open ones, anywhere in it: no pattern of the layers can bias it.
        let mut stream = Stream::new(self.key, u64::MAX - self.batch);
        let mut place = |i: usize| {
            let within = crate::draw::unit_interval(stream.next());
            ((i as f64 + within) * share) as usize
        };
        let (mut i, mut passed) = (0, 0);
        let mut next = place(0);
        let mut sample = Vec::with_capacity(size);
        for (tensor, layer) in mask.layers().iter().enumerate() {
            for (w, &word) in layer.words().iter().enumerate() {
                let mut open = !word;
                if layer.len() - w * 64 < 64 {
                    open &= (1 << (layer.len() - w * 64)) - 1;
                }
                let count = open.count_ones() as usize;
                while i < size && next < passed + count {
                    let mut rest = open;
                    (passed..next).for_each(|_| rest &= rest - 1);
                    sample.push((tensor, w * 64 + rest.trailing_zeros() as usize));
                    i += 1;
                    next = place(i);
                }
                passed += count;
            }
        }
        let rates =
            sample.into_par_iter().with_min_len(1024).map(|(t, i)| self.rate(t, i)).collect();
        let most = |table: &Table<'_>| match self.granularity {
            Granularity::Weight => 1,
            Granularity::Kernel => table.shape.kernel,
        };
        let most = self.tables.iter().map(most).sum::<usize>() as f64;
        Coverage { rates, share, most }
    }

    /// −ln of the probability that a walk does not keep a weight.
    fn rate(&self, tensor: usize, index: usize) -> f64 {
        let table = &self.tables[tensor];
        let (source, target) = table.shape.ends(index);
        let kernel = index / table.shape.kernel;
        let whole = table.shape.kernel > 1 && self.granularity == Granularity::Kernel;
        let score = if whole { table.kernels()[kernel] } else { S::of(table.weights[index]) };
        let [from_source, from_target] = &self.chances[tensor].visits;
        let passes = f64::from(score) * (from_source[source] + from_target[target]);
        -libm::log1p(-passes.min(0.999))
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
        let mut stream = self.stream(direction, self.graph.tensors(), 0);
        spread(turns.end - turns.start, &vec![1.0; units], &mut stream, |u, n| counts[u] = n);
        counts
    }

    /// Moves the walks of one layer onwards.
    fn leave(&self, direction: Direction, layer: usize, counts: &mut [Vec<u64>], marks: &Marks) {
        let ways = &self.onward[usize::from(direction == Direction::Reverse)][layer];
        if ways.is_empty() {
            return;
        }
        let walks = std::mem::take(&mut counts[layer]);
        let mut stream = self.stream(direction, self.graph.tensors() + 1 + layer, 0);
        let mut shares = vec![vec![0; walks.len()]; ways.len()];
        let even = vec![1.0; ways.len()];
        for (u, &n) in walks.iter().enumerate().filter(|(_, n)| **n > 0) {
            spread(n, &even, &mut stream, |w, k| shares[w][u] = k);
        }
        for (onward, walks) in ways.iter().zip(&shares) {
            let next = &mut counts[onward.layer];
            match onward.way {
                Way::Weighted(edge) => {
                    for (to, n) in next.iter_mut().zip(self.cross(direction, &edge, walks, marks)) {
                        *to += n;
                    }
                }
                Way::Same => next.iter_mut().zip(walks).for_each(|(to, n)| *to += n),
                Way::Spread(block) => {
                    let even = vec![1.0; block];
                    for (u, &n) in walks.iter().enumerate().filter(|(_, n)| **n > 0) {
                        spread(n, &even, &mut stream, |f, k| next[u * block + f] += k);
                    }
                }
                Way::Gather(block) => {
                    walks.iter().enumerate().for_each(|(f, n)| next[f / block] += n);
                }
            }
        }
    }

    /// Takes walks over a weighted connection, keeps what they pass, and adds them up at its far end.
    fn cross(
        &self,
        direction: Direction,
        edge: &Edge<'_>,
        walks: &[u64],
        marks: &Marks,
    ) -> Vec<u64> {
        let near = if edge.forward { edge.inputs } else { edge.outputs };
        let least = if edge.forward { COLUMNS } else { 1 };
        let units = (TASK / edge.count).max(least).min(near);
        let chunks = near.div_ceil(units);
        let totals = &self.chances[edge.tensor].totals[usize::from(!edge.forward)];
        let task = |task: usize| {
            let (group, chunk) = (task / chunks, task % chunks);
            let from = group * near + chunk * units;
            let to = (from + units).min((group + 1) * near);
            let mut stream = self.stream(direction, edge.tensor, task);
            let tensor = marks.tensor(edge.tensor);
            let block = Block::new(edge, tensor, self.granularity, from, to - from);
            (group, block.cross::<S>(&walks[from..to], &totals[from..to], &mut stream))
        };
        let arrived: Vec<(usize, Vec<u64>)> =
            (0..edge.groups * chunks).into_par_iter().map(task).collect();
        let mut far = vec![0; edge.groups * edge.count];
        for (group, arrived) in arrived {
            far[group * edge.count..].iter_mut().zip(arrived).for_each(|(to, n)| *to += n);
        }
        far
    }

    /// The stream of one task of this batch.
    fn stream(&self, direction: Direction, part: usize, task: usize) -> Stream {
        let direction = u64::from(direction == Direction::Reverse);
        Stream::new(
            self.key,
            self.batch << 48 | direction << 47 | (part as u64) << 28 | task as u64,
        )
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
                let mask = bulk.run(0, walks, &Mask::empty(network.arch()), &network).mask;
                for (count, layer) in counts.iter_mut().zip(mask.layers()) {
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
                        bulk.run(0, 60, &Mask::empty(network.arch()), &network).mask.kept()
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

    /// A sample of everything: rates against the engine of path sums, for a mask that grows.
    #[test]
    fn the_coverage_knows_every_rate() {
        let network = network();
        let graph = PathGraph::new(network.arch());
        let tables = tables(&graph, &network);
        let law = WalkLaw::default();
        let mut bulk = Bulk::<Magnitude>::new(&graph, &tables, &law, Granularity::Weight);
        let exact = visits(&graph, &network, law.skips);
        let mut mask = Mask::empty(network.arch());
        for _ in 0..3 {
            let coverage = bulk.coverage(&mask);
            assert_eq!((coverage.rates.len(), coverage.share), (mask.len() - mask.kept(), 1.0));
            let mut rates = coverage.rates.iter();
            for (t, exact) in exact.iter().enumerate() {
                let open = exact.iter().enumerate().filter(|(i, _)| !mask.layer(t).get(*i));
                for (_, [f, r]) in open {
                    let (rate, expected) = (rates.next().unwrap(), -(-(f + r) / 2.0).ln_1p());
                    // Kernel norms are f32: a few 2⁻²⁴ relative.
                    assert!((rate / expected - 1.0).abs() < 1e-6, "{rate} {expected}");
                }
            }
            mask = bulk.run(0, 40, &mask, &network).mask;
        }
    }
}
