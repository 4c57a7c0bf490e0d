//! phew-train.
