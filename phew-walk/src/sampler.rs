//! Walk, keep, and stop at the density.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use phew_graph::{Direction, GraphError, Mask, Network, PathGraph, SkipPolicy, kept_at};
use rayon::prelude::*;

use crate::error::WalkError;
use crate::params::{Bias, Granularity, WalkLaw, WalkParams};
use crate::score::{Inverse, Magnitude, Score, Square, Uniform};
use crate::support::{check_connected, reachable};
use crate::table::Table;
use crate::walker::{Steps, Walker};

/// Walks of a task.
const TASK: usize = 128;

/// Walks of a round at most. A round is drawn in parallel and then kept walk by walk.
const ROUND: usize = 1 << 15;

/// Walks of a round at least: a company of the walker.
const FEWEST: usize = 32;

/// A mask, and how it came about.
#[derive(Clone, Debug)]
pub struct Walked {
    /// The weights that some walk passed.
    pub mask: Mask,
    /// The walks in numbers.
    pub report: Report,
}

/// The walks in numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Walks made.
    pub walks: u64,
    /// Weights to keep: `⌊density · prunable⌋`.
    pub target: usize,
    /// Weights kept beyond the target; less than one walk's weights.
    pub overshoot: usize,
    /// Walks that started at each input unit.
    pub input_starts: Vec<u64>,
    /// Walks that started at each output unit.
    pub output_starts: Vec<u64>,
    /// Time for the sampling tables: one pass over the weights.
    pub tables: Duration,
    /// Time for the walks.
    pub sampling: Duration,
}

/// How far the sampler is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Walks made.
    pub walks: u64,
    /// Weights kept.
    pub kept: usize,
    /// Weights to keep.
    pub target: usize,
}

/// Prunes a network by PHEW, or by a variant of it.
///
/// Use this for a mask from initial weights alone; [`prune_with`] also reports progress.
///
/// # Returns
/// The mask in the order of [`phew_graph::Arch::prunable`], with at least `⌊density · prunable⌋` weights kept
/// and an overshoot of less than one walk. Walk `i` depends on the weights, the seed and `i` alone, so the
/// mask is the same on any machine and any number of threads, and masks of one seed are nested as the density
/// grows.
///
/// # Errors
/// [`WalkError::Graph`] if the density keeps no weight, [`WalkError::NoPath`] if weights of 0 cut the inputs
/// off from the outputs, [`WalkError::Unreachable`] if no number of walks can reach the density.
///
/// # Complexity
/// One pass over the weights, then O(depth) expected reads for each walk. Memory: one ninth of the 3×3
/// convolutions' weights, and the mask.
///
/// # References
/// Patil & Dovrolis 2021, section 4. The choice among skip connections is phew's: see [`SkipPolicy`].
pub fn prune(network: &Network, params: &WalkParams) -> Result<Walked, WalkError> {
    prune_with(network, params, |_| ControlFlow::Continue(()))
}

/// As [`prune`]; `progress` is called after every round of walks and may stop it.
///
/// # Errors
/// As [`prune`], and [`WalkError::Stopped`] if `progress` breaks.
pub fn prune_with(
    network: &Network,
    params: &WalkParams,
    progress: impl FnMut(Progress) -> ControlFlow<()> + Send,
) -> Result<Walked, WalkError> {
    // Into the thread pool once, rather than at every parallel loop: that is what a small network's time is.
    rayon::scope(|_| match params.law.bias {
        Bias::Magnitude => sample(network, params, Magnitude, progress),
        Bias::Square => sample(network, params, Square, progress),
        Bias::Uniform => sample(network, params, Uniform, progress),
        Bias::Inverse => sample(network, params, Inverse, progress),
    })
}

fn sample<S: Score>(
    network: &Network,
    params: &WalkParams,
    score: S,
    mut progress: impl FnMut(Progress) -> ControlFlow<()>,
) -> Result<Walked, WalkError> {
    let target = kept_at(params.density, network.arch().prunable_len())?;
    let graph = &PathGraph::new(network.arch());
    check_target(graph, params, target)?;

    let clock = Instant::now();
    let tables = tables::<S>(graph, network)?;
    check_open(graph, network, &tables, score)?;
    let walker = Walker::<S>::new(graph, &tables, &params.law);
    let prepared = clock.elapsed();

    let clock = Instant::now();
    let mut keeper = Keeper::new(Mask::empty(network.arch()), target, params.granularity);
    let mut ahead = Vec::new();
    let mut drawn = 0;
    let mut proved = false;
    loop {
        // The next round is drawn while this one is kept: both threads stay busy.
        let (before, coming) = (keeper.kept, drawn - keeper.walks);
        let next = keeper.round(coming);
        let (done, following) =
            rayon::join(|| keeper.keep_all(graph, &ahead), || draw(&walker, drawn, next));
        if done {
            break;
        }
        if coming > 0 && keeper.kept == before && !proved {
            check_reachable(graph, network, params, score, target)?;
            proved = true;
        }
        ahead = following;
        drawn += next as u64;
        let (walks, kept) = (keeper.walks, keeper.kept);
        if progress(Progress { walks, kept, target }).is_break() {
            return Err(WalkError::Stopped { walks });
        }
    }
    let sampling = clock.elapsed();
    let [input_starts, output_starts] = starts(graph, &walker, keeper.walks);
    let report = Report {
        walks: keeper.walks,
        target,
        overshoot: keeper.kept - target,
        input_starts,
        output_starts,
        tables: prepared,
        sampling,
    };
    Ok(Walked { mask: keeper.mask, report })
}

/// Counts how often walks `0 .. walks` pass each prunable weight, tensor by tensor in row-major order.
///
/// For checks of the theory by sampling; the exact expectation is a path sum over [`phew_graph::Transition`].
///
/// # Errors
/// As [`prune`], but for the density.
///
/// # Complexity
/// As [`prune`], and four bytes for each weight.
pub fn count_visits(
    network: &Network,
    law: &WalkLaw,
    walks: u64,
) -> Result<Vec<Vec<u32>>, WalkError> {
    match law.bias {
        Bias::Magnitude => count(network, law, walks, Magnitude),
        Bias::Square => count(network, law, walks, Square),
        Bias::Uniform => count(network, law, walks, Uniform),
        Bias::Inverse => count(network, law, walks, Inverse),
    }
}

fn count<S: Score>(
    network: &Network,
    law: &WalkLaw,
    walks: u64,
    score: S,
) -> Result<Vec<Vec<u32>>, WalkError> {
    let graph = &PathGraph::new(network.arch());
    let tables = tables::<S>(graph, network)?;
    check_open(graph, network, &tables, score)?;
    let walker = Walker::<S>::new(graph, &tables, law);
    let mut visits: Vec<Vec<u32>> = network.weights().iter().map(|w| vec![0; w.len()]).collect();
    for from in (0..walks).step_by(ROUND) {
        let round = (walks - from).min(ROUND as u64) as usize;
        for step in draw(&walker, from, round).iter().flat_map(|batch| &batch.steps) {
            visits[step.tensor as usize][step.index as usize] += 1;
        }
    }
    Ok(visits)
}

/// One pass over the weights.
fn tables<'a, S: Score>(
    graph: &PathGraph,
    network: &'a Network,
) -> Result<Vec<Table<'a>>, WalkError> {
    let weights = network.weights();
    let table = |(tensor, weights): (usize, &'a [f32])| {
        if u32::try_from(weights.len()).is_err() {
            return Err(WalkError::Graph(GraphError::Parameter {
                name: "size of a weight tensor",
                found: weights.len().to_string(),
                expected: "at most 2^32 - 1 scalars",
            }));
        }
        Ok(Table::new::<S>(graph.weighted(tensor).1, weights))
    };
    weights.into_iter().enumerate().map(table).collect()
}

/// Refuses a network without a path. Paths can be cut only where some unit has nothing but scores of 0 onwards.
fn check_open<S: Score>(
    graph: &PathGraph,
    network: &Network,
    tables: &[Table<'_>],
    score: S,
) -> Result<(), WalkError> {
    let stuck = |t: &Table<'_>| t.forward.bound.contains(&0.0) || t.reverse.bound.contains(&0.0);
    if tables.iter().any(stuck) { check_connected(graph, network, score) } else { Ok(()) }
}

/// Draws walks `from .. from + count` in parallel, in order.
fn draw<S: Score>(walker: &Walker<'_, S>, from: u64, count: usize) -> Vec<Steps> {
    let tasks = count.div_ceil(TASK);
    let task = |t: usize| walker.walk(from + (t * TASK) as u64, TASK.min(count - t * TASK));
    (0..tasks).into_par_iter().map(task).collect()
}

/// The mask as it grows.
struct Keeper {
    mask: Mask,
    kept: usize,
    walks: u64,
    target: usize,
    granularity: Granularity,
    /// New weights of a walk, in the last round.
    rate: f64,
}

impl Keeper {
    fn new(mask: Mask, target: usize, granularity: Granularity) -> Self {
        Self { mask, kept: 0, walks: 0, target, granularity, rate: f64::INFINITY }
    }

    /// Walks to draw next, given those drawn and not yet kept: what the last round's rate calls for. Affects
    /// the time only, never the result.
    fn round(&self, coming: u64) -> usize {
        let left = (self.target - self.kept) as f64;
        if self.rate.is_infinite() {
            // The first walks: no rate is known, but a walk keeps one weight of each tensor at most.
            let least = self.target / self.mask.layers().len();
            return if coming > 0 { 0 } else { least.clamp(FEWEST, ROUND) };
        }
        let short = left - self.rate * coming as f64;
        if short <= 0.0 && coming > 0 {
            return 0;
        }
        ((short / self.rate.max(1e-3)) as usize).clamp(FEWEST, ROUND)
    }

    /// Keeps the walks one by one; true when the target is reached.
    fn keep_all(&mut self, graph: &PathGraph, batches: &[Steps]) -> bool {
        let (walks, kept) = (self.walks, self.kept);
        for batch in batches {
            let mut from = 0;
            for &end in &batch.ends {
                for step in &batch.steps[from..end as usize] {
                    let tensor = step.tensor as usize;
                    let index = step.index as usize;
                    self.kept += match self.granularity {
                        Granularity::Weight => {
                            usize::from(self.mask.layer_mut(tensor).insert(index))
                        }
                        Granularity::Kernel => {
                            let kernel = graph.weighted(tensor).1.kernel;
                            let first = index / kernel * kernel;
                            let layer = self.mask.layer_mut(tensor);
                            (first..first + kernel).filter(|&i| layer.insert(i)).count()
                        }
                    };
                }
                from = end as usize;
                self.walks += 1;
                if self.kept >= self.target {
                    return true;
                }
            }
        }
        if self.walks > walks {
            self.rate = (self.kept - kept) as f64 / (self.walks - walks) as f64;
        }
        false
    }
}

/// Walks that started at each input and at each output unit.
fn starts<S: Score>(graph: &PathGraph, walker: &Walker<'_, S>, walks: u64) -> [Vec<u64>; 2] {
    let mut counts = [vec![0; graph.inputs()], vec![0; graph.outputs()]];
    for walk in 0..walks {
        let (direction, unit) = walker.first_unit(walk);
        counts[usize::from(direction == Direction::Reverse)][unit] += 1;
    }
    counts
}

/// Refuses what the architecture alone rules out.
fn check_target(graph: &PathGraph, params: &WalkParams, target: usize) -> Result<(), WalkError> {
    let walked = graph.walked(params.law.skips);
    let len = |tensor: usize| graph.weighted(tensor).1.len();
    let tensors = 0..graph.tensors();
    let prunable = tensors.clone().map(len).sum();
    let reachable = tensors.filter(|&t| walked[graph.weighted(t).0]).map(len).sum();
    if target <= reachable {
        return Ok(());
    }
    let reason = match params.law.skips {
        SkipPolicy::Uniform => "",
        _ => " (the skip policy leaves the others out)",
    };
    Err(WalkError::Unreachable { density: params.density, target, reachable, prunable, reason })
}

/// Refuses what the weights rule out: scores of 0.
fn check_reachable<S: Score>(
    graph: &PathGraph,
    network: &Network,
    params: &WalkParams,
    score: S,
    target: usize,
) -> Result<(), WalkError> {
    let mask = reachable(graph, network, &params.law, score);
    let reachable = match params.granularity {
        Granularity::Weight => mask.kept(),
        Granularity::Kernel => whole_kernels(graph, &mask),
    };
    if target <= reachable {
        return Ok(());
    }
    let reason = " (weights of 0 are never walked)";
    let prunable = mask.len();
    Err(WalkError::Unreachable { density: params.density, target, reachable, prunable, reason })
}

/// Scalars of the kernels that hold at least one weight of a mask.
fn whole_kernels(graph: &PathGraph, mask: &Mask) -> usize {
    let tensor = |(t, layer): (usize, &phew_graph::LayerMask)| {
        let kernel = graph.weighted(t).1.kernel;
        let mut kernels: Vec<usize> = layer.iter().map(|i| i / kernel).collect();
        kernels.dedup();
        kernels.len() * kernel
    };
    mask.layers().iter().enumerate().map(tensor).sum()
}
