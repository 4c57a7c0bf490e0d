//! Expectations over random walks of the dense network: the sampler walks before there is a mask.

use phew_graph::SkipPolicy;
use phew_metrics::{Analysis, MeanPath, Visits, WalkWorth, Walks};
use phew_walk::{Bias, Starts};
use serde::Serialize;

use crate::output::{or_dash, section, table};

/// What walks with one bias are expected to visit and to be worth.
#[derive(Debug, Serialize)]
pub(super) struct WalkRow {
    bias: &'static str,
    #[serde(flatten)]
    worth: WalkWorth,
    /// Least and greatest visits of a hidden unit, times the units of its layer.
    least_visits: f64,
    most_visits: f64,
    layers: Vec<LayerVisits>,
}

/// Expected visits of each unit of a layer by one walk.
#[derive(Debug, Serialize)]
struct LayerVisits {
    name: String,
    visits: Vec<f64>,
}

/// The sampler's own law.
pub(super) fn phew<'a>(analysis: &'a Analysis<'a>) -> Walks<'a> {
    analysis.walks(Bias::Magnitude, SkipPolicy::Uniform)
}

/// Visits of one walk with the sampler's starts.
pub(super) fn visits<'a>(walks: &'a Walks<'a>) -> Visits<'a> {
    walks.visits(Starts::Balanced)
}

/// PHEW's, uniform and inverse walks.
pub(super) fn rows(dense: &Analysis<'_>) -> Vec<WalkRow> {
    let row = |(bias, name): (Bias, &'static str)| {
        let walks = dense.walks(bias, SkipPolicy::Uniform);
        let units = visits(&walks).units();
        let hidden = units.as_slice()[1..units.len() - 1].iter();
        let relative = || hidden.clone().flat_map(|l| l.iter().map(|v| v * l.len() as f64));
        let (least, most) =
            (relative().fold(f64::INFINITY, f64::min), relative().fold(0.0, f64::max));
        let layers = dense.graph().layers().iter().zip(units);
        WalkRow {
            bias: name,
            worth: walks.worth(Starts::Balanced),
            least_visits: least,
            most_visits: most,
            layers: layers
                .map(|(l, visits)| LayerVisits { name: l.name.clone(), visits })
                .collect(),
        }
    };
    [(Bias::Magnitude, "magnitude"), (Bias::Uniform, "uniform"), (Bias::Inverse, "inverse")]
        .into_iter()
        .map(row)
        .collect()
}

impl WalkRow {
    pub(super) fn bias(&self) -> &'static str {
        self.bias
    }

    /// Expected θ² of a step over a tensor.
    pub(super) fn square(&self, tensor: usize) -> f64 {
        self.worth.steps[tensor].square
    }
}

/// Walks beside paths that count alike, for people.
pub(super) fn walks_text(walks: &[WalkRow], all: &MeanPath, kept: Option<&MeanPath>) -> String {
    let numbers = |values: [f64; 3]| values.map(|v| or_dash(v, |v| format!("{v:.3}")));
    let mut rows = Vec::new();
    for walk in walks {
        let WalkWorth { ln_product, ln_square, ln_kernel, .. } = walk.worth;
        let mut row = vec![format!("{} walks", walk.bias)];
        row.extend(numbers([ln_product, ln_square, ln_kernel]));
        row.push(if walk.most_visits > 0.0 {
            format!("{:.3} to {:.3}", walk.least_visits, walk.most_visits)
        } else {
            "–".into()
        });
        rows.push(row);
    }
    for (name, mean) in [("all paths alike", Some(all)), ("kept paths alike", kept)] {
        let Some(mean) = mean else { continue };
        let mut row = vec![name.to_owned()];
        row.extend(numbers([mean.ln_product, mean.ln_square, mean.ln_kernel]));
        row.push("–".into());
        rows.push(row);
    }
    let head = ["over", "ln E|π|", "ln E[π²]", "ln E[Π(p,p)]", "visits of a unit"];
    section(
        "Random walks over the dense network, beside paths that count alike",
        "ln of the expected product |π| of a walk's weights, its square, and its entry of the path kernel;\n\
         visits of a unit: least and greatest, times the units of its layer",
        &table(&head, &rows, 1),
    )
}
