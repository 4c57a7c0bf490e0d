//! Exact path-based metrics of sparse neural networks, and the papers' claims checked numerically.
//!
//! Everything here is computed on the path graph of a network, dense or under a mask: no data, no sampling
//! unless a claim is about samples, and exact where networks branch.
//!
//! ```
//! use phew_graph::{Init, Network, zoo};
//! use phew_metrics::{Analysis, Objective, Paths};
//!
//! let network = Network::initialise(zoo::by_name("resnet20")?.build()?, Init::default(), 0)?;
//! let analysis = Analysis::new(&network, None)?;
//! println!("ln of the number of paths: {}", analysis.ln_path_count(Paths::Kept));
//! println!("ln of Σ|π|: {}", analysis.ln_objective(Objective::SynFlow));
//! println!("ln of the path kernel's trace: {}", analysis.path_kernel_trace().ln_total());
//! # Ok::<(), phew_metrics::MetricError>(())
//! ```

mod analysis;
mod cost;
mod count;
mod dual;
mod error;
mod expander;
mod explicit;
mod isometry;
mod jacobian;
mod linalg;
mod moments;
mod objective;
mod scaled;
mod shares;
mod similarity;
mod spectrum;
mod structure;
mod trace;
mod verify;
mod walks;

pub use analysis::Analysis;
pub use cost::{Cost, LayerCost};
pub use count::Paths;
pub use error::MetricError;
pub use expander::LayerGap;
pub use explicit::Path;
pub use isometry::{LayerIsometry, SingularValues};
pub use moments::MeanPath;
pub use objective::Objective;
pub use shares::PathShares;
pub use similarity::{Overlap, Similarity, similarity};
pub use spectrum::{Density, DensityBin, DensityParams, Estimate, Spectrum, SpectrumParams};
pub use structure::{Degrees, LayerStructure, Structure, TensorStructure};
pub use trace::PathKernelTrace;
pub use verify::{Check, Claim, Report, Scale, Verdict, verify};
pub use walks::{StepWorth, Visits, WalkWorth, Walks};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
