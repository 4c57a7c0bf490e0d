//! Running and training a network under its mask, with the kept weights alone.
//!
//! [`Program::new`] compiles a network and a mask to a plan of fused steps, without libtorch: a convolution or linear
//! layer with the normalisation folded into it, the addition of a skip connection and the activation are one step;
//! buffers are assigned once; of each layer only the kept weights are there, with where each reads, and only the units on
//! which the output depends. [`Program::run`]
//! then takes any number of inputs.
//!
//! Two layouts, chosen by the number of inputs. Sixteen inputs are computed side by side, the innermost axis of every
//! buffer: one weight is applied to all of them at several positions of the map at once, so that a weight is read once for
//! up to 128 multiply-adds; where two units share most of what they read, as in a dense layer, what is read is loaded once for
//! both, and where maps are large two layers go in turns, by some rows at a time. Of one input the positions of a map are
//! computed side by side.
//!
//! What comes out depends on nothing but network, mask, input and the instruction set: the kept weights of a unit are
//! summed in f32 in the order of its tensor (of a transposed convolution in that of what they read), from the bias on (features:
//! in eight interleaved sums, which are added in order), with fused multiply-adds; means and variances of normalisations are
//! summed in f64. Numbers of threads and of inputs change no byte.
//!
//! [`Training`] goes forward in training mode, sixteen inputs side by side, and back: the gradient by what a layer reads is
//! computed by the same kernels, from its kept weights ordered by what they read.
//!
//! All operators are run but batch normalisation without statistics, which depends on what else is in the batch. Those of the
//! zoo are trained.

mod against_stride;
mod awake;
mod blocks;
mod buffers;
mod chains;
mod entry;
mod fold;
mod geometry;
mod kernels;
mod live_units;
mod memory;
mod output_sum;
mod packed;
mod plan;
mod program;
mod refused;
mod step;
mod steps;
mod tensor_values;
mod training;
mod values;
mod waves;
mod windows;

pub use output_sum::OutputSum;
pub use program::Program;
pub use tensor_values::TensorValues;
pub use training::{Statistics, Training};
