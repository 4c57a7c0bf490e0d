//! Networks: an architecture with its weights.

mod arrays;
mod check;
#[cfg(feature = "files")]
mod file;
#[cfg(feature = "files")]
mod held;
#[cfg(feature = "random")]
mod init;
mod network;
#[cfg(feature = "random")]
mod norm_scale;
#[cfg(feature = "files")]
mod packed;
#[cfg(feature = "files")]
mod pytorch;
#[cfg(feature = "files")]
mod scores;
#[cfg(feature = "files")]
mod state_dict;
mod storage;

pub use check::Extra;
#[cfg(feature = "random")]
pub use init::{Fan, Init};
pub use network::Network;
#[cfg(feature = "random")]
pub use norm_scale::NormScale;
#[cfg(feature = "files")]
pub use packed::PackedType;
#[cfg(feature = "files")]
pub use pytorch::{read_pytorch_pruned, write_pytorch_pruned};
#[cfg(feature = "files")]
pub use scores::{ScoreValues, read_scores, write_scores};
