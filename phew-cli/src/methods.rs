//! All methods that make masks: one table, the options of each, and how each makes a mask of a network.

mod data;
mod layers;
mod made;
mod options;
mod oracle;
mod paths;
mod request;
mod samples;
mod scores;
mod table;
mod walks;

pub(crate) use data::SampleDataArgs;
pub use made::How;
pub(crate) use made::Made;
pub(crate) use options::{MethodArgs, is_option_of_methods, is_option_of_others};
#[cfg(feature = "train")]
pub(crate) use paths::by_gradient;
pub(crate) use request::{Request, no_scores};
pub(crate) use table::{Build, DEFAULT, Method, by_name, methods, served};
#[cfg(feature = "train")]
pub(crate) use table::{PathSet, RankedBy};
#[cfg(feature = "train")]
pub(crate) use walks::Walks;
