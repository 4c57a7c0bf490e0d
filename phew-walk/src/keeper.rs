//! The mask as it grows, walk by walk.

use phew_graph::{Mask, PathGraph, Reach};

use crate::error::WalkError;
use crate::params::Granularity;
use crate::walker::{Step, Steps};

/// Walks of a round at least: half a company of the walker.
const FEWEST: usize = 32;

/// Walks of a round at most. A round is drawn in parallel and then kept walk by walk.
pub(crate) const ROUND: usize = 1 << 15;

/// What is kept, of how many walks, and until when.
pub(crate) struct Keeper {
    pub(crate) mask: Mask,
    pub(crate) kept: usize,
    pub(crate) walks: u64,
    pub(crate) target: usize,
    granularity: Granularity,
    /// New weights of a walk, in the last round.
    rate: f64,
    /// The weights that the last walk added.
    fresh: Vec<Step>,
}

impl Keeper {
    pub(crate) fn new(mask: Mask, granularity: Granularity) -> Self {
        let rate = f64::INFINITY;
        Self { mask, kept: 0, walks: 0, target: 0, granularity, rate, fresh: Vec::new() }
    }

    /// Walks to draw next, given those drawn and not yet kept: what the last round's rate calls for. Affects
    /// the time only, never the result.
    pub(crate) fn round(&self, coming: u64) -> usize {
        let left = (self.target - self.kept) as f64;
        if self.rate.is_infinite() {
            // The first walks: no rate is known, but a walk keeps one weight of each tensor at most.
            let least = (left / self.mask.layers().len() as f64) as usize;
            return if coming > 0 { 0 } else { least.clamp(FEWEST, ROUND) };
        }
        let short = left - self.rate * coming as f64;
        if short <= 0.0 && coming > 0 {
            return 0;
        }
        ((short / self.rate.max(1e-3)) as usize).clamp(FEWEST, ROUND)
    }

    /// Keeps the walks one by one; true when the target is reached.
    pub(crate) fn keep_all(&mut self, graph: &PathGraph, batches: &[Steps]) -> bool {
        let (walks, kept) = (self.walks, self.kept);
        for batch in batches {
            let mut from = 0;
            for &end in &batch.ends {
                self.fresh.clear();
                for &step in &batch.steps[from..end as usize] {
                    self.keep(graph, step);
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

    fn keep(&mut self, graph: &PathGraph, step: Step) {
        let tensor = step.tensor as usize;
        let layer = self.mask.layer_mut(tensor);
        match self.granularity {
            Granularity::Weight => {
                if layer.insert(step.index as usize) {
                    self.kept += 1;
                    self.fresh.push(step);
                }
            }
            Granularity::Kernel => {
                let kernel = graph.weighted(tensor).1.kernel as u32;
                let first = step.index / kernel * kernel;
                for index in (first..first + kernel).filter(|&i| layer.insert(i as usize)) {
                    self.kept += 1;
                    self.fresh.push(Step { index, ..step });
                }
            }
        }
    }

    /// Prunes what the last walk added beyond the target, as far as no other weight loses its path.
    pub(crate) fn drop_overshoot(&mut self, graph: &PathGraph) -> Result<(), WalkError> {
        for step in std::mem::take(&mut self.fresh) {
            if self.kept == self.target {
                break;
            }
            let (tensor, index) = (step.tensor as usize, step.index as usize);
            self.mask.layer_mut(tensor).remove(index);
            let on_paths = Reach::of_mask(graph, &self.mask).effective(graph, &self.mask).kept();
            if on_paths == self.kept - 1 {
                self.kept -= 1;
            } else {
                self.mask.layer_mut(tensor).insert(index);
            }
        }
        let over = self.kept - self.target;
        if over > 0 { Err(WalkError::Inexact { target: self.target, over }) } else { Ok(()) }
    }
}
