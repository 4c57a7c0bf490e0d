//! Rival methods of pruning at initialisation.
//!
//! A method is put together from three pieces: a score ([`Scorer`]: what a weight is worth), an allocation
//! ([`Allocation`]: how many weights each layer keeps) and a schedule ([`Schedule`]: in how many steps).
//! [`prune`] runs them. Scores that need data ask an [`Oracle`], which a crate with a tensor library
//! implements; nothing else of the data is known here.

mod allocation;
mod draw;
mod error;
mod names;
mod node_path;
mod oracle;
mod prune;
mod registry;
mod schedule;
mod scorers;
mod scores;
mod select;
mod simd;
mod transform;
mod working;

pub use allocation::Allocation;
pub use error::BaselineError;
pub use node_path::{NodePath, node_path};
pub use oracle::{HessianGradient, Oracle, Parameters, Point, Power};
pub use prune::{Plan, Progress, Scorer, State, Watch, prune, prune_with};
pub use registry::{Method, MethodInfo, Needs, Options, find, method, methods};
pub use schedule::Schedule;
pub use scorers::{
    Grasp, GraspOrder, Inverted, Magnitude, NtkSap, Px, PxSaliency, Random, Saliency, Snip,
    SpatialSynFlow, SynFlow,
};
pub use scores::Scores;
pub use select::{Counts, keep_highest};
pub use transform::{
    Convergence, Isometry, Refill, Reinit, Repaired, approximate_isometry, reinitialise, repair,
    shuffle, widen,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
