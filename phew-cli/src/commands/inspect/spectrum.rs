//! `inspect --spectrum` and `--spectral-density`: the path kernel's eigenvalues.

use std::ops::ControlFlow;

use clap::Args;
use indicatif::ProgressBar;
use phew_metrics::{Analysis, DensityBin, DensityParams, Estimate, MetricError, SpectrumParams};
use serde::Serialize;

use crate::failure::{Interrupted, usage};
use crate::output::{percent, table};
use crate::{interrupt, progress};

/// Lanczos steps of a probe: a quadrature of as many nodes.
const STEPS: usize = 24;

/// Intervals to a decade in JSON; the table has one.
const PER_DECADE: usize = 8;

/// Which part of the spectrum.
#[derive(Debug, Args)]
#[command(next_help_heading = "Metrics")]
pub(super) struct SpectrumArgs {
    /// Add the K greatest eigenvalues of the path kernel
    #[arg(long, value_name = "K")]
    spectrum: Option<usize>,

    /// Add the distribution of all eigenvalues of the path kernel, and its effective rank
    #[arg(long)]
    spectral_density: bool,

    /// Random vectors that estimate the distribution: more make the errors smaller
    #[arg(long, value_name = "N", default_value_t = 4, requires = "spectral_density")]
    probes: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct Eigenvalues {
    ln_trace: f64,
    /// Over the trace, greatest first.
    shares: Vec<f64>,
    bounds: Vec<f64>,
    explained: f64,
    converged: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Distribution {
    /// Over the trace from path sums: 1 within the error.
    trace: Estimate,
    entropy: Estimate,
    square: Estimate,
    effective_rank: f64,
    participation_ratio: f64,
    /// Eigenvalues of 0.
    zeros: f64,
    bins: Vec<DensityBin>,
    #[serde(skip)]
    decades: Vec<DensityBin>,
}

impl SpectrumArgs {
    pub(super) fn asked(&self) -> bool {
        self.spectrum.is_some() || self.spectral_density
    }

    pub(super) fn eigenvalues(
        &self,
        analysis: &Analysis<'_>,
    ) -> anyhow::Result<Option<Eigenvalues>> {
        let Some(count) = self.spectrum else { return Ok(None) };
        let params = SpectrumParams::new(count).map_err(|e| usage(format!("--spectrum: {e}")))?;
        let bar = progress::spinner("eigenvalues of the path kernel", "products");
        let found = analysis.path_kernel_spectrum_with(&params, &mut |n| follow(&bar, n));
        bar.finish_and_clear();
        let found = found.map_err(stopped)?;
        Ok(Some(Eigenvalues {
            ln_trace: found.ln_trace,
            explained: found.explained(),
            converged: found.converged,
            shares: found.shares,
            bounds: found.bounds,
        }))
    }

    pub(super) fn distribution(
        &self,
        analysis: &Analysis<'_>,
    ) -> anyhow::Result<Option<Distribution>> {
        if !self.spectral_density {
            return Ok(None);
        }
        let params = DensityParams::new(self.probes, STEPS);
        let params = params.map_err(|e| usage(format!("--probes: {e}")))?;
        let bar = progress::bar(params.products() as u64, "spectral density", "products");
        let found = analysis.path_kernel_density_with(&params, &mut |n| follow(&bar, n));
        bar.finish_and_clear();
        let found = found.map_err(stopped)?;
        Ok(Some(Distribution {
            trace: found.trace,
            entropy: found.entropy,
            square: found.square,
            effective_rank: found.effective_rank(),
            participation_ratio: found.participation_ratio(),
            zeros: found.zeros(),
            bins: found.histogram(PER_DECADE),
            decades: found.histogram(1),
        }))
    }
}

fn follow(bar: &ProgressBar, products: usize) -> ControlFlow<()> {
    bar.set_position(products as u64);
    interrupt::flow()
}

fn stopped(error: MetricError) -> anyhow::Error {
    match error {
        MetricError::Stopped { .. } => Interrupted.into(),
        other => other.into(),
    }
}

impl Eigenvalues {
    pub(super) fn text(&self) -> String {
        if self.shares.is_empty() {
            return "\npath kernel: all eigenvalues are 0\n".into();
        }
        let values: Vec<String> = self.shares.iter().map(|s| format!("{s:.6e}")).collect();
        format!(
            "\npath kernel: greatest eigenvalues over the trace (together {}{})\n{}\n",
            percent(self.explained),
            if self.converged { "" } else { "; not converged" },
            values.join(" ")
        )
    }
}

impl Distribution {
    pub(super) fn text(&self) -> String {
        let row = |b: &DensityBin| {
            let count = format!("{:.0}", b.count);
            vec![format!("{:.0e} … {:.0e}", b.from, b.to), count, percent(b.trace)]
        };
        let mut rows: Vec<Vec<String>> = self.decades.iter().map(row).collect();
        if self.zeros >= 0.5 {
            rows.push(vec!["0".into(), format!("{:.0}", self.zeros), percent(0.0)]);
        }
        let mut out = String::from("\n");
        let head = ["path kernel: eigenvalues over the trace", "number, about", "of the trace"];
        out += &table(&head, &rows, 1);
        if self.trace.mean.is_nan() {
            return out + "path kernel: all eigenvalues are 0\n";
        }
        out + &format!(
            "effective rank {:.1} (entropy {:.4} ± {:.4}), participation ratio {:.1}; trace {:.5} ± {:.5}\n",
            self.effective_rank,
            self.entropy.mean,
            self.entropy.error,
            self.participation_ratio,
            self.trace.mean,
            self.trace.error,
        )
    }
}
