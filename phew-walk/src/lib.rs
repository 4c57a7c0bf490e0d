//! PHEW: sparse neural networks from biased random walks over the initial weights.
//!
//! Walks run from inputs to outputs and, in turn, from outputs to inputs. At each unit the next scalar weight
//! is drawn with probability proportional to its magnitude, and every weight walked is kept, until the density
//! is reached. What remains is a union of input-output paths: no layer collapses and no unit is left without
//! an input or an output.
//!
//! ```
//! use phew_graph::{Init, Network, zoo};
//! use phew_walk::{WalkParams, prune};
//!
//! let arch = zoo::mlp(&[784, 300, 100, 10]).build()?;
//! let network = Network::initialise(arch, Init::default(), 0)?;
//! let walked = prune(&network, &WalkParams::new(0.05)?.seed(7))?;
//! assert!(walked.mask.kept() >= walked.report.target);
//! println!("{} walks kept {} weights", walked.report.walks, walked.mask.kept());
//! # Ok::<(), phew_walk::WalkError>(())
//! ```
//!
//! [`prune_nested`] gives several densities at once, [`count_visits`] the visits of each weight. [`ranked_paths`],
//! [`best_paths`] and [`greedy_paths`] give paths without chance.
//!
//! # References
//! Patil & Dovrolis, "PHEW: Constructing Sparse Networks that Learn Fast and Generalize Well Without Training
//! Data", ICML 2021.

mod bulk;
mod error;
mod feasibility;
mod mask_builder;
mod params;
mod paths;
mod quotas;
mod rng;
mod sampler;
mod visit_counts;
mod walk;

pub use error::WalkError;
pub use ndarray;
pub use params::{Bias, Engine, Granularity, Starts, WalkLaw, WalkParams};
pub use paths::greedy::greedy_paths;
pub use paths::path::{Order, RankedPath, mask_of};
pub use paths::ranked::ranked_paths;
pub use paths::until_density::{BestPaths, best_paths};
pub use sampler::{WalkProgress, WalkReport, Walked, prune, prune_nested};
pub use visit_counts::count_visits;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
