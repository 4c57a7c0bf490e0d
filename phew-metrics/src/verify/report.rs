//! What a check of a claim reports.

use phew_walk::Bias;
use serde::{Serialize, Serializer};

/// Whether a claim holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As stated, within the certainty given.
    Holds,
    /// Up to a deviation that is measured.
    Approximate,
    /// Not as stated: there is a counterexample.
    Fails,
}

/// One setting of a claim.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// What was looked at.
    pub setting: String,
    /// What the claim says.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// Whether they agree.
    pub verdict: Verdict,
    /// How sure that is: exhaustive, exact, or a sample's size and error.
    pub certainty: String,
}

/// A claim and how it fared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClaimReport {
    /// Name of the claim, as [`Claim`](super::Claim) parses it.
    pub claim: &'static str,
    /// Where it stands.
    pub source: &'static str,
    /// What it says.
    pub statement: &'static str,
    /// What drew the walks, of a claim that speaks of walks.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "name")]
    pub bias: Option<Bias>,
    /// Whether it holds, all settings considered.
    pub verdict: Verdict,
    /// The outcome in a sentence or two.
    pub summary: String,
    /// The settings.
    pub checks: Vec<Check>,
}

impl Check {
    pub(super) fn new(
        setting: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
        verdict: Verdict,
        certainty: impl Into<String>,
    ) -> Self {
        let (setting, expected, found) = (setting.into(), expected.into(), found.into());
        Self { setting, expected, found, verdict, certainty: certainty.into() }
    }
}

fn name<S: Serializer>(bias: &Option<Bias>, serializer: S) -> Result<S::Ok, S::Error> {
    match bias {
        Some(bias) => serializer.collect_str(bias),
        None => serializer.serialize_none(),
    }
}
