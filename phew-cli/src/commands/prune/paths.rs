//! `phew prune --method top-paths`, `bottom-paths`, `greedy-paths`: sets of paths without chance.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use clap::Args;
use phew_graph::{Network, PathGraph, SkipPolicy};
use phew_walk::{Order, RankedPath, greedy_paths, mask_of, ranked_paths};
use serde::Serialize;
use serde_json::Value;

use super::Job;
use crate::failure::usage;
use crate::interrupt;
use crate::layers::{LayerRow, Layers};
use crate::output::{grouped, json, percent, text};

/// The methods of this file: name, what they keep, defaults.
pub(super) const METHODS: [(&str, &str); 3] = [
    ("top-paths", "the --paths paths of greatest edge-weight product"),
    ("bottom-paths", "the --paths paths of least edge-weight product"),
    ("greedy-paths", "from every input and output, the path of largest weights"),
];

/// Options of the path methods.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of top-paths and bottom-paths")]
pub(super) struct PathArgs {
    /// Paths to keep: these methods take their number instead of a density
    #[arg(long, value_name = "N")]
    paths: Option<std::num::NonZeroUsize>,
}

impl PathArgs {
    /// The option that was given, for methods that take none of them.
    pub(super) fn given(&self) -> Option<&'static str> {
        self.paths.map(|_| "--paths")
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    method: &'a str,
    arch: &'a str,
    /// Kept over prunable: what the paths came to.
    density: f64,
    weights: String,
    paths: usize,
    ln_product_first: f64,
    ln_product_last: f64,
    kept: usize,
    prunable: usize,
    seconds: f64,
    output: &'a Path,
    layers: &'a [LayerRow],
}

impl Job {
    pub(super) fn paths(&self) -> anyhow::Result<()> {
        if !self.density.is_empty() {
            return Err(usage(format!("method `{}` takes no --density, but --paths", self.method)));
        }
        self.output.check()?;
        let whole = Instant::now();
        let (network, source) = self.weights.load(self.arch.load()?, self.seed)?;
        let paths = interrupt::at_once(|| self.select(&network))??;
        let mask = mask_of(&network, &paths);
        let parameters = BTreeMap::from([("paths".into(), Value::from(paths.len()))]);
        let info = self.info(&network, &source, mask.density(), parameters);
        mask.save(&self.output.output, &info, self.output.overwrite())?;
        let layers = Layers::new(&PathGraph::new(network.arch()), &mask);
        let ln = |p: Option<&RankedPath>| p.map_or(f64::NAN, |p| p.ln_product);
        let report = Report {
            method: &info.method,
            arch: &info.arch,
            density: info.density,
            weights: source.to_string(),
            paths: paths.len(),
            ln_product_first: ln(paths.first()),
            ln_product_last: ln(paths.last()),
            kept: mask.kept(),
            prunable: mask.len(),
            seconds: whole.elapsed().as_secs_f64(),
            output: &self.output.output,
            layers: &layers.rows,
        };
        if self.json { json(&report) } else { text(&report.text(&layers)) }
    }

    fn select(&self, network: &Network) -> anyhow::Result<Vec<RankedPath>> {
        let skips = SkipPolicy::Uniform;
        let order = match self.method.as_str() {
            "top-paths" => Order::Greatest,
            "bottom-paths" => Order::Least,
            _ if self.path.paths.is_some() => {
                let reason = "has one path for each input and output";
                return Err(usage(format!(
                    "method `{}` {reason}, and takes no --paths",
                    self.method
                )));
            }
            _ => return Ok(greedy_paths(network, skips)?),
        };
        match self.path.paths {
            Some(count) => Ok(ranked_paths(network, order, skips, count.get())?),
            None => Err(usage(format!("method `{}` needs --paths", self.method))),
        }
    }
}

impl Report<'_> {
    fn text(&self, layers: &Layers) -> String {
        let (kept, prunable) = (grouped(self.kept), grouped(self.prunable));
        let mut out = layers.table();
        out += &format!(
            "\n{}: {kept} of {prunable} weights kept ({}) by {} paths, ln Π|w| from {:.3} to {:.3}; {} dead units\n",
            self.arch,
            percent(self.density),
            grouped(self.paths),
            self.ln_product_first,
            self.ln_product_last,
            grouped(layers.dead_units()),
        );
        out += &format!("weights {}; {:.2} s\n", self.weights, self.seconds);
        out + &format!("mask {}\n", self.output.display())
    }
}
