//! What was measured.

use phew_graph::Provenance;
use phew_train::{GradientShare, LayerSensitivity};
use serde::Serialize;

use crate::command::Report;
use crate::output::{percent, table};

/// A network on data, dense and masked.
#[derive(Clone, Debug, Serialize)]
pub struct MeasureReport {
    /// Name of the architecture.
    pub arch: String,
    /// Name of the data set.
    pub data: String,
    /// Images for the gradient.
    pub images: usize,
    /// Images for kernel and Jacobian.
    pub inputs: usize,
    /// Where network, mask and data come from.
    pub provenance: Box<Provenance>,
    /// Of the dense network.
    pub dense: Measures,
    /// Of the masked network, if there is a mask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub masked: Option<Measures>,
    /// Of the dense network's gradient, on the weights that the mask keeps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradient_share: Option<GradientShare>,
    /// Of the mask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub density: Option<f64>,
}

/// What was measured of one network.
#[derive(Clone, Debug, Serialize)]
pub struct Measures {
    /// Loss and gradient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradient: Option<Gradient>,
    /// The empirical tangent kernel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel: Option<Kernel>,
    /// The derivative of the outputs by the inputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jacobian: Option<Jacobian>,
}

/// The loss and its gradient.
#[derive(Clone, Debug, Serialize)]
pub struct Gradient {
    /// The loss.
    pub loss: f64,
    /// Norm of its gradient by the kept weights.
    pub norm: f64,
    /// `|θ ∂L/∂θ|` of the kept weights of each prunable tensor, over the sum of all.
    pub sensitivity: Vec<LayerSensitivity>,
}

/// Eigenvalues of the empirical tangent kernel.
#[derive(Clone, Debug, Serialize)]
pub struct Kernel {
    /// Rows of the matrix: inputs times outputs.
    pub size: usize,
    /// The greatest, in descending order.
    pub eigenvalues: Vec<f64>,
    /// The least; none without the matrix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least: Option<f64>,
    /// Their sum; none without the matrix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<f64>,
}

/// Singular values of the derivative of the outputs by the inputs.
#[derive(Clone, Debug, Serialize)]
pub struct Jacobian {
    /// The greatest.
    pub greatest: f64,
    /// The least.
    pub least: f64,
    /// Their mean; none without the matrix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// Their standard deviation; none without the matrix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deviation: Option<f64>,
}

impl Report for MeasureReport {
    fn text(&self) -> String {
        let both: Vec<&Measures> =
            [Some(&self.dense), self.masked.as_ref()].into_iter().flatten().collect();
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut row = |name: String, of: &dyn Fn(&Measures) -> Option<f64>| {
            let values: Vec<Option<f64>> = both.iter().map(|measures| of(measures)).collect();
            if values.iter().any(Option::is_some) {
                let shown = values.iter().map(|v| v.map(number).unwrap_or_default());
                rows.push(std::iter::once(name).chain(shown).collect());
            }
        };
        let gradient = |m: &Measures, of: fn(&Gradient) -> f64| m.gradient.as_ref().map(of);
        row("loss".into(), &|m| gradient(m, |g| g.loss));
        row("gradient norm".into(), &|m| gradient(m, |g| g.norm));
        let layers = self.dense.gradient.iter().flat_map(|gradient| &gradient.sensitivity);
        for (place, layer) in layers.enumerate() {
            row(format!("of all sensitivity, {}", layer.name), &|m| {
                m.gradient.as_ref()?.sensitivity.get(place).map(|layer| layer.share)
            });
        }
        row("kernel trace".into(), &|m| m.kernel.as_ref()?.trace);
        let shown = self.dense.kernel.as_ref().map_or(0, |kernel| kernel.eigenvalues.len());
        for index in 0..shown {
            row(format!("kernel eigenvalue {}", index + 1), &|m| {
                m.kernel.as_ref()?.eigenvalues.get(index).copied()
            });
        }
        row("kernel least eigenvalue".into(), &|m| m.kernel.as_ref()?.least);
        row("Jacobian mean singular value".into(), &|m| m.jacobian.as_ref()?.mean);
        row("Jacobian deviation".into(), &|m| m.jacobian.as_ref()?.deviation);
        row("Jacobian greatest".into(), &|m| m.jacobian.as_ref().map(|j| j.greatest));
        row("Jacobian least".into(), &|m| m.jacobian.as_ref().map(|j| j.least));
        let head: &[&str] = if both.len() > 1 { &["", "dense", "masked"] } else { &["", "dense"] };
        let mut out = table(head, &rows, 1);
        out += &format!(
            "\n{} on {}: {} images, {} of them for kernel and Jacobian\n",
            self.arch, self.data, self.images, self.inputs
        );
        if let (Some(share), Some(density)) = (self.gradient_share, self.density) {
            out += &format!(
                "the mask's {} of the weights carry {} of the dense gradient's magnitude and {} of its square\n",
                percent(density),
                percent(share.magnitude),
                percent(share.square)
            );
        }
        out
    }
}

/// Four significant digits.
fn number(value: f64) -> String {
    let plain = value == 0.0 || (1e-3..1e6).contains(&value.abs());
    if !plain {
        return format!("{value:.3e}");
    }
    let digits = value.abs().max(1e-3).log10().floor() as i32;
    format!("{value:.*}", usize::try_from(3 - digits).unwrap_or(0))
}
