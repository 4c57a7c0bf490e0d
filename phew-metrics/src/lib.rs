//! phew-metrics.
