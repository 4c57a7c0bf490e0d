//! `phew prune --method top-paths`, `bottom-paths`, `gradient-paths`, `greedy-paths`: sets of paths without chance.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use clap::Args;
use phew_baselines::{BaselineError, Needs, Oracle, Point};
use phew_graph::{Mask, Network, PathGraph, SkipPolicy};
use phew_walk::{BestPaths, Order, best_paths, greedy_paths, mask_of, ranked_paths};
use serde::Serialize;
use serde_json::Value;

use super::Job;
use crate::failure::{of_baseline, usage};
use crate::interrupt;
use crate::layers::{LayerRow, Layers};
use crate::output::{grouped, json, percent, text};

/// The methods of this file: name, what they keep, what they look at.
pub(super) const METHODS: [(&str, &str, Needs); 4] = [
    ("top-paths", "the paths of greatest edge-weight product", Needs::Weights),
    ("bottom-paths", "the paths of least edge-weight product", Needs::Weights),
    (GRADIENT, "the paths of greatest product of |∂L/∂w|", Needs::Gradients),
    ("greedy-paths", "from every input and output, the path of largest weights", Needs::Weights),
];

/// The one of them that looks at data.
pub(crate) const GRADIENT: &str = "gradient-paths";

/// Options of the path methods.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of top-paths, bottom-paths and gradient-paths")]
pub(super) struct PathArgs {
    /// So many paths instead of a density
    #[arg(long, value_name = "N", conflicts_with = "density")]
    paths: Option<std::num::NonZeroUsize>,
}

impl PathArgs {
    /// The option that was given, for methods that take none of them.
    pub(super) fn given(&self) -> Option<&'static str> {
        self.paths.map(|_| "--paths")
    }
}

/// How many paths.
enum Amount {
    Paths(usize),
    Density(f64),
}

/// The network with the magnitudes of its loss gradient in the place of its weights: where paths are ranked by them
/// (Patil & Dovrolis, ICLR text, section 4).
///
/// The text does not say what the gradient magnitude of a path is; here it is the product over its weights, as the
/// edge-weight product is.
pub(crate) fn by_gradient(
    network: &Network,
    mask: &Mask,
    oracle: &mut dyn Oracle,
) -> Result<Network, BaselineError> {
    let gradient = oracle.gradient(&Point { weights: &network.weights(), mask })?;
    let mut magnitudes: Vec<Vec<f32>> = Vec::new();
    for (values, layer) in gradient.iter().zip(mask.layers()) {
        let mut kept = vec![0.0; values.len()];
        layer.iter().for_each(|index| kept[index] = values[index].abs());
        magnitudes.push(kept);
    }
    Ok(network.with_weights(magnitudes)?)
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    method: &'a str,
    arch: &'a str,
    /// Asked for, or what so many paths came to.
    density: f64,
    parameters: &'a BTreeMap<String, Value>,
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
        let amount = self.amount()?;
        self.output.check()?;
        let whole = Instant::now();
        let (network, source) = self.weights.load(self.arch.load()?, self.seed)?;
        let ranked = self.ranked_in(&network)?;
        let ranked = ranked.as_ref().unwrap_or(&network);
        let found = interrupt::at_once(|| self.select(ranked, amount.as_ref()))??;
        let BestPaths { mask, paths, ln_first, ln_last } = found;
        let density = match amount {
            Some(Amount::Density(density)) => density,
            _ => mask.density(),
        };
        let parameters = BTreeMap::from([("paths".into(), Value::from(paths))]);
        let info = self.info(&network, &source, density, parameters);
        mask.save(&self.output.output, &info, self.output.overwrite())?;
        let layers = Layers::new(&PathGraph::new(network.arch()), &mask);
        let report = Report {
            method: &info.method,
            arch: &info.arch,
            density: info.density,
            parameters: &info.parameters,
            weights: source.to_string(),
            paths,
            ln_product_first: ln_first,
            ln_product_last: ln_last,
            kept: mask.kept(),
            prunable: mask.len(),
            seconds: whole.elapsed().as_secs_f64(),
            output: &self.output.output,
            layers: &layers.rows,
        };
        if self.json { json(&report) } else { text(&report.text(&layers)) }
    }

    /// What was asked for; nothing of greedy paths, which are as many as they are.
    fn amount(&self) -> anyhow::Result<Option<Amount>> {
        let greedy = self.method == "greedy-paths";
        match (self.path.paths, &self.density[..]) {
            (None, []) if greedy => Ok(None),
            _ if greedy => Err(usage(
                "method `greedy-paths` has one path for each input and output, and takes neither --paths nor --density",
            )),
            (Some(count), _) => Ok(Some(Amount::Paths(count.get()))),
            (None, [density]) => Ok(Some(Amount::Density(*density))),
            _ => Err(usage(format!("method `{}` needs --density or --paths", self.method))),
        }
    }

    /// The network whose products rank the paths, if that is another than the one that is pruned.
    fn ranked_in(&self, network: &Network) -> anyhow::Result<Option<Network>> {
        if self.method != GRADIENT {
            return Ok(None);
        }
        let needs = BaselineError::NeedsOracle { method: GRADIENT, needs: self.needs() };
        let mut oracle = self.oracle(network)?.ok_or_else(|| of_baseline(needs))?;
        let dense = Mask::dense(network.arch());
        Ok(Some(by_gradient(network, &dense, &mut *oracle).map_err(of_baseline)?))
    }

    fn select(&self, network: &Network, amount: Option<&Amount>) -> anyhow::Result<BestPaths> {
        let skips = SkipPolicy::Uniform;
        let order = if self.method == "bottom-paths" { Order::Least } else { Order::Greatest };
        let paths = match amount {
            Some(&Amount::Density(density)) => {
                return Ok(best_paths(network, order, skips, density)?);
            }
            Some(&Amount::Paths(count)) => ranked_paths(network, order, skips, count)?,
            None => greedy_paths(network, skips)?,
        };
        let ln = |p: Option<&phew_walk::RankedPath>| p.map_or(f64::NAN, |p| p.ln_product);
        Ok(BestPaths {
            mask: mask_of(network, &paths),
            paths: paths.len(),
            ln_first: ln(paths.first()),
            ln_last: ln(paths.last()),
        })
    }
}

impl Report<'_> {
    fn text(&self, layers: &Layers) -> String {
        let (kept, prunable) = (grouped(self.kept), grouped(self.prunable));
        let what = if self.method == GRADIENT { "|∂L/∂w|" } else { "|w|" };
        let mut out = layers.table();
        out += &format!(
            "\n{}: {kept} of {prunable} weights kept ({}) by {} paths, ln Π{what} from {:.3} to {:.3}; {} dead units\n",
            self.arch,
            percent(self.kept as f64 / self.prunable as f64),
            grouped(self.paths),
            self.ln_product_first,
            self.ln_product_last,
            grouped(layers.dead_units()),
        );
        out += &format!("weights {}; {:.2} s\n", self.weights, self.seconds);
        out + &format!("mask {}\n", self.output.display())
    }
}
