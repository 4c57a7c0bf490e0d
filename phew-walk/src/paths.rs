//! Paths without chance: the best and the worst by edge-weight product, and greedy ones.
//!
//! These serve the paper's argument about bottlenecks: the best paths share a few large weights, so their union is
//! narrow, which is why PHEW draws its paths instead.

pub(crate) mod greedy;
pub(crate) mod max_plus;
pub(crate) mod path;
pub(crate) mod ranked;
pub(crate) mod until_density;
