//! What is summed over the input-output paths: their number, SynFlow's objectives, each weight's share; the paths by
//! name.

mod count;
mod list;
mod mean;
mod natural;
mod objective;
mod shares;

pub use count::Paths;
pub use list::Path;
pub use mean::MeanPath;
pub use natural::Natural;
pub use objective::Objective;
pub use shares::PathShares;
