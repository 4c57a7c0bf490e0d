//! Networks: an architecture with its weights.

mod drawn;
mod file;
mod init;
mod network;
mod pytorch;
mod scores;

pub use file::Extra;
pub(crate) use file::{map, parse, write_safetensors};
pub use init::{Fan, Init};
pub use network::Network;
pub use pytorch::{read_pytorch_pruned, write_pytorch_pruned};
pub use scores::{read_scores, write_scores};
