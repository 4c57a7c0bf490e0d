//! What columns are called on an axis, and on which scale they are drawn, unless a description says otherwise.

use super::axis::Scale;

/// How a column is drawn by default.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Known {
    pub(crate) label: String,
    /// Whether the column holds shares, which are drawn in percent.
    pub(crate) percent: bool,
    pub(crate) scale: Scale,
    /// Whether the column holds natural logarithms.
    pub(crate) ln: bool,
}

/// Columns that are not simply called by their names: key, label, percent, scale.
const COLUMNS: &[(&str, &str, bool, Scale)] = &[
    ("accuracy", "test accuracy", true, Scale::Linear),
    ("accuracy_top5", "top-5 accuracy", true, Scale::Linear),
    ("best_accuracy", "best test accuracy", true, Scale::Linear),
    ("test_accuracy", "test accuracy", true, Scale::Linear),
    ("train_accuracy", "training accuracy", true, Scale::Linear),
    ("error", "test error", true, Scale::Linear),
    ("test_error", "test error", true, Scale::Linear),
    ("train_error", "training error", true, Scale::Linear),
    ("train_loss", "training loss", false, Scale::Linear),
    ("density", "density", true, Scale::Log),
    ("effective_density", "effective density", true, Scale::Log),
    ("remaining.density", "weights remaining", true, Scale::Log),
    ("sparsity", "sparsity", true, Scale::Linear),
    ("neurons.share", "neurons of at least this sparsity", true, Scale::Linear),
    ("hidden_stub_share", "hidden units that are stubs", true, Scale::Linear),
    ("layers.*.density", "density of the layer", true, Scale::Linear),
    ("layers.*.units_alive", "units left", false, Scale::Linear),
    ("path_kernel_trace", "path kernel trace", false, Scale::Log),
    ("paths", "input-output paths", false, Scale::Log),
    ("ln_paths", "input-output paths", false, Scale::Log),
    ("arch", "network", false, Scale::Category),
    ("data", "data set", false, Scale::Category),
    ("method", "method", false, Scale::Category),
    ("jaccard", "Jaccard similarity", false, Scale::Linear),
];

impl Known {
    /// By its name, or by what stands behind the last dot of it; names with `ln_` hold natural logarithms.
    pub(crate) fn of(key: &str) -> Self {
        let last = key.rsplit('.').next().unwrap_or(key);
        let ln = last.starts_with("ln_");
        let named = |name: &str| COLUMNS.iter().find(|column| column.0 == name);
        if let Some((_, label, percent, scale)) = named(key).or_else(|| named(last)) {
            return Self { label: (*label).to_owned(), percent: *percent, scale: *scale, ln };
        }
        let label = last.strip_prefix("ln_").unwrap_or(last).replace('_', " ");
        let scale = if ln { Scale::Log } else { Scale::Linear };
        Self { label, percent: false, scale, ln }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_that_nobody_knows_is_called_by_its_name() {
        let known = Known::of("ln_path_kernel_trace");
        assert_eq!((known.label.as_str(), known.ln), ("path kernel trace", true));
        assert_eq!(known.scale, Scale::Log);
        assert_eq!(Known::of("layers.*.stub_units").label, "stub units");
        assert!(Known::of("curve.test_accuracy").percent && Known::of("error").percent);
        assert_eq!(Known::of("layers.*.units_alive").label, "units left");
    }
}
