//! Networks: an architecture with its weights.

mod arrays;
mod check;
mod file;
mod init;
mod network;
mod norm_scale;
mod packed;
mod pytorch;
mod scores;
mod state_dict;
mod storage;

pub use check::Extra;
pub use init::{Fan, Init};
pub use network::Network;
pub use norm_scale::NormScale;
pub use packed::PackedType;
pub use pytorch::{read_pytorch_pruned, write_pytorch_pruned};
pub use scores::{read_scores, write_scores};
