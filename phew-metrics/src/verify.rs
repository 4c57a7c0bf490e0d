//! The papers' claims, checked numerically.
//!
//! Each claim is a function of [`ClaimParams`] that returns a [`ClaimReport`]: what the paper says, in which settings
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

pub use claim::{Claim, ClaimParams, Scale};
pub use report::{Check, ClaimReport, Verdict};

use crate::error::MetricError;

/// Checks one claim.
///
/// The same claim and parameters give the same report on any number of threads.
///
/// ```
/// use phew_metrics::{Claim, ClaimParams, Scale, Verdict, verify};
/// let report = verify(Claim::Lemma2, &ClaimParams::new(Scale::Small))?;
/// assert_eq!(report.verdict, Verdict::Fails);
/// # Ok::<(), phew_metrics::MetricError>(())
/// ```
///
/// # Errors
/// [`MetricError`] if a decomposition does not converge or a network cannot be built.
pub fn verify(claim: Claim, params: &ClaimParams) -> Result<ClaimReport, MetricError> {
    match claim {
        Claim::Lemma1 => lemma1::check(params),
        Claim::Lemma2 => lemma2::check(params),
        Claim::Lemma3 => lemma3::check(params),
        Claim::Lemma4 => lemma4::check(params),
        Claim::Theorem1 => theorem1::check(params),
        Claim::Stubs => stub_unit_probability::check(params),
        Claim::Gradients => path_gradients::check(params),
    }
}
