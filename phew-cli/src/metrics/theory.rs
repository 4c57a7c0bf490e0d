//! The metrics that `inspect --metrics` adds: numbers of the weights as well as of the mask.

use clap::Args;
use phew_graph::{Mask, Network, SkipPolicy};
use phew_metrics::{
    Analysis, Cost, LayerGap, LayerIsometry, MetricError, Objective, Paths, SpectrumParams,
    Structure,
};
use phew_walk::{Bias, Starts};
use serde::Serialize;

use crate::args::WeightArgs;
use crate::output::{grouped, percent, table};

/// Which metrics.
#[derive(Debug, Args)]
pub(crate) struct MetricArgs {
    /// Add paths, objectives, path kernel trace, walks, degrees, stub units, FLOPs and spectral gaps
    #[arg(long)]
    metrics: bool,

    /// Add the K greatest eigenvalues of the path kernel
    #[arg(long, value_name = "K")]
    spectrum: Option<usize>,

    /// Add the singular values of each layer
    #[arg(long)]
    isometry: bool,

    #[command(flatten)]
    weights: WeightArgs,
}

/// What was asked for.
#[derive(Serialize)]
pub(crate) struct Metrics {
    weights: String,
    #[serde(flatten)]
    all: Option<All>,
    spectrum: Option<Eigenvalues>,
    isometry: Option<Vec<LayerIsometry>>,
}

/// Natural logarithms, where names begin with `ln`; `null` is −∞: no path.
#[derive(Serialize)]
struct All {
    ln_paths: f64,
    ln_paths_dense: f64,
    paths: Option<String>,
    ln_synflow: f64,
    ln_synflow_l2: f64,
    ln_path_kernel_trace: f64,
    path_kernel_trace_shares: Vec<f64>,
    walks: Vec<WalkRow>,
    neuron_collapse: f64,
    collapsed: Vec<String>,
    hidden_stubs: usize,
    flops: u64,
    sparse_flops: u64,
    network_gap: f64,
    structure: Structure,
    cost: Cost,
    gaps: Vec<LayerGap>,
}

/// Expectations of a walk over the dense network.
#[derive(Serialize)]
struct WalkRow {
    bias: &'static str,
    ln_product: f64,
    ln_kernel: f64,
    /// Least and greatest visits of a unit, times the units of its layer.
    least_visits: f64,
    most_visits: f64,
}

#[derive(Serialize)]
struct Eigenvalues {
    ln_trace: f64,
    shares: Vec<f64>,
    bounds: Vec<f64>,
    explained: f64,
    converged: bool,
}

impl MetricArgs {
    /// Computes what was asked for; `None` if nothing was.
    pub(crate) fn measure(
        &self,
        arch: std::sync::Arc<phew_graph::Arch>,
        mask: &Mask,
    ) -> anyhow::Result<Option<Metrics>> {
        if !(self.metrics || self.isometry || self.spectrum.is_some()) {
            return Ok(None);
        }
        let (network, source) = self.weights.load(arch, 0)?;
        let analysis = Analysis::new(&network, Some(mask))?;
        let all = self.metrics.then(|| All::new(&network, &analysis)).transpose()?;
        let spectrum = match self.spectrum {
            None => None,
            Some(count) => {
                let params = SpectrumParams::new(count)
                    .map_err(|e| crate::failure::usage(format!("--spectrum: {e}")))?;
                let found = analysis.path_kernel_spectrum(&params)?;
                Some(Eigenvalues {
                    ln_trace: found.ln_trace,
                    explained: found.explained(),
                    converged: found.converged,
                    shares: found.shares,
                    bounds: found.bounds,
                })
            }
        };
        let isometry = self.isometry.then(|| analysis.layer_isometry()).transpose()?;
        Ok(Some(Metrics { weights: source.to_string(), all, spectrum, isometry }))
    }
}

impl All {
    fn new(network: &Network, analysis: &Analysis<'_>) -> Result<Self, MetricError> {
        let dense = Analysis::new(network, None)?;
        let (structure, cost) = (analysis.structure(), analysis.cost());
        let trace = analysis.path_kernel_trace();
        let walk = |(bias, name): (Bias, &'static str)| {
            let walks = dense.walks(bias, SkipPolicy::Uniform);
            let worth = walks.worth(Starts::Balanced);
            let visits = walks.unit_visits(Starts::Balanced);
            let hidden = visits[1..visits.len() - 1].iter();
            let relative = || hidden.clone().flat_map(|l| l.iter().map(|v| v * l.len() as f64));
            WalkRow {
                bias: name,
                ln_product: worth.ln_product,
                ln_kernel: worth.ln_kernel,
                least_visits: relative().fold(f64::INFINITY, f64::min),
                most_visits: relative().fold(0.0, f64::max),
            }
        };
        let biases = [
            (Bias::Magnitude, "magnitude"),
            (Bias::Uniform, "uniform"),
            (Bias::Inverse, "inverse"),
        ];
        Ok(Self {
            ln_paths: analysis.ln_path_count(Paths::Kept),
            ln_paths_dense: analysis.ln_path_count(Paths::All),
            // A number beyond 128 bits is given by its logarithm alone.
            paths: analysis.path_count(Paths::Kept).ok().map(|n| n.to_string()),
            ln_synflow: analysis.ln_objective(Objective::SynFlow),
            ln_synflow_l2: analysis.ln_objective(Objective::SynFlowL2),
            ln_path_kernel_trace: trace.ln_total(),
            path_kernel_trace_shares: trace.layer_shares(),
            walks: biases.into_iter().map(walk).collect(),
            neuron_collapse: structure.neuron_collapse(),
            collapsed: structure.collapsed().into_iter().map(str::to_owned).collect(),
            hidden_stubs: structure.hidden_stubs(),
            flops: cost.flops(),
            sparse_flops: cost.sparse_flops(),
            network_gap: analysis.network_gap()?,
            gaps: analysis.layer_gaps()?,
            structure,
            cost,
        })
    }

    fn text(&self) -> String {
        let mut rows = Vec::new();
        for ((cost, gap), share) in
            self.cost.layers.iter().zip(&self.gaps).zip(&self.path_kernel_trace_shares)
        {
            rows.push(vec![
                cost.name.clone(),
                grouped(cost.flops),
                grouped(cost.sparse_flops),
                percent(*share),
                format!("{:.3}", gap.first),
                format!("{:.3}", gap.second),
                format!("{:.3}", gap.ramanujan),
            ]);
        }
        let head = ["tensor", "FLOPs", "kept FLOPs", "of trace", "σ₁", "σ₂", "Ramanujan"];
        let mut out = format!("\n{}", table(&head, &rows, 1));
        let mut rows = Vec::new();
        for layer in &self.structure.layers {
            let degrees = |d: &phew_metrics::Degrees| format!("{} {:.1} {}", d.min, d.mean, d.max);
            rows.push(vec![
                layer.name.clone(),
                format!("{} of {}", layer.alive, layer.units),
                layer.stubs.to_string(),
                layer.isolated.to_string(),
                degrees(&layer.in_degree),
                degrees(&layer.out_degree),
            ]);
        }
        let head =
            ["units of", "alive", "stubs", "isolated", "in: min mean max", "out: min mean max"];
        out += &format!("\n{}", table(&head, &rows, 1));
        out += "\nover walks of the dense network\n";
        let rows: Vec<Vec<String>> = self
            .walks
            .iter()
            .map(|w| {
                let visits = format!("{:.3} to {:.3}", w.least_visits, w.most_visits);
                vec![
                    w.bias.into(),
                    format!("{:.3}", w.ln_product),
                    format!("{:.3}", w.ln_kernel),
                    visits,
                ]
            })
            .collect();
        out += &table(&["bias", "ln E|π|", "ln E[Π(p,p)]", "visits over 1/N"], &rows, 1);
        let paths = self.paths.as_ref().map_or_else(String::new, |n| format!(" ({n})"));
        out += &format!(
            "\npaths: e^{:.3}{paths}, of e^{:.3} dense\n",
            self.ln_paths, self.ln_paths_dense
        );
        out += &format!(
            "Σ|π| = e^{:.4}, Σπ² = e^{:.4}, path kernel trace = e^{:.4}\n",
            self.ln_synflow, self.ln_synflow_l2, self.ln_path_kernel_trace
        );
        out += &format!(
            "FLOPs: {} of {} ({})\n",
            grouped(self.sparse_flops),
            grouped(self.flops),
            percent(self.sparse_flops as f64 / self.flops.max(1) as f64)
        );
        out += &format!(
            "neuron collapse {}, {} hidden stub units, spectral gap {:.5}\n",
            percent(self.neuron_collapse),
            self.hidden_stubs,
            self.network_gap
        );
        if !self.collapsed.is_empty() {
            out += &format!("collapsed: {}\n", self.collapsed.join(", "));
        }
        out
    }
}

impl Metrics {
    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut out = self.all.as_ref().map_or_else(String::new, All::text);
        if let Some(layers) = &self.isometry {
            let row = |l: &LayerIsometry| {
                let s = &l.singular_values;
                let mut row = vec![l.name.clone()];
                row.extend([s.max, s.mean, s.std, s.min].map(|v| format!("{v:.4}")));
                row.extend([format!("{:.3e}", s.condition), format!("{:.3}", l.departure)]);
                row
            };
            let rows: Vec<Vec<String>> = layers.iter().map(row).collect();
            let head = ["tensor", "σ max", "mean", "std", "min", "condition", "‖WᵀW − I‖"];
            out += &format!("\n{}", table(&head, &rows, 1));
        }
        if let Some(found) = &self.spectrum {
            let values: Vec<String> = found.shares.iter().map(|s| format!("{s:.6e}")).collect();
            out += &format!(
                "\npath kernel: greatest eigenvalues over the trace (together {}{})\n{}\n",
                percent(found.explained),
                if found.converged { "" } else { "; not converged" },
                values.join(" ")
            );
        }
        out + &format!("weights: {}\n", self.weights)
    }
}
