//! Everything of phew that needs libtorch or data.

mod doctor;

pub use doctor::{Cuda, Hidden, Libtorch, libtorch};
