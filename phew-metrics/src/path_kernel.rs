//! The path kernel `Π = J Jᵀ` with `J = ∂π/∂θ`: a row for each input-output path p, and for each weight that it passes
//! the product of its other weights.
//!
//! Its trace needs no more than path sums ([`trace`]). Its eigenvalues other than 0 are those of `G = Jᵀ J`, which has
//! a row for each weight and is never formed: most of them are known at once ([`bundles`]), what is left is applied to
//! vectors in one pair of path sums ([`gram`]), for the greatest eigenvalues ([`spectrum`]) or the distribution of all
//! ([`spectral_density`]). For small networks the kernel is formed, with the paths of its rows ([`explicit`]).

mod bundles;
mod explicit;
mod gram;
mod spectral_density;
mod spectrum;
mod trace;
mod watch;

pub use spectral_density::{Density, DensityBin, DensityParams, Estimate};
pub use spectrum::{Spectrum, SpectrumParams};
pub use trace::PathKernelTrace;
