//! The papers' claims, checked numerically and honestly.
//!
//! Each claim is a function of a scale and a seed that returns a [`ClaimReport`]: what the paper says, in which settings
//! it was checked, what was expected and found, and whether it holds. A claim that fails comes with the smallest
//! counterexample found.

mod claim;
mod lemma1;
mod lemma2;
mod lemma3;
mod lemma4;
mod path_gradients;
mod relu_network;
mod report;
mod statistics;
mod stub_unit_probability;
mod theorem1;

pub use claim::{Claim, Scale};
pub use report::{Check, ClaimReport, Verdict};

use crate::error::MetricError;

/// Checks one claim.
///
/// The same claim, scale and seed give the same report on any number of threads.
///
/// ```
/// use phew_metrics::{Claim, Scale, Verdict, verify};
/// let report = verify(Claim::Lemma2, Scale::Small, 0)?;
/// assert_eq!(report.verdict, Verdict::Fails);
/// # Ok::<(), phew_metrics::MetricError>(())
/// ```
///
/// # Errors
/// [`MetricError`] if a decomposition does not converge or a network cannot be built.
pub fn verify(claim: Claim, scale: Scale, seed: u64) -> Result<ClaimReport, MetricError> {
    match claim {
        Claim::Lemma1 => lemma1::check(scale, seed),
        Claim::Lemma2 => lemma2::check(scale),
        Claim::Lemma3 => lemma3::check(scale, seed),
        Claim::Lemma4 => lemma4::check(scale, seed),
        Claim::Theorem1 => theorem1::check(scale, seed),
        Claim::Stubs => stub_unit_probability::check(scale, seed),
        Claim::Gradients => path_gradients::check(scale, seed),
    }
}
