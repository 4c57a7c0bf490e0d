//! `inspect --per-weight`: a number for each weight, in a file that `prune --scores` reads.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use phew_graph::{Network, Overwrite, SkipPolicy, TensorId, write_scores};
use phew_metrics::{Analysis, Objective, Paths};
use phew_walk::{Bias, Starts};
use serde::Serialize;

use crate::args::check_output;
use crate::failure::usage;
use crate::interrupt;

/// Which numbers, and where they go.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct WriteArgs {
    /// Write what each weight has of WHAT, as F64 safetensors: its share of the paths, synflow, synflow-l2 or trace
    /// (of the path kernel), or the visits it expects of one walk: visits (by |w|), visits-uniform, visits-inverse (by
    /// 1/max(|w|, 1e-30)). Repeatable
    #[arg(long, value_name = "WHAT=FILE")]
    per_weight: Vec<Request>,

    /// Replace files of --per-weight that exist
    #[arg(long, requires = "per_weight")]
    force: bool,
}

#[derive(Clone, Debug)]
struct Request {
    what: Quantity,
    file: PathBuf,
}

#[derive(Clone, Copy, Debug, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
enum Quantity {
    Paths,
    Synflow,
    SynflowL2,
    Trace,
    Visits,
    VisitsUniform,
    VisitsInverse,
}

impl FromStr for Request {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, file) = text.split_once('=').unwrap_or((text, ""));
        let Ok(what) = Quantity::from_str(name, false) else {
            let names: Vec<String> =
                Quantity::value_variants().iter().map(Quantity::name).collect();
            return Err(format!("`{name}` is not one of {}", names.join(", ")));
        };
        match file {
            "" => Err(format!("no file given, expected {name}=FILE")),
            file => Ok(Self { what, file: file.into() }),
        }
    }
}

impl Quantity {
    fn name(&self) -> String {
        self.to_possible_value().map(|v| v.get_name().to_owned()).unwrap_or_default()
    }
}

/// A file that was written.
#[derive(Debug, Serialize)]
pub(super) struct Written {
    quantity: Quantity,
    file: PathBuf,
    /// Natural logarithm of what the shares are shares of.
    ln_total: Option<f64>,
}

/// What the file says of itself, under the metadata key `phew`. The fields stand in alphabetical order.
#[derive(Debug, Serialize)]
struct Note<'a> {
    arch: &'a str,
    /// Natural logarithm of what the shares are shares of.
    ln_total: Option<f64>,
    masked: bool,
    quantity: Quantity,
    version: &'static str,
    /// [`Network::fingerprint`].
    weights: &'a str,
}

impl WriteArgs {
    pub(super) fn asked(&self) -> bool {
        !self.per_weight.is_empty()
    }

    /// Refuses before the work what would be refused after it.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        for (number, request) in self.per_weight.iter().enumerate() {
            let file = &request.file;
            if self.per_weight[..number].iter().any(|before| before.file == *file) {
                return Err(usage(format!("{}: is named twice", file.display())));
            }
            check_output(file, self.force)?;
        }
        Ok(())
    }

    pub(super) fn write(
        &self,
        network: &Network,
        analysis: &Analysis<'_>,
    ) -> anyhow::Result<Vec<Written>> {
        if !self.asked() {
            return Ok(Vec::new());
        }
        let weights = network.fingerprint();
        let overwrite = if self.force { Overwrite::Replace } else { Overwrite::Refuse };
        let one = |Request { what, file }: &Request| {
            let save = |ln_total: Option<f64>, values: &dyn Fn(TensorId) -> Vec<f64>| {
                interrupt::check()?;
                let note = Note {
                    arch: network.arch().name(),
                    ln_total,
                    masked: analysis.mask().is_some(),
                    quantity: *what,
                    version: env!("CARGO_PKG_VERSION"),
                    weights: &weights,
                };
                let note = serde_json::to_string(&note)?;
                write_scores(file, network.arch(), values, note, overwrite)?;
                anyhow::Ok(Written { quantity: *what, file: file.clone(), ln_total })
            };
            let visits = |bias: Bias| {
                let walks = analysis.walks(bias, SkipPolicy::Uniform);
                let visits = walks.visits(Starts::Balanced);
                save(None, &|tensor| visits.weights(tensor))
            };
            let objective = |objective: Objective| {
                let sums = analysis.objective_shares(objective);
                save(Some(sums.ln_total()), &|tensor| sums.shares(tensor))
            };
            match what {
                Quantity::Paths => {
                    let sums = analysis.path_shares(Paths::Kept);
                    save(Some(sums.ln_total()), &|tensor| sums.shares(tensor))
                }
                Quantity::Synflow => objective(Objective::SynFlow),
                Quantity::SynflowL2 => objective(Objective::SynFlowL2),
                Quantity::Trace => {
                    let trace = analysis.path_kernel_trace()?;
                    save(Some(trace.ln_total()), &|tensor| trace.shares(tensor))
                }
                Quantity::Visits => visits(Bias::Magnitude),
                Quantity::VisitsUniform => visits(Bias::Uniform),
                Quantity::VisitsInverse => visits(Bias::Inverse),
            }
        };
        self.per_weight.iter().map(one).collect()
    }
}

impl Written {
    pub(super) fn text(&self) -> String {
        let name = self.quantity.name();
        let of = self.ln_total.map_or_else(String::new, |ln| format!(", of e^{ln:.6} in all"));
        format!("per weight: {name}{of}, in {}\n", self.file.display())
    }
}
