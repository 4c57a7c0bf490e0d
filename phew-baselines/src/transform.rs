//! Ablations and transformations: a mask to a mask, or a network to a network, after any method.

mod isometry;
mod reinit;
mod repair;
mod shuffle;
mod widen;

pub use isometry::{Convergence, Isometry, approximate_isometry};
pub use reinit::{Reinit, reinitialise};
pub use repair::{Refill, Repaired, repair};
pub use shuffle::shuffle;
pub use widen::widen;
