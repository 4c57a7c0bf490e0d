//! Architectures, weights, masks and the path graph of neural networks.
//!
//! A network has two views here. [`Arch`] is the operator DAG: what a framework would run. [`PathGraph`]
//! is what the theory of pruning at initialisation speaks of: layers of units, joined by scalar weights, so
//! that an input-output path is a chain of scalar weights. Every path quantity (path count, SynFlow
//! objective, path kernel trace, visits of a random walk) is one pair of sums over that graph: see
//! [`PathSums`].
//!
//! ```
//! use phew_graph::{Abs, Edges, Init, Network, PathGraph, PathSums, zoo};
//!
//! let arch = zoo::mlp(&[784, 300, 100, 10]).build()?;
//! let network = Network::initialise(arch, Init::default(), 0)?;
//! let graph = PathGraph::new(network.arch());
//! let weights = network.weights();
//! let sums = PathSums::new(&graph, &Edges::new(&weights, Abs));
//! println!("ln of the SynFlow objective: {}", sums.ln_total());
//! # Ok::<(), phew_graph::GraphError>(())
//! ```
//!
//! # Features
//! - `files` (default): TOML, safetensors, exported models, fingerprints; with `random`.
//! - `random`: weights that are drawn, random streams.
//! - `execute`: running masked networks.
//!
//! Without any there are architectures, weights and masks in memory, and the path graph with its sums.

mod arch;
#[cfg(feature = "files")]
mod atomic;
mod by_id;
mod choice;
mod compact;
mod error;
#[cfg(feature = "execute")]
pub mod execute;
#[cfg(feature = "files")]
mod files;
#[cfg(feature = "files")]
mod hash;
mod ids;
#[cfg(feature = "files")]
mod import;
mod layer_shares;
#[cfg(feature = "files")]
mod lock;
mod mask;
#[cfg(feature = "random")]
mod memory;
#[cfg(feature = "files")]
mod onnx;
mod paths;
#[cfg(feature = "files")]
mod provenance;
#[cfg(feature = "files")]
mod pt2;
#[cfg(feature = "random")]
mod rng;
#[cfg(feature = "files")]
mod safetensors;
mod weights;
pub mod zoo;

#[cfg(feature = "files")]
pub use self::safetensors::{TensorFile, map_files_above, write_arrays};
pub use arch::{
    Activation, Arch, ArchBuilder, Conv2d, MAX_MULTIPLY_ADDS, MAX_SCALARS, Node, NodeSpec, Op,
    Pool, Role, Shape, TensorNames, TensorShape, TensorSpec, op,
};
#[cfg(feature = "files")]
pub use atomic::{Overwrite, discard_temporaries, write_atomically};
pub use by_id::{ByConnection, ById, ByLayer, ByTensor};
pub use choice::Choice;
pub use compact::Compaction;
pub use error::GraphError;
#[cfg(feature = "files")]
pub use files::{read_file, read_text};
#[cfg(feature = "files")]
pub use hash::content_hash;
pub use ids::{ConnectionId, LayerId, TensorId};
#[cfg(feature = "files")]
pub use import::{Imported, import, import_arch};
pub use layer_shares::{LayerBudgets, LayerShares};
#[cfg(feature = "files")]
pub use lock::FileLock;
#[cfg(feature = "files")]
pub use mask::MaskForm;
pub use mask::{LayerMask, Mask, kept_at};
pub use paths::{
    Abs, Connection, Derivatives, Direction, Edge, EdgeValue, Edges, Ends, Kind, Layer,
    LayerSemiring, NonZero, One, PathGraph, PathSums, Reach, Scaled, ScaledVec, Semiring, Skip,
    SkipPolicy, Square, Step, StepsOver, SumOfProducts, Transition, UseDerivatives, Weighted,
    Wiring, times_power_of_two,
};
#[cfg(feature = "files")]
pub use provenance::{Provenance, SCHEMA};
#[cfg(feature = "random")]
pub use rng::{stream, stream_key};
pub use weights::{Extra, Network};
#[cfg(feature = "random")]
pub use weights::{Fan, Init, NormScale};
#[cfg(feature = "files")]
pub use weights::{
    PackedType, ScoreValues, read_pytorch_pruned, read_scores, write_pytorch_pruned, write_scores,
};

/// Arrays go in and out as those of this crate.
pub use ndarray;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
