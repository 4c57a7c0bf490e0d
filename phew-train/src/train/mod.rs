//! Training.

mod loss;
mod mask;
mod methods;
mod optimiser;
mod recipe;
mod record;
mod schedule;
mod sums;
mod trainer;

pub use loss::Loss;
pub use mask::mask_vector;
pub use methods::{Choose, gradual, lottery_ticket};
pub use optimiser::{Optimiser, OptimiserSpec};
pub use recipe::Recipe;
pub use record::{EpochRecord, EpochTiming, Quality};
pub use schedule::{Fall, Schedule};
pub use trainer::{Observer, Outcome, Progress, Snapshot, Trainer};

pub(crate) use sums::SumValues;
pub(crate) use trainer::State;
