//! Everything of phew that needs libtorch or data: models, data sets, masked training, gradients.
//!
//! ```
//! use phew_graph::{Init, Network, zoo};
//! use phew_train::{Recipe, Trainer, digits};
//!
//! let recipe = Recipe::preset("digits")?.with_epochs(1);
//! let data = digits(500, 100, 0)?;
//! let network = Network::initialise(zoo::by_name("lenet-300-100")?.build()?, Init::default(), 0)?;
//! let mut trainer = Trainer::builder(&network, &data, &recipe).seed(1).build()?;
//! let records = trainer.run(&mut ())?;
//! assert!(records[0].train.loss.is_finite());
//! # Ok::<(), phew_train::TrainError>(())
//! ```

mod arrays;
mod batches;
mod data;
mod device;
mod doctor;
mod error;
mod loss;
mod measure;
mod model;
mod run;
mod score;
mod train;

pub use batches::{Augment, Batch, DeviceDataset, DeviceImages, ResizedCrop, epoch_order};
pub use data::{
    ClassTransform, DataSpec, DataSummary, Dataset, DrawSpec, ImageSpec, Images, Pixels, Published,
    RemoteFile, Set, SubsetSpec, TransformSpec, class_transforms, digits, fetch,
    image_transformation,
};
pub use device::{Device, set_threads, threads};
pub use doctor::{Cuda, Hidden, Libtorch, libtorch};
pub use error::TrainError;
pub use loss::Loss;
pub use measure::{
    GradientShare, Inputs, LayerSensitivity, Spread, TangentKernel, connection_sensitivity,
    gradient_norm, gradient_share, jacobian_extremes, jacobian_singular_values, test_quality,
};
pub use model::{Mode, Model, Precision};
/// What a Hessian-gradient product or a tangent kernel runs over, and what stands in place of each weight in a pass of
/// ones.
pub use phew_baselines::{Parameters, Power};
/// Arrays go in and out as those of this crate.
pub use phew_graph::ndarray;
pub use run::{Early, Remaining, Run, RunBuilder, RunConfig, RunOutcome, RunResult};
pub use score::{OnesPass, OracleMode, SampleSpec, TorchOracle, ones_pass, score_batches};
pub use train::{
    Backend, EpochRecord, EpochTiming, Event, Fall, LearningRate, MagnitudePruner, Observer,
    Optimiser, OptimiserSpec, Outcome, Pruned, PrunedTraining, Pruner, PrunerInfo, Pruning,
    Quality, Recipe, Redraw, RedrawVariance, ScoredPruner, ScoredPrunerBuilder, Snapshot, Trainer,
    TrainerBuilder, TrainingData, TrainingProgress,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
