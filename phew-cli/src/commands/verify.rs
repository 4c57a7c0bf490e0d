//! `phew verify`: the papers' claims, checked numerically.

use clap::Args;
use phew_graph::Choice;
use phew_metrics::{Claim, ClaimParams, ClaimReport, Scale, Verdict, verify};
use phew_walk::Bias;
use serde::Serialize;

use crate::args::choice;
use crate::command::{Command, Example, Report};
use crate::failure::usage;
use crate::output::listing;
use crate::{interrupt, progress};

/// Check the papers' claims numerically.
///
/// Their lemmas, theorem and equations, and where they fail. A claim that fails is a result, not a failure of the command.
#[derive(Debug, Args)]
pub struct Verify {
    /// lemma1, lemma2, lemma3, lemma4, theorem1, stubs, gradients; or all
    #[arg(value_name = "CLAIM", default_value = "all")]
    claims: Vec<String>,

    /// How large
    #[arg(long, value_name = "SCALE", default_value = "default", value_parser = choice::<Scale>())]
    scale: Scale,

    /// Seed of weights, inputs and samples
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,

    /// Show every setting of every claim, as for claims that are named
    #[arg(short = 'v', long)]
    details: bool,

    /// Bias of the walks that lemma3, lemma4 and stubs speak of
    #[arg(long, value_name = "BIAS", default_value = "magnitude", value_parser = choice::<Bias>())]
    bias: Bias,
}

/// What was found of the claims.
#[derive(Clone, Debug, Serialize)]
pub struct VerifyReport {
    /// How large the checks were.
    pub scale: String,
    /// Seed of weights, inputs and samples.
    pub seed: u64,
    /// The claims, each once.
    pub claims: Vec<ClaimReport>,
    /// Whether the text shows every setting.
    #[serde(skip)]
    details: bool,
}

impl Verify {
    /// The claims that were named, each once.
    fn claims(&self) -> anyhow::Result<Vec<Claim>> {
        let mut claims: Vec<Claim> = Vec::new();
        for name in &self.claims {
            let named = match name.as_str() {
                "all" => Claim::ALL.to_vec(),
                name => vec![name.parse().map_err(|e| usage(format!("{e}, or all")))?],
            };
            for claim in named {
                if !claims.contains(&claim) {
                    claims.push(claim);
                }
            }
        }
        Ok(claims)
    }

    /// Checks the claims one after another.
    fn check(&self) -> anyhow::Result<VerifyReport> {
        let params = ClaimParams::new(self.scale).seed(self.seed).bias(self.bias);
        let claims = self.claims()?;
        let bar = progress::bar(claims.len() as u64, "verifying", "claims");
        let mut reports = Vec::new();
        for claim in claims {
            bar.set_message(format!("· {claim}"));
            let report = interrupt::at_once(|| verify(claim, &params))??;
            reports.push(report);
            bar.inc(1);
        }
        bar.finish_and_clear();
        let details = self.details || !self.claims.iter().any(|name| name == "all");
        Ok(VerifyReport {
            scale: self.scale.to_string(),
            seed: self.seed,
            claims: reports,
            details,
        })
    }
}

impl Command for Verify {
    const NAME: &'static str = "verify";
    const EXAMPLES: &'static [Example] = &[
        ("every claim, in seconds", "phew verify --scale small"),
        ("two of them, setting by setting", "phew verify lemma3 lemma4"),
    ];
    type Report = VerifyReport;

    fn run(&self) -> anyhow::Result<VerifyReport> {
        self.check()
    }
}

impl Report for VerifyReport {
    fn text(&self) -> String {
        let overview = self.overview();
        if !self.details {
            return overview
                + "\n`phew verify -v` shows every setting, `phew verify CLAIM` those of a claim\n";
        }
        let details: String =
            self.claims.iter().map(|claim| format!("\n{}", describe(claim))).collect();
        (overview + &details).trim_start().to_owned()
    }
}

impl VerifyReport {
    /// A row for each claim: where it stands, and in how many settings it holds. Nothing of a single claim.
    fn overview(&self) -> String {
        if self.claims.len() == 1 {
            return String::new();
        }
        let row = |r: &ClaimReport| {
            let count = |v: Verdict| r.checks.iter().filter(|c| c.verdict == v).count().to_string();
            let mut row = vec![r.claim.to_owned(), word(r.verdict).to_owned()];
            row.extend([Verdict::Holds, Verdict::Approximate, Verdict::Fails].map(count));
            row.push(r.source.to_owned());
            row
        };
        let rows: Vec<Vec<String>> = self.claims.iter().map(row).collect();
        let head = ["claim", "on the whole", "holds", "approximate", "fails", "where"];
        listing(&head, &rows, 2)
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::Approximate => "approximate",
        Verdict::Fails => "fails",
    }
}

fn describe(report: &ClaimReport) -> String {
    let walks = report.bias.map_or_else(String::new, |b| format!("  walks     biased by {b}\n"));
    let mut out = format!(
        "{}: {}\n  {}\n  claim     {}\n{walks}  in short  {}\n",
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
    out
}
