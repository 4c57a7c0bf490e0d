//! `inspect --metrics`: the numbers of the theory that take seconds at most.

use phew_graph::{Mask, Network, TensorId, TensorSpec};
use phew_metrics::{
    Analysis, Cost, Degrees, LayerGap, MeanPath, MetricError, Objective, PathKernelTrace, Paths,
    Structure, StubLaw,
};
use serde::Serialize;

use super::walks::{WalkRow, walks_text};
use crate::output::{grouped, histogram, or_dash, percent, section, table};

/// Natural logarithms, where names begin with `ln`; `null` is −∞: no path. Of a network with a tied weight what is of the path
/// kernel is `null` too.
#[derive(Debug, Serialize)]
pub(super) struct Theory {
    /// A weight that several operators share, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    tied_weight: Option<String>,
    ln_paths: f64,
    ln_paths_dense: f64,
    /// Of the kept paths those without a weight of 0.
    ln_paths_effective: f64,
    /// Exact numbers, in decimal.
    paths: String,
    paths_dense: String,
    paths_effective: String,
    ln_synflow: f64,
    ln_synflow_l2: f64,
    ln_path_kernel_trace: Option<f64>,
    path_kernel_trace_shares: Option<Vec<f64>>,
    /// Over the kept paths, each counting alike.
    mean_path: MeanPath,
    mean_path_dense: MeanPath,
    walks: Vec<WalkRow>,
    neuron_collapse: f64,
    collapsed: Vec<String>,
    hidden_stubs: usize,
    hidden_stub_share: f64,
    any_hidden_stub: bool,
    /// What chance alone would make at the same density.
    stub_law: StubLaw,
    flops: u64,
    sparse_flops: u64,
    network_gap: f64,
    /// Mean θ² of each tensor, and of its kept weights.
    mean_squares: Vec<[f64; 2]>,
    per_weight: Vec<PerWeight>,
    structure: Structure,
    cost: Cost,
    gaps: Vec<LayerGap>,
}

/// What the kept weights of a tensor have, weight by weight.
#[derive(Debug, Serialize)]
struct PerWeight {
    name: String,
    /// Kept paths through a weight.
    ln_paths: Option<Spread>,
    /// A weight's part of the path kernel's trace.
    ln_trace: Option<Spread>,
    /// Expected visits of one PHEW walk over the dense network.
    ln_visits: Option<Spread>,
}

/// Natural logarithms of the least, the mean and the greatest.
#[derive(Debug, Serialize)]
struct Spread {
    min: f64,
    mean: f64,
    max: f64,
}

impl Spread {
    /// Of the values at the kept places, in units of `e^ln_unit`; `None` if there is none.
    fn of(values: &[f64], ln_unit: f64, tensor: TensorId, mask: Option<&Mask>) -> Option<Self> {
        let (mut min, mut sum, mut max, mut count) = (f64::INFINITY, 0.0, 0.0f64, 0usize);
        let mut add = |v: f64| {
            (min, max) = (min.min(v), max.max(v));
            sum += v;
            count += 1;
        };
        match mask.map(|m| m.layer(tensor)) {
            Some(layer) => layer.iter().for_each(|i| add(values[i])),
            None => values.iter().for_each(|&v| add(v)),
        }
        let ln = |v: f64| v.ln() + ln_unit;
        (count > 0).then(|| Self { min: ln(min), mean: ln(sum / count as f64), max: ln(max) })
    }

    fn text(spread: Option<&Self>) -> String {
        spread.map_or_else(|| "–".into(), |s| format!("{:.2} {:.2} {:.2}", s.min, s.mean, s.max))
    }
}

impl Theory {
    pub(super) fn new(network: &Network, analysis: &Analysis<'_>) -> Result<Self, MetricError> {
        let dense = Analysis::new(network, None)?;
        let (structure, cost) = (analysis.structure(), analysis.cost());
        let tied_weight = network.arch().tied_weight().map(|spec| spec.name.clone());
        let trace = match &tied_weight {
            None => Some(analysis.path_kernel_trace()?),
            // It is not defined there.
            Some(_) => None,
        };
        let squares = dense.mean_squares().into_iter().zip(analysis.mean_squares());
        Ok(Self {
            tied_weight,
            ln_paths: analysis.ln_path_count(Paths::Kept),
            ln_paths_dense: analysis.ln_path_count(Paths::All),
            ln_paths_effective: analysis.ln_path_count(Paths::Effective),
            paths: analysis.exact_path_count(Paths::Kept).to_string(),
            paths_dense: analysis.exact_path_count(Paths::All).to_string(),
            paths_effective: analysis.exact_path_count(Paths::Effective).to_string(),
            ln_synflow: analysis.ln_objective(Objective::SynFlow),
            ln_synflow_l2: analysis.ln_objective(Objective::SynFlowL2),
            ln_path_kernel_trace: trace.as_ref().map(PathKernelTrace::ln_total),
            path_kernel_trace_shares: trace.as_ref().map(PathKernelTrace::layer_shares),
            mean_path: analysis.mean_path(),
            mean_path_dense: dense.mean_path(),
            walks: super::walks::rows(&dense),
            neuron_collapse: structure.neuron_collapse(),
            collapsed: structure.collapsed().into_iter().map(str::to_owned).collect(),
            hidden_stubs: structure.hidden_stubs(),
            hidden_stub_share: structure.hidden_stub_share(),
            any_hidden_stub: structure.hidden_stubs() > 0,
            stub_law: analysis.stub_law(),
            flops: cost.flops(),
            sparse_flops: cost.sparse_flops(),
            network_gap: analysis.network_gap()?,
            mean_squares: squares.map(|(all, kept)| [all, kept]).collect(),
            per_weight: per_weight(analysis, trace.as_ref()),
            gaps: analysis.layer_gaps()?,
            structure,
            cost,
        })
    }

    pub(super) fn text(&self) -> String {
        let mut out = self.tensors();
        out += &self.weights();
        out += &self.units();
        out += &walks_text(
            &self.walks,
            &self.mean_path_dense,
            self.masked().then_some(&self.mean_path),
        );
        out += &self.squares();
        out + &self.summary()
    }

    fn masked(&self) -> bool {
        self.structure.kept < self.structure.prunable
    }

    fn tensors(&self) -> String {
        let gaps = self.cost.layers.iter().zip(&self.gaps).enumerate();
        let row = |(t, (cost, gap)): (usize, (&phew_metrics::LayerCost, &LayerGap))| {
            let shares = self.path_kernel_trace_shares.as_ref();
            vec![
                cost.name.clone(),
                grouped(cost.flops),
                grouped(cost.sparse_flops),
                shares.map_or_else(|| "–".into(), |shares| percent(shares[t])),
                format!("{:.3}", gap.first),
                format!("{:.3}", gap.second),
                format!("{:.3}", gap.ramanujan),
            ]
        };
        let rows: Vec<Vec<String>> = gaps.map(row).collect();
        let head = ["tensor", "FLOPs", "kept FLOPs", "of trace", "σ₁", "σ₂", "Ramanujan"];
        section(
            "Cost, share of the path kernel's trace, and expansion of each layer",
            "FLOPs of one forward pass; σ₁ and σ₂: greatest singular values of the layer's graph of kept weights;\n\
             Ramanujan: σ₂ over its least possible value for these degrees",
            &table(&head, &rows, 1),
        )
    }

    fn weights(&self) -> String {
        let row = |w: &PerWeight| {
            let spreads = [&w.ln_paths, &w.ln_trace, &w.ln_visits];
            let mut row = vec![w.name.clone()];
            row.extend(spreads.map(|s| Spread::text(s.as_ref())));
            row
        };
        let rows: Vec<Vec<String>> = self.per_weight.iter().map(row).collect();
        let head = ["tensor", "ln paths", "ln trace", "ln visits"];
        section(
            "Kept weights one by one: least, mean and greatest of each layer, as natural logarithms",
            "paths: kept paths through a weight; trace: its part of the path kernel's trace;\n\
             visits: how often one PHEW walk over the dense network is expected to pass it",
            &table(&head, &rows, 1),
        )
    }

    fn units(&self) -> String {
        let degrees = |d: &Degrees| format!("{} {:.1} {}", d.min, d.mean, d.max);
        let row = |layer: &phew_metrics::LayerStructure| {
            vec![
                layer.name.clone(),
                format!("{} of {}", layer.alive, layer.units),
                layer.stubs.to_string(),
                layer.isolated.to_string(),
                degrees(&layer.in_degree),
                degrees(&layer.out_degree),
                histogram(&layer.in_degree.units),
                histogram(&layer.out_degree.units),
            ]
        };
        let rows: Vec<Vec<String>> = self.structure.layers.iter().map(row).collect();
        let head = ["units of", "alive", "stubs", "isolated", "in", "out", "in: hist", "out: hist"];
        section(
            "Units of each layer, and the kept weights that lead to them (in) and from them (out)",
            "stub: has weights on one side only; isolated: on neither; in, out: least, mean, greatest;\n\
             hist: how many units have how many, in eight bars",
            &table(&head, &rows, 1),
        )
    }

    fn squares(&self) -> String {
        let mut head = vec!["tensor", "all weights"];
        if self.masked() {
            head.push("kept weights");
        }
        let walks: Vec<String> = self.walks.iter().map(|w| format!("{} walks", w.bias())).collect();
        head.extend(walks.iter().map(String::as_str));
        let row = |(t, (cost, [all, kept])): (usize, (&phew_metrics::LayerCost, &[f64; 2]))| {
            let mut row = vec![cost.name.clone(), format!("{all:.4e}")];
            if self.masked() {
                row.push(or_dash(*kept, |kept| format!("{kept:.4e}")));
            }
            row.extend(self.walks.iter().map(|w| format!("{:.4e}", w.square(t))));
            row
        };
        let tensors = self.cost.layers.iter().zip(&self.mean_squares);
        let rows: Vec<Vec<String>> = tensors.enumerate().map(row).collect();
        section(
            "Mean square of the weights of each layer",
            "over all and over the kept ones, and over those that random walks pass, by what draws the walks",
            &table(&head, &rows, 1),
        )
    }

    fn summary(&self) -> String {
        let mut out = format!(
            "\npaths: {} (e^{:.3}), of e^{:.3} dense\n",
            shortened(&self.paths),
            self.ln_paths,
            self.ln_paths_dense
        );
        if self.ln_paths_effective < self.ln_paths {
            out += &format!("of them without a weight of 0: e^{:.3}\n", self.ln_paths_effective);
        }
        out += &format!("Σ|π| = e^{:.4}, Σπ² = e^{:.4}", self.ln_synflow, self.ln_synflow_l2);
        match (self.ln_path_kernel_trace, &self.tied_weight) {
            (Some(trace), _) => out += &format!(", path kernel trace = e^{trace:.4}\n"),
            (None, Some(tied)) => {
                out += &format!(
                    "\n`{tied}` is the weight of several operators, and a path may pass it twice: the path kernel is left out\n"
                );
            }
            (None, None) => out += "\n",
        }
        out += &format!(
            "FLOPs: {} of {} ({})\n",
            grouped(self.sparse_flops),
            grouped(self.flops),
            percent(self.sparse_flops as f64 / self.flops.max(1) as f64)
        );
        out += &format!(
            "neuron collapse {}, {} hidden stub units ({} of all; {} by chance), spectral gap {:.5}\n",
            percent(self.neuron_collapse),
            self.hidden_stubs,
            percent(self.hidden_stub_share),
            percent(self.stub_law.share),
            self.network_gap
        );
        if !self.collapsed.is_empty() {
            out += &format!("collapsed: {}\n", self.collapsed.join(", "));
        }
        out
    }
}

/// A decimal number whose middle is left out where it is long; JSON has all of it.
fn shortened(number: &str) -> String {
    const LONGEST: usize = 40;
    match number.len() {
        n if n <= LONGEST => number.to_owned(),
        n => format!("{}…{} ({n} digits)", &number[..16], &number[n - 8..]),
    }
}

fn per_weight(analysis: &Analysis<'_>, trace: Option<&PathKernelTrace<'_>>) -> Vec<PerWeight> {
    let paths = analysis.path_shares(Paths::Kept);
    let walks = super::walks::phew(analysis);
    let visits = super::walks::visits(&walks);
    let mask = analysis.mask();
    let of = |(t, spec): (TensorId, &TensorSpec)| PerWeight {
        name: spec.name.clone(),
        ln_paths: Spread::of(&paths.shares(t), paths.ln_total(), t, mask),
        ln_trace: trace.and_then(|trace| Spread::of(&trace.shares(t), trace.ln_total(), t, mask)),
        ln_visits: Spread::of(&visits.weights(t), 0.0, t, mask),
    };
    analysis.network().arch().prunable().with_ids().map(of).collect()
}
