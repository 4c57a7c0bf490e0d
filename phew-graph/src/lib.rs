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

mod arch;
mod atomic;
mod by_id;
mod choice;
mod compact;
mod error;
#[cfg(feature = "execute")]
pub mod execute;
mod files;
mod hash;
mod ids;
mod import;
mod layer_shares;
mod lock;
mod mask;
mod memory;
mod onnx;
mod paths;
mod provenance;
mod pt2;
mod rng;
mod safetensors;
mod weights;
pub mod zoo;

pub use self::safetensors::{TensorFile, map_files_above, write_arrays};
pub use arch::{
    Activation, Arch, ArchBuilder, Conv2d, MAX_MULTIPLY_ADDS, MAX_SCALARS, Node, NodeSpec, Op,
    Pool, Role, Shape, TensorNames, TensorSpec, op,
};
pub use atomic::{Overwrite, discard_temporaries, write_atomically};
pub use by_id::{ByConnection, ById, ByLayer, ByTensor};
pub use choice::Choice;
pub use compact::Compaction;
pub use error::GraphError;
pub use files::{read_file, read_text};
pub use hash::content_hash;
pub use ids::{ConnectionId, LayerId, TensorId};
pub use import::{Imported, import, import_arch};
pub use layer_shares::{LayerBudgets, LayerShares};
pub use lock::FileLock;
pub use mask::{LayerMask, Mask, MaskForm, kept_at};
pub use paths::{
    Abs, Connection, Derivatives, Direction, Edge, EdgeValue, Edges, Ends, Kind, Layer,
    LayerSemiring, NonZero, One, PathGraph, PathSums, Reach, Scaled, ScaledVec, Semiring, Skip,
    SkipPolicy, Square, Step, StepsOver, SumOfProducts, Transition, Weighted, Wiring,
    times_power_of_two,
};
pub use provenance::{Provenance, SCHEMA};
pub use rng::{stream, stream_key};
pub use weights::{
    Extra, Fan, Init, Network, NormScale, PackedType, read_pytorch_pruned, read_scores,
    write_pytorch_pruned, write_scores,
};

/// Arrays go in and out as those of this crate.
pub use ndarray;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
