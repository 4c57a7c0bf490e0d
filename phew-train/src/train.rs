//! Training.

mod backend;
mod learning_rate;
mod loss_scale;
mod masked_step;
mod observer;
mod optimiser;
mod pruned;
mod pruner;
mod pruning;
mod recipe;
mod record;
mod sparse_gradient;
mod sums;
mod task;
mod trainer;
mod training_data;

pub use backend::Backend;
pub use learning_rate::{Fall, LearningRate};
pub use observer::{Observer, Pruned, TrainingProgress};
pub use optimiser::{Optimiser, OptimiserSpec};
pub use pruned::{Event, PrunedTraining};
pub use pruner::{MagnitudePruner, Pruner, PrunerInfo, ScoredPruner, ScoredPrunerBuilder};
pub use pruning::{Pruning, Redraw, RedrawVariance};
pub use recipe::Recipe;
pub use record::{EpochRecord, EpochTiming};
pub use trainer::{Outcome, Snapshot, Trainer, TrainerBuilder};
pub use training_data::TrainingData;

pub(crate) use task::Task;
pub(crate) use trainer::State;
