//! `phew verify`: the papers' claims, checked numerically.

use clap::Args;
use phew_metrics::{Claim, ClaimReport, MetricError, Scale, Verdict, verify};
use serde::Serialize;

use crate::failure::usage;
use crate::output::{json, table, text};
use crate::{interrupt, progress};

/// Checks the papers' lemmas, theorem and equations, and says where they fail.
///
/// A claim that fails is a result, not a failure of the command.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// lemma1, lemma2, lemma3, lemma4, theorem1, stubs, gradients; or all
    #[arg(value_name = "CLAIM", default_value = "all")]
    claims: Vec<String>,

    /// How large: small (seconds), default (under two minutes) or paper
    #[arg(long, value_name = "SCALE", default_value = "default")]
    scale: String,

    /// Seed of weights, inputs and samples
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Reports<'a> {
    scale: &'a str,
    seed: u64,
    claims: Vec<ClaimReport>,
}

impl Verify {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let named = |e: MetricError| usage(e.to_string());
        let scale: Scale = self.scale.parse().map_err(named)?;
        let mut claims: Vec<Claim> = Vec::new();
        for name in &self.claims {
            let named = match name.as_str() {
                "all" => Claim::ALL.to_vec(),
                name => vec![name.parse().map_err(|e| usage(format!("{e}, or all")))?],
            };
            // Each once, however often it is named.
            claims.extend(named.into_iter().filter(|c| !claims.contains(c)).collect::<Vec<_>>());
        }
        let bar = progress::bar(claims.len() as u64, "verifying", "claims");
        let mut reports = Vec::new();
        for claim in claims {
            bar.set_message(format!("· {claim}"));
            let report = interrupt::at_once(|| verify(claim, scale, self.seed))??;
            if !self.json {
                bar.suspend(|| text(&describe(&report)))?;
            }
            reports.push(report);
            bar.inc(1);
        }
        bar.finish_and_clear();
        match (self.json, reports.len()) {
            (true, _) => json(&Reports { scale: &self.scale, seed: self.seed, claims: reports }),
            (false, 1) => Ok(()),
            (false, _) => text(&overview(&reports)),
        }
    }
}

/// A row for each claim: where it stands, and in how many settings it holds.
fn overview(reports: &[ClaimReport]) -> String {
    let row = |r: &ClaimReport| {
        let count = |v: Verdict| r.checks.iter().filter(|c| c.verdict == v).count().to_string();
        let mut row = vec![r.claim.to_owned(), r.source.to_owned(), word(r.verdict).to_owned()];
        row.extend([Verdict::Holds, Verdict::Approximate, Verdict::Fails].map(count));
        row
    };
    let rows: Vec<Vec<String>> = reports.iter().map(row).collect();
    let head = ["claim", "where", "on the whole", "holds in", "approximately in", "fails in"];
    table(&head, &rows, 3)
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::Approximate => "approximate",
        Verdict::Fails => "fails",
    }
}

fn describe(report: &ClaimReport) -> String {
    let mut out = format!(
        "{}: {}\n  {}\n  claim     {}\n  in short  {}\n",
        report.claim,
        word(report.verdict).to_uppercase(),
        report.source,
        report.statement,
        report.summary
    );
    for check in &report.checks {
        out += &format!(
            "  · {}\n      expected  {}\n      found     {}\n      {} ({})\n",
            check.setting,
            check.expected,
            check.found,
            word(check.verdict),
            check.certainty
        );
    }
    out + "\n"
}
