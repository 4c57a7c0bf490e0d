//! The path graph, and the one traversal that all sums over its paths are made of.

mod build;
mod derivatives;
mod direction;
mod edges;
mod graph;
mod kernel;
mod neighbours;
mod path_sums;
mod products;
mod reach;
mod scaled;
mod sums;
mod sweep;
mod transition;
pub(crate) mod wiring;

pub use derivatives::{Derivatives, UseDerivatives};
pub use direction::Direction;
pub use edges::{Abs, EdgeValue, Edges, NonZero, One, Square};
pub use graph::{Connection, Ends, Kind, Layer, PathGraph, Skip, Weighted};
pub use neighbours::Edge;
pub use path_sums::PathSums;
pub use products::SumOfProducts;
pub use reach::Reach;
pub use scaled::{Scaled, ScaledVec, times_power_of_two};
pub use sweep::{LayerSemiring, Semiring, Step};
pub use transition::{SkipPolicy, StepsOver, Transition};
pub use wiring::Wiring;
