//! The sampler: walks, keeps what they pass, and stops at the density.

mod engine_choice;
mod patience;
mod report;
mod rescaled;

use std::ops::{ControlFlow, Range};
use std::time::{Duration, Instant};

use phew_graph::{ByTensor, LayerBudgets, Mask, Network, PathGraph, kept_at};

use crate::bulk::engine::BulkEngine;
use crate::bulk::kernel_multinomial::MOST;
use crate::error::WalkError;
use crate::feasibility::{check_architecture, check_connected, check_layers, check_weights};
use crate::mask_builder::MaskBuilder;
use crate::params::bias::{Score, with_score};
use crate::params::{Engine, WalkParams};
use crate::quotas::Quotas;
use crate::walk::sampling_table::SamplingTable;
use crate::walk::walker::Walker;

use engine_choice::{choose_engine, least_batch};
use patience::{MOST_IN_BATCHES, MOST_SINGLE, Patience};
pub use report::{WalkProgress, WalkReport, Walked};

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
/// [`WalkError::TooManyWalks`] if it is expected to take more walks than are made, [`WalkError::Inexact`] if the
/// overshoot cannot be dropped.
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
    mut progress: impl FnMut(WalkProgress) -> ControlFlow<()> + Send,
) -> Result<Vec<Walked>, WalkError> {
    // Into the thread pool once, rather than at every parallel loop: that is what a small network's time is.
    rayon::scope(|_| with_score!(params.law.bias, S => sample::<S>(network, params, &mut progress)))
}

fn sample<S: Score>(
    network: &Network,
    params: &WalkParams,
    progress: &mut dyn FnMut(WalkProgress) -> ControlFlow<()>,
) -> Result<Vec<Walked>, WalkError> {
    if params.layers.has_parts() && params.densities.len() > 1 {
        // A smaller density has walks on which its other layers no longer keep anything.
        let of = |&density: &f64| WalkParams { densities: vec![density], ..params.clone() };
        let mut all = Vec::with_capacity(params.densities.len());
        for params in params.densities.iter().map(of) {
            all.extend(sample::<S>(network, &params, &mut *progress)?);
        }
        return Ok(all);
    }
    check_layers(params)?;
    let graph = &PathGraph::new(network.arch());
    let clock = Instant::now();
    let mut targets = Vec::with_capacity(params.densities.len());
    for &density in &params.densities {
        let target = kept_at(density, network.arch().prunable_len())?;
        let budgets = params.layers.budgets(network.arch(), target)?;
        check_architecture(graph, params, density, target, &budgets)?;
        targets.push((target, budgets));
    }
    let tables = SamplingTable::of_network::<S>(graph, network)?;
    if tables.iter().any(rescaled::is_extreme)
        && let Some(network) = rescaled::rescaled(network)?
    {
        return sample::<S>(&network, params, progress);
    }
    check_connected(graph, network, &tables, params.law.bias)?;
    let mut sampler = Sampler::<S>::new(network, graph, &tables, params, progress);
    let prepared = clock.elapsed();

    let clock = Instant::now();
    let mut all = Vec::with_capacity(targets.len());
    for (&density, (target, budgets)) in params.densities.iter().zip(&targets) {
        let engine = sampler.walk_to(density, *target, budgets)?;
        let last = all.len() + 1 == targets.len();
        all.push(sampler.walked(engine, last, prepared, clock));
    }
    Ok(all)
}

/// The walks of one request.
struct Sampler<'a, S> {
    network: &'a Network,
    graph: &'a PathGraph,
    tables: &'a ByTensor<SamplingTable<'a>>,
    params: &'a WalkParams,
    walker: Walker<'a, S>,
    /// Made when the first batch is drawn.
    bulk: Option<BulkEngine<'a, S>>,
    builder: MaskBuilder,
    /// Numbers of the walks that were drawn one by one.
    single_walks: Vec<Range<u64>>,
    /// When to look at how far the target is.
    patience: Patience,
    /// Walks that were drawn in batches.
    bulk_walks: u64,
    /// Of these, those that started at each input and at each output unit.
    bulk_starts: [Vec<u64>; 2],
    progress: &'a mut dyn FnMut(WalkProgress) -> ControlFlow<()>,
}

impl<'a, S: Score> Sampler<'a, S> {
    fn new(
        network: &'a Network,
        graph: &'a PathGraph,
        tables: &'a ByTensor<SamplingTable<'a>>,
        params: &'a WalkParams,
        progress: &'a mut dyn FnMut(WalkProgress) -> ControlFlow<()>,
    ) -> Self {
        Self {
            network,
            graph,
            tables,
            params,
            walker: Walker::new(graph, tables, &params.law),
            bulk: None,
            builder: MaskBuilder::new(Mask::empty(network.arch()), params.granularity),
            single_walks: Vec::with_capacity(params.densities.len()),
            patience: Patience::new(),
            bulk_walks: 0,
            bulk_starts: [vec![0; graph.inputs()], vec![0; graph.outputs()]],
            progress,
        }
    }

    /// Walks until the target is reached.
    fn walk_to(
        &mut self,
        density: f64,
        target: usize,
        budgets: &LayerBudgets,
    ) -> Result<Engine, WalkError> {
        let parts = self.params.layers.has_parts();
        let asked = if parts { Engine::Walk } else { self.params.engine };
        let engine = choose_engine(asked, self.tables, target);
        self.builder.target = target;
        self.builder.keep_whole(budgets);
        self.builder.quotas = parts.then(|| Quotas::new(budgets, &self.builder.mask));
        if engine == Engine::Bulk {
            self.draw_batches(density)?;
        }
        self.draw_single_walks(density)?;
        if self.params.exact {
            self.builder.drop_overshoot(self.graph)?;
        }
        Ok(engine)
    }

    /// Keeps batches of walks that together fall short of the target.
    fn draw_batches(&mut self, density: f64) -> Result<(), WalkError> {
        let mut bulk = self.take_bulk();
        let least = least_batch(self.tables);
        while self.builder.kept < self.builder.target {
            let left = self.builder.target - self.builder.kept;
            let gain = bulk.expected_gain(&self.builder.mask);
            if self.patience.is_due(self.builder.walks) {
                let counts = self.builder.counts();
                patience::check(&gain, density, counts, MOST_IN_BATCHES)
                    .or_else(|error| self.check_weights(density).and(Err(error)))?;
            }
            let walks = gain.batch_size(left).min(MOST);
            if walks < least {
                break;
            }
            let batch = bulk.run(self.builder.walks, walks, &self.builder.mask, self.network);
            if batch.mask.kept() >= self.builder.target {
                // Beyond the eight standard deviations to spare: these walks were not made.
                break;
            }
            self.builder.replace(batch.mask, walks);
            self.bulk_walks += walks;
            self.bulk_starts.iter_mut().zip(&batch.started).for_each(|(all, more)| add(all, more));
            self.report_progress()?;
        }
        self.bulk = Some(bulk);
        Ok(())
    }

    /// The engine of batches, made where it is not there yet.
    fn take_bulk(&mut self) -> BulkEngine<'a, S> {
        let (law, granularity) = (&self.params.law, self.params.granularity);
        let new = || BulkEngine::new(self.graph, self.tables, law, granularity);
        self.bulk.take().unwrap_or_else(new)
    }

    /// Refuses a target that single walks would take too long for.
    fn check_patience(&mut self, density: f64) -> Result<(), WalkError> {
        // Where units are left uniformly for want of any score, the probabilities are not known.
        if !self.patience.is_due(self.builder.walks)
            || self.tables.iter().any(SamplingTable::has_stuck_units)
        {
            return Ok(());
        }
        let bulk = self.take_bulk();
        let checked = match &self.builder.quotas {
            None => {
                let gain = bulk.expected_gain(&self.builder.mask);
                patience::check(&gain, density, self.builder.counts(), MOST_SINGLE)
            }
            Some(quotas) => quotas.open_groups().try_for_each(|(left, tensors)| {
                // Of this group alone.
                let mut mask = Mask::dense(self.network.arch());
                for &tensor in &tensors {
                    *mask.layer_mut(tensor) = self.builder.mask.layer(tensor).clone();
                }
                let (kept, len) = (mask.kept(), mask.len());
                let gain = bulk.expected_gain(&mask);
                patience::check(&gain, density, (kept, kept + left, len), MOST_SINGLE)
            }),
        };
        self.bulk = Some(bulk);
        checked
    }

    /// Refuses what the weights rule out.
    fn check_weights(&self, density: f64) -> Result<(), WalkError> {
        let MaskBuilder { target, mask, quotas, .. } = &self.builder;
        let wanted = (density, *target);
        check_weights(self.graph, self.network, self.params, wanted, mask, quotas.as_ref())
    }

    /// Keeps single walks until the target is reached.
    fn draw_single_walks(&mut self, density: f64) -> Result<(), WalkError> {
        let first = self.builder.walks;
        let mut feasible = false;
        while !self.builder.is_done() {
            let before = self.builder.kept;
            let round = self.walker.draw(self.builder.walks, self.builder.round());
            if self.builder.keep_round(self.graph, &round) {
                break;
            }
            let patient = self.check_patience(density);
            // What the weights rule out takes any number of walks: that is the better word.
            if (self.builder.kept == before || patient.is_err()) && !feasible {
                self.check_weights(density)?;
                feasible = true;
            }
            patient?;
            self.report_progress()?;
        }
        self.single_walks.push(first..self.builder.walks);
        Ok(())
    }

    /// Tells the caller how far the walks are, and stops if that is the answer.
    fn report_progress(&mut self) -> Result<(), WalkError> {
        let MaskBuilder { walks, kept, target, .. } = self.builder;
        match (self.progress)(WalkProgress { walks, kept, target }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(WalkError::Stopped { walks }),
        }
    }

    /// The mask as it is. The last one is handed over whole: a copy of a large network's takes as long as half a pass.
    fn walked(&mut self, engine: Engine, last: bool, tables: Duration, clock: Instant) -> Walked {
        let MaskBuilder { walks, kept, target, .. } = self.builder;
        let mut starts = self.walker.started(&self.single_walks);
        starts.iter_mut().zip(&self.bulk_starts).for_each(|(all, more)| add(all, more));
        let [input_starts, output_starts] = starts;
        let report = WalkReport {
            walks,
            target,
            overshoot: kept.saturating_sub(target),
            engine,
            bulk_walks: self.bulk_walks,
            input_starts,
            output_starts,
            tables,
            sampling: clock.elapsed(),
        };
        let builder = &mut self.builder;
        Walked { mask: if last { builder.hand_over() } else { builder.mask.clone() }, report }
    }
}

fn add(counts: &mut [u64], more: &[u64]) {
    counts.iter_mut().zip(more).for_each(|(count, more)| *count += more);
}
