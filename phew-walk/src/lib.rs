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
//! # References
//! Patil & Dovrolis, "PHEW: Constructing Sparse Networks that Learn Fast and Generalize Well Without Training
//! Data", ICML 2021.

mod best;
mod bulk;
mod error;
mod keeper;
mod multinomial;
mod params;
mod sampler;
mod score;
mod support;
mod table;
mod walker;

pub use best::{Order, RankedPath, greedy_paths, mask_of, ranked_paths};
pub use error::WalkError;
pub use params::{Bias, Engine, Granularity, Starts, WalkLaw, WalkParams};
pub use sampler::{Progress, Report, Walked, count_visits, prune, prune_nested};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
