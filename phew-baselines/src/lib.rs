//! Rival methods of pruning at initialisation.
//!
//! A method is put together from a score, an allocation and a schedule. Scores that need data ask an
//! [`Oracle`], which a crate with a tensor library implements; nothing else of the data is known here.

mod error;
mod oracle;

pub use error::BaselineError;
pub use oracle::{HessianGradient, Oracle, Parameters, Point, Power};
