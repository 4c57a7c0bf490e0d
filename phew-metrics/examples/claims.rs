//! Every claim of the papers, checked at the small scale; `Scale::Paper` takes minutes.
#![allow(clippy::print_stdout, reason = "an example prints")]

use phew_graph::Choice;
use phew_metrics::{Claim, ClaimParams, Scale, verify};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let params = ClaimParams::new(Scale::Small);
    for &claim in Claim::ALL {
        let report = verify(claim, &params)?;
        println!("\n{} ({}): {:?}", report.claim, report.source, report.verdict);
        println!("  {}\n  {}", report.statement, report.summary);
        for check in report.checks {
            println!("  - {}", check.setting);
            println!("      expected {}", check.expected);
            println!("      found    {} ({:?}, {})", check.found, check.verdict, check.certainty);
        }
    }
    Ok(())
}
