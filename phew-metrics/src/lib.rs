//! Exact path-based metrics of sparse neural networks, and the papers' claims checked numerically.
//!
//! Everything here is computed on the path graph of a network, dense or under a mask: no data, no sampling
//! unless a claim is about samples, and exact where networks branch.
//!
//! [`Analysis`] has the metrics as methods, [`verify`] checks the claims, [`Lanczos`] finds eigenvalues of any symmetric
//! operator.
//!
//! ```
//! use phew_graph::{Init, Network, zoo};
//! use phew_metrics::{Analysis, Objective, Paths};
//!
//! let network = Network::initialise(zoo::by_name("resnet20")?.build()?, Init::default(), 0)?;
//! let analysis = Analysis::new(&network, None)?;
//! println!("ln of the number of paths: {}", analysis.ln_path_count(Paths::Kept));
//! println!("ln of Σ|π|: {}", analysis.ln_objective(Objective::SynFlow));
//! println!("ln of the path kernel's trace: {}", analysis.path_kernel_trace()?.ln_total());
//! # Ok::<(), phew_metrics::MetricError>(())
//! ```

mod analysis;
mod cost;
mod eigen;
mod error;
mod isometry;
mod path_kernel;
mod paths;
mod similarity;
mod spectral_gap;
mod structure;
mod verify;
mod walks;

pub use analysis::Analysis;
pub use cost::{Cost, LayerCost};
pub use eigen::{Eigenvalue, Eigenvalues, Lanczos};
pub use error::MetricError;
pub use isometry::{LayerIsometry, SingularValues};
pub use ndarray;
pub use path_kernel::{
    Density, DensityBin, DensityParams, Estimate, PathKernelTrace, Spectrum, SpectrumParams,
};
pub use paths::{MeanPath, Natural, Objective, Path, PathShares, Paths};
pub use similarity::{Overlap, Similarity, similarity};
pub use spectral_gap::LayerGap;
pub use structure::{
    Degrees, LayerStructure, NeuronSparsity, Structure, StubLaw, TensorStructure, neuron_sparsity,
};
pub use verify::{Check, Claim, ClaimParams, ClaimReport, Scale, Verdict, verify};
pub use walks::{StepWorth, Visits, WalkWorth, Walks};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
