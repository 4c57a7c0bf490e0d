//! `inspect --isometry` and `--jacobian`: singular values.

use phew_metrics::{Analysis, LayerIsometry, MetricError, SingularValues};

use crate::output::table;

/// Entries of a Jacobian: 10 classes on Tiny-ImageNet's 64×64×3 inputs take 122,880.
const ENTRIES: usize = 1 << 22;

pub(super) fn jacobian(analysis: &Analysis<'_>) -> Result<SingularValues, MetricError> {
    analysis.linear_jacobian_spectrum(ENTRIES)
}

fn summary(s: &SingularValues) -> Vec<String> {
    let mut row: Vec<String> =
        [s.max, s.mean, s.std, s.min].map(|v| format!("{v:.4}")).into_iter().collect();
    row.push(format!("{:.3e}", s.condition));
    row
}

/// The layers, for people.
pub(super) fn layers(layers: &[LayerIsometry]) -> String {
    let row = |l: &LayerIsometry| {
        let mut row = vec![l.name.clone()];
        row.extend(summary(&l.singular_values));
        row.push(format!("{:.3}", l.departure));
        row
    };
    let rows: Vec<Vec<String>> = layers.iter().map(row).collect();
    let head = ["tensor", "σ max", "mean", "std", "min", "condition", "‖WᵀW − I‖"];
    format!("\n{}", table(&head, &rows, 1))
}

/// The Jacobian, for people.
pub(super) fn jacobian_text(found: &SingularValues) -> String {
    let mut row = vec!["Jacobian".to_owned()];
    row.extend(summary(found));
    format!("\n{}", table(&["", "σ max", "mean", "std", "min", "condition"], &[row], 1))
}
