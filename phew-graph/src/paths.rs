//! The path graph, and the one engine for sums over its paths.

mod build;
mod custom;
mod edges;
mod graph;
mod kernel;
mod product;
mod reach;
mod sums;
mod transition;

pub use edges::{Abs, EdgeValue, Edges, NonZero, One, Square};
pub use graph::{Connection, Kind, Layer, PathGraph, Skip, Weighted};
pub use reach::Reach;
pub use sums::{LayerSums, PathSums};
pub use transition::{Direction, SkipPolicy, StepsOver, Transition};
