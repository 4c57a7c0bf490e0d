//! phew-baselines.
