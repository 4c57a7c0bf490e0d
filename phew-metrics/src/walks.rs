//! Exact expectations of the sampler's walks: visits, and what a walk's path is worth.
//!
//! A walk takes edge e with probability Q(e) where it stands, so expectations over walks are path sums with
//! Q(e) times something as the edge value: nothing is sampled.

mod dual;
mod law;
mod visits;
mod worth;

pub use law::Walks;
pub use visits::Visits;
pub use worth::{StepWorth, WalkWorth};
