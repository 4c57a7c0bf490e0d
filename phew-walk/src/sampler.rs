//! Walk, keep, and stop at the density.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use phew_graph::{GraphError, Mask, Network, PathGraph, kept_at};
use rayon::prelude::*;

use crate::block::MOST;
use crate::bulk::Bulk;
use crate::company::Company;
use crate::error::WalkError;
use crate::keeper::{Keeper, ROUND};
use crate::limits::{check_open, check_reachable, check_target};
use crate::params::{Bias, Engine, WalkLaw, WalkParams};
use crate::score::{Inverse, Magnitude, Score, Square, Uniform};
use crate::steps::Steps;
use crate::table::Table;
use crate::walker::Walker;

/// Walks of a task.
const TASK: usize = 512;

/// Batches pay from this many weights on,
const BULK_WEIGHTS: usize = 200_000;

/// if they are at least this share of the prunable ones,
const BULK_DENSITY: f64 = 0.3;

/// or at least this many for each kernel. Measured: on VGG-19 both engines take the same time at 10 %, on a
/// multilayer perceptron at 30 %.
const BULK_SHARE: f64 = 1.0;

/// Kernels for each walk of a batch at most.
const BATCH: usize = 32;

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
    /// The engine that made the walks.
    pub engine: Engine,
    /// Of the walks, those that were drawn in batches.
    pub bulk_walks: u64,
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
/// Use this for a mask from initial weights alone; [`prune_nested`] gives several densities at once and reports
/// progress.
///
/// # Returns
/// The mask in the order of [`phew_graph::Arch::prunable`], with at least `⌊density · prunable⌋` weights kept
/// and an overshoot of less than one walk (none with [`WalkParams::exact`]); of the greatest density, if there
/// are several. The mask depends on the weights and the parameters alone, not on the machine or the number of
/// threads. With [`Engine::Walk`] masks of one seed are nested as the density grows.
///
/// # Errors
/// [`WalkError::Graph`] if the density keeps no weight, [`WalkError::NoPath`] if weights of 0 cut the inputs
/// off from the outputs, [`WalkError::Unreachable`] if no number of walks can reach the density,
/// [`WalkError::Inexact`] if the overshoot cannot be dropped.
///
/// # Complexity
/// One pass over the weights, then O(depth) expected reads for each walk, or with [`Engine::Bulk`] a few passes
/// over the kernels' norms for any number of walks. Memory: one ninth of the 3×3 convolutions' weights, and the
/// mask.
///
/// # References
/// Patil & Dovrolis 2021, section 4. The choice among skip connections is phew's: see [`phew_graph::SkipPolicy`].
pub fn prune(network: &Network, params: &WalkParams) -> Result<Walked, WalkError> {
    let mut all = prune_nested(network, params, |_| ControlFlow::Continue(()))?;
    match all.pop() {
        Some(walked) => Ok(walked),
        None => unreachable!("there is a mask for each density, and at least one density"),
    }
}

/// As [`prune`], for all densities of the parameters in one run: the masks are nested, whatever the engine.
///
/// `progress` is called after every round of walks and may stop it.
///
/// # Returns
/// One mask for each density, in ascending order.
///
/// # Errors
/// As [`prune`], and [`WalkError::Stopped`] if `progress` breaks.
pub fn prune_nested(
    network: &Network,
    params: &WalkParams,
    progress: impl FnMut(Progress) -> ControlFlow<()> + Send,
) -> Result<Vec<Walked>, WalkError> {
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
) -> Result<Vec<Walked>, WalkError> {
    let prunable = network.arch().prunable_len();
    let graph = &PathGraph::new(network.arch());
    let clock = Instant::now();
    let mut targets = Vec::with_capacity(params.densities.len());
    for &density in &params.densities {
        let target = kept_at(density, prunable)?;
        check_target(graph, params, density, target)?;
        targets.push(target);
    }
    let tables = tables::<S>(graph, network)?;
    check_open(graph, network, &tables, score)?;
    let walker = Walker::<S>::new(graph, &tables, &params.law);
    let prepared = clock.elapsed();

    let clock = Instant::now();
    let mut keeper = Keeper::new(Mask::empty(network.arch()), params.granularity);
    let mut bulk_walks = 0;
    let mut done = Vec::with_capacity(targets.len());
    let mut bulk: Option<Bulk<'_, S>> = None;
    let mut singles = Vec::with_capacity(targets.len());
    let mut started = [vec![0; graph.inputs()], vec![0; graph.outputs()]];
    // A batch reads the norms of all kernels, so fewer walks are faster one by one.
    let least = (kernels(&tables) / BATCH) as u64;
    for (&density, &target) in params.densities.iter().zip(&targets) {
        let engine = engine(params.engine, &tables, target);
        let mut report = |keeper: &Keeper| {
            let (walks, kept) = (keeper.walks, keeper.kept);
            match progress(Progress { walks, kept, target }) {
                ControlFlow::Continue(()) => Ok(()),
                ControlFlow::Break(()) => Err(WalkError::Stopped { walks }),
            }
        };
        keeper.target = target;
        if engine == Engine::Bulk {
            let bulk = bulk
                .get_or_insert_with(|| Bulk::new(graph, &tables, &params.law, params.granularity));
            let from = keeper.walks;
            approach(bulk, &mut keeper, network, least, &mut started, &mut report)?;
            bulk_walks += keeper.walks - from;
        }
        let single = keeper.walks;
        finish(graph, network, params, score, density, &walker, &mut keeper, &mut report)?;
        if params.exact {
            keeper.drop_overshoot(graph)?;
        }
        singles.push(single..keeper.walks);
        let mut starts = walker.started(&singles);
        starts.iter_mut().zip(&started).for_each(|(starts, more)| add(starts, more));
        let [input_starts, output_starts] = starts;
        let report = Report {
            walks: keeper.walks,
            target,
            overshoot: keeper.kept - target,
            engine,
            bulk_walks,
            input_starts,
            output_starts,
            tables: prepared,
            sampling: clock.elapsed(),
        };
        // The last mask is handed over whole: a copy of a large network's takes as long as half a pass.
        let last = done.len() + 1 == targets.len();
        done.push(Walked {
            mask: if last { keeper.hand_over() } else { keeper.mask.clone() },
            report,
        });
    }
    Ok(done)
}

fn kernels(tables: &[Table<'_>]) -> usize {
    tables.iter().map(|t| t.kernels().len()).sum()
}

/// The engine that serves a target: what was asked for, or the faster one by a rule on the input alone.
///
/// A batch of [`Bulk`] passes over all kernels, whatever it keeps, so it pays where a good part of them is kept.
fn engine(asked: Engine, tables: &[Table<'_>], target: usize) -> Engine {
    // A unit with nothing but scores of 0 onwards is left uniformly: only the walker does that.
    if tables.iter().any(Table::has_stuck_units) {
        return Engine::Walk;
    }
    let weights: usize = tables.iter().map(|t| t.weights.len()).sum();
    let few = BULK_SHARE * kernels(tables) as f64;
    let fewest = few.min(BULK_DENSITY * weights as f64).max(BULK_WEIGHTS as f64);
    match asked {
        Engine::Auto if target as f64 >= fewest => Engine::Bulk,
        Engine::Auto => Engine::Walk,
        asked => asked,
    }
}

/// Keeps batches of walks that together fall short of the target, and counts where they start.
fn approach<S: Score>(
    bulk: &mut Bulk<'_, S>,
    keeper: &mut Keeper,
    network: &Network,
    least: u64,
    started: &mut [Vec<u64>; 2],
    report: &mut impl FnMut(&Keeper) -> Result<(), WalkError>,
) -> Result<(), WalkError> {
    while keeper.kept < keeper.target {
        let walks = bulk.coverage(&keeper.mask).walks(keeper.target - keeper.kept).min(MOST);
        if walks < least {
            break;
        }
        let batch = bulk.run(keeper.walks, walks, &keeper.mask, network);
        if batch.mask.kept() >= keeper.target {
            // Beyond the eight standard deviations to spare: these walks were not made.
            break;
        }
        keeper.take_in(batch.mask, walks);
        started.iter_mut().zip(&batch.started).for_each(|(started, more)| add(started, more));
        report(keeper)?;
    }
    Ok(())
}

fn add(counts: &mut [u64], more: &[u64]) {
    counts.iter_mut().zip(more).for_each(|(count, more)| *count += more);
}

/// Keeps single walks until the target is reached.
#[allow(clippy::too_many_arguments, reason = "the parts of one loop, each used once")]
fn finish<S: Score>(
    graph: &PathGraph,
    network: &Network,
    params: &WalkParams,
    score: S,
    density: f64,
    walker: &Walker<'_, S>,
    keeper: &mut Keeper,
    report: &mut impl FnMut(&Keeper) -> Result<(), WalkError>,
) -> Result<(), WalkError> {
    let mut proved = false;
    while keeper.kept < keeper.target {
        let before = keeper.kept;
        let round = draw(walker, keeper.walks, keeper.round());
        if keeper.keep_round(graph, &round) {
            break;
        }
        if keeper.kept == before && !proved {
            check_reachable(graph, network, params, density, score, keeper.target)?;
            proved = true;
        }
        report(keeper)?;
    }
    Ok(())
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
        for (tensor, run) in draw(&walker, from, round).iter().flat_map(Steps::runs) {
            run.iter().for_each(|&index| visits[tensor][index as usize] += 1);
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

/// Draws walks `from .. from + count` in parallel, in order.
fn draw<S: Score>(walker: &Walker<'_, S>, from: u64, count: usize) -> Vec<Steps> {
    let tasks = count.div_ceil(TASK);
    let task = |companies: &mut [Company; 2], t: usize| {
        walker.walk(from + (t * TASK) as u64, TASK.min(count - t * TASK), companies)
    };
    (0..tasks).into_par_iter().map_init(|| walker.companies(), task).collect()
}
