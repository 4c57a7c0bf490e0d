//! The path graph, and the one traversal that all sums over its paths are made of.

mod build;
mod direction;
mod edges;
mod graph;
mod kernel;
mod neighbours;
mod reach;
mod scaled;
mod sums;
mod sweep;
mod transition;
pub(crate) mod wiring;

pub use direction::Direction;
pub use edges::{Abs, EdgeValue, Edges, NonZero, One, Square};
pub use graph::{Connection, Ends, Kind, Layer, PathGraph, Skip, Weighted};
pub use neighbours::Edge;
pub use reach::Reach;
pub use scaled::{Scaled, ScaledVec, times_power_of_two};
pub use sums::{Derivatives, LayerSums, PathSums, SumOfProducts};
pub use sweep::{LayerSemiring, Semiring, Step};
pub use transition::{SkipPolicy, StepsOver, Transition};
pub use wiring::Wiring;
