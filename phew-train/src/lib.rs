//! Everything of phew that needs libtorch or data: models, data sets, masked training, gradients.
//!
//! What needs libtorch is behind the feature `torch`, which is on by default. Without it there are data sets, loss and accuracy
//! on them ([`test_quality`]), and what SNIP and the spatial SynFlow are scored by ([`EngineOracle`]).
//!
//! ```
//! use phew_graph::{Init, Network, zoo};
//! use phew_train::{EngineOracle, OracleMode, SampleSpec, digits};
//!
//! let data = digits(300, 100, 0)?;
//! let network = Network::initialise(zoo::by_name("lenet-5")?.build()?, Init::default(), 0)?;
//! let samples = SampleSpec { per_class: 3, ..SampleSpec::default() };
//! let mut oracle = EngineOracle::of_data(&network, &data, samples, OracleMode::Train)?;
//! let dense = phew_graph::Mask::dense(network.arch());
//! let gradient = oracle.gradient(&network.weights(), &dense)?;
//! assert_eq!(gradient[0].len(), 6 * 5 * 5);
//! # Ok::<(), phew_train::TrainError>(())
//! ```

#[cfg(feature = "torch")]
mod arrays;
#[cfg(feature = "torch")]
mod batches;
mod data;
#[cfg(feature = "torch")]
mod device;
#[cfg(feature = "torch")]
mod doctor;
mod error;
mod loss;
#[cfg(feature = "torch")]
mod measure;
#[cfg(feature = "torch")]
mod model;
mod quality;
#[cfg(feature = "torch")]
mod run;
mod score;
#[cfg(feature = "torch")]
mod train;

pub use data::{
    ClassTransform, DataSpec, DataSummary, Dataset, DrawSpec, ImageSpec, Images, NumberedBatch,
    Pixels, Published, RemoteFile, Set, SubsetSpec, Targets, TransformSpec, class_transforms,
    digits, fetch, image_transformation,
};
pub use error::TrainError;
pub use loss::Loss;
/// What a Hessian-gradient product or a tangent kernel runs over, and what stands in place of each weight in a pass of
/// ones.
pub use phew_baselines::{Parameters, Power};
/// Arrays go in and out as those of this crate.
pub use phew_graph::ndarray;
pub use quality::{Quality, test_quality};
pub use score::{EngineOracle, OracleKind, OracleMode, SampleSpec};

#[cfg(feature = "torch")]
pub use self::{
    batches::{Augment, Batch, DeviceDataset, DeviceImages, ResizedCrop, epoch_order},
    device::{Device, set_threads, threads},
    doctor::{Cuda, Hidden, Libtorch, libtorch},
    measure::{
        GradientShare, Inputs, LayerSensitivity, Spread, TangentKernel, connection_sensitivity,
        gradient_norm, gradient_share, jacobian_extremes, jacobian_singular_values,
    },
    model::{Mode, Model, Precision},
    run::{Early, Remaining, Run, RunBuilder, RunConfig, RunOutcome, RunResult},
    score::{OnesPass, TorchOracle, ones_pass, score_batches},
    train::{
        Backend, EpochRecord, EpochTiming, Event, Fall, LearningRate, MagnitudePruner, Observer,
        Optimiser, OptimiserSpec, Outcome, Pruned, PrunedTraining, Pruner, PrunerInfo, Pruning,
        Recipe, Redraw, RedrawVariance, ScoredPruner, ScoredPrunerBuilder, Snapshot, Trainer,
        TrainerBuilder, TrainingData, TrainingProgress,
    },
};

#[cfg(all(doctest, feature = "torch"))]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
