//! Rival methods of pruning at initialisation.
//!
//! A method is put together from three pieces: a score ([`Scorer`]: what a weight is worth), an allocation
//! ([`Allocation`]: how many weights each layer keeps) and a schedule ([`Schedule`]: in how many steps).
//! [`prune_by_scores`] runs them. Scores that need data ask an [`Oracle`], which a crate with a tensor library
//! implements; nothing else of the data is known here.

mod allocation;
mod draw;
mod error;
mod inverted;
mod method;
mod needs;
mod node_path;
mod option;
mod oracle;
mod pattern;
mod plan;
mod positive;
mod power;
mod prune;
mod registry;
mod schedule;
mod scorer;
mod scorers;
mod scores;
mod select;
mod simd;
mod text;
mod transform;

pub use allocation::Allocation;
pub use error::BaselineError;
pub use inverted::Inverted;
pub use method::{Method, Options, Request, Scored, ScorerOf};
pub use needs::Needs;
pub use node_path::{NodePath, node_path};
pub use option::{MethodOption, OptionValue};
pub use oracle::{HessianGradient, Oracle, Parameters, Point};
pub use pattern::Pattern;
pub use phew_graph::ndarray;
pub use plan::Plan;
pub use positive::Positive;
pub use power::Power;
pub use prune::{prune_by_scores, prune_by_scores_with};
pub use registry::{Entry, Registry};
pub use schedule::Schedule;
pub use scorer::{Scorer, State, StepProgress, Watch};
pub use scorers::{
    Grasp, GraspOrder, Magnitude, NtkSap, Px, PxSaliency, Random, Saliency, Snip, SpatialSynFlow,
    SynFlow, methods,
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
