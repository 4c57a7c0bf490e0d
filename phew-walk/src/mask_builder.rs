//! The mask builder: the mask as it grows, round of walks by round of walks.
//!
//! As long as the target is out of a round's reach, the order in which its walks are kept does not matter: every
//! tensor keeps its steps on its own, in parallel. The round that reaches the target is taken back and kept walk
//! by walk.

use phew_graph::{ByTensor, LayerBudgets, LayerMask, Mask, PathGraph, Reach, TensorId};
use rayon::prelude::*;

use crate::error::WalkError;
use crate::params::Granularity;
use crate::quotas::Quotas;
use crate::walk::steps::{Step, Steps};

/// Walks of a round at least.
const FEWEST: usize = 32;

/// Walks of a round at most: what is drawn stays in the caches until it is kept.
const ROUND: usize = 1 << 15;

/// The weights kept so far, of how many walks, and until when.
pub(crate) struct MaskBuilder {
    pub(crate) mask: Mask,
    pub(crate) kept: usize,
    pub(crate) walks: u64,
    pub(crate) target: usize,
    /// What layers still take, where some have a share of their own.
    pub(crate) quotas: Option<Quotas>,
    granularity: Granularity,
    /// New weights of a walk, in the last round.
    rate: f64,
    /// The weights that the last walk added.
    fresh: Vec<Step>,
}

impl MaskBuilder {
    pub(crate) fn new(mask: Mask, granularity: Granularity) -> Self {
        let (kept, rate) = (mask.kept(), f64::INFINITY);
        let (fresh, quotas) = (Vec::new(), None);
        Self { mask, kept, walks: 0, target: 0, quotas, granularity, rate, fresh }
    }

    /// Keeps the layers that are to be kept whole.
    pub(crate) fn keep_whole(&mut self, budgets: &LayerBudgets) {
        for (layer, budget) in self.mask.layers_mut().iter_mut().zip(&budgets.fixed) {
            if *budget == Some(layer.len()) && layer.kept() < layer.len() {
                self.kept += layer.len() - layer.kept();
                *layer = LayerMask::dense(layer.name(), layer.shape());
            }
        }
    }

    /// Whether nothing is left to keep.
    pub(crate) fn is_done(&self) -> bool {
        match &self.quotas {
            None => self.kept >= self.target,
            Some(quotas) => !quotas.any_open(),
        }
    }

    /// Weights kept, weights wanted, and all there are.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        (self.kept, self.target, self.mask.len())
    }

    /// Walks to draw next: what the last round's rate calls for. Affects the time only, never the result.
    pub(crate) fn round(&self) -> usize {
        let left = self.target.saturating_sub(self.kept) as f64;
        // No rate is known at first, but a walk keeps one weight of each tensor at most.
        let rate = self.rate.min(self.mask.layers().len() as f64).max(1e-3);
        ((left / rate) as usize).clamp(FEWEST, ROUND)
    }

    /// Keeps a round of walks, as far as the target; true when it is reached.
    pub(crate) fn keep_round(&mut self, graph: &PathGraph, round: &[Steps]) -> bool {
        let new = self.insert(graph, round);
        let gains: Vec<usize> = new.iter().map(Vec::len).collect();
        let gained: usize = gains.iter().sum();
        let goes_on = match &self.quotas {
            None => self.kept + gained < self.target,
            Some(quotas) => quotas.any_open() && quotas.leave_all_open(&gains),
        };
        if goes_on {
            if let Some(quotas) = &mut self.quotas {
                let tensors = graph.tensors().zip(gains);
                tensors.for_each(|(tensor, gain)| quotas.take(tensor, gain));
            }
            let walks: usize = round.iter().map(|steps| steps.count).sum();
            self.kept += gained;
            self.walks += walks as u64;
            self.rate = gained as f64 / walks as f64;
            return false;
        }
        for (layer, new) in self.mask.layers_mut().iter_mut().zip(&new) {
            new.iter().for_each(|&index| _ = layer.remove(index as usize));
        }
        self.keep_in_order(graph, round)
    }

    /// Replaces the mask by the one that a batch of walks made of it.
    pub(crate) fn replace(&mut self, mask: Mask, walks: u64) {
        self.kept = mask.kept();
        self.mask = mask;
        self.walks += walks;
    }

    /// The mask, which leaves an empty one behind.
    pub(crate) fn hand_over(&mut self) -> Mask {
        std::mem::replace(&mut self.mask, Mask::from_layers(Vec::new()))
    }

    /// Keeps all steps of a round, and returns those of each tensor that were new.
    fn insert(&mut self, graph: &PathGraph, round: &[Steps]) -> Vec<Vec<u32>> {
        let mut runs: ByTensor<Vec<&[u32]>> = graph.tensors().map(|_| Vec::new()).collect();
        for (tensor, run) in round.iter().flat_map(Steps::runs) {
            if self.takes(tensor) {
                runs[tensor].push(run);
            }
        }
        let granularity = self.granularity;
        let tensors = self.mask.layers_mut().par_iter_mut().zip(runs).enumerate();
        tensors
            .map(|(tensor, (layer, runs))| {
                let mut new = Vec::with_capacity(runs.iter().map(|run| run.len()).sum());
                for run in runs {
                    match granularity {
                        Granularity::Weight => layer.insert_all(run.iter().copied(), &mut new),
                        Granularity::Kernel => {
                            let kernel = graph.shape(TensorId::new(tensor)).kernel as u32;
                            let whole = |&index: &u32| kernel_of(index, kernel);
                            layer.insert_all(run.iter().flat_map(whole), &mut new);
                        }
                    }
                }
                new
            })
            .collect()
    }

    /// Keeps the walks one by one; true when the target is reached.
    fn keep_in_order(&mut self, graph: &PathGraph, round: &[Steps]) -> bool {
        for steps in round {
            let (steps, ends) = steps.by_walk();
            let mut from = 0;
            for end in ends {
                self.fresh.clear();
                // A walk that begins before a layer is full is kept whole there.
                let taken = steps[from..end].iter().filter(|step| self.takes(step.tensor));
                let taken: Vec<Step> = taken.copied().collect();
                taken.into_iter().for_each(|step| self.keep(graph, step));
                from = end;
                self.walks += 1;
                if let Some(quotas) = &mut self.quotas {
                    self.fresh.iter().for_each(|step| quotas.take(step.tensor, 1));
                }
                if self.is_done() {
                    return true;
                }
            }
        }
        false
    }

    /// Whether what walks pass of a tensor is still kept.
    fn takes(&self, tensor: TensorId) -> bool {
        self.quotas.as_ref().is_none_or(|quotas| quotas.is_open(tensor))
    }

    fn keep(&mut self, graph: &PathGraph, step: Step) {
        let layer = self.mask.layer_mut(step.tensor);
        let kernel = match self.granularity {
            Granularity::Weight => 1,
            Granularity::Kernel => graph.shape(step.tensor).kernel as u32,
        };
        for index in kernel_of(step.index, kernel).filter(|&i| layer.insert(i as usize)) {
            self.kept += 1;
            self.fresh.push(Step { index, ..step });
        }
    }

    /// Prunes what the last walk added beyond the target, as far as no other weight loses its path.
    pub(crate) fn drop_overshoot(&mut self, graph: &PathGraph) -> Result<(), WalkError> {
        for step in std::mem::take(&mut self.fresh) {
            if self.kept == self.target {
                break;
            }
            let (tensor, index) = (step.tensor, step.index as usize);
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

/// The scalars of the kernel that holds a scalar.
fn kernel_of(index: u32, kernel: u32) -> std::ops::Range<u32> {
    let first = index / kernel * kernel;
    first..first + kernel
}
