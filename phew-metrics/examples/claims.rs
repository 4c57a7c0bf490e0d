//! Every claim of the papers, checked: `claims [small|default|paper]`.
#![allow(clippy::print_stdout, reason = "an example prints")]

use std::time::Instant;

use phew_metrics::{Claim, Scale, verify};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let scale = std::env::args().nth(1).map_or(Ok(Scale::Small), |s| s.parse())?;
    for claim in Claim::ALL {
        let clock = Instant::now();
        let report = verify(claim, scale, 0)?;
        let seconds = clock.elapsed().as_secs_f64();
        println!("\n{} ({}): {:?}, {seconds:.1} s", report.claim, report.source, report.verdict);
        println!("  {}", report.summary);
        for c in report.checks {
            println!(
                "  - {}\n      expected {}\n      found    {}  [{:?}; {}]",
                c.setting, c.expected, c.found, c.verdict, c.certainty
            );
        }
    }
    Ok(())
}
