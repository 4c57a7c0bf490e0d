//! The walk engine: walks drawn one by one.
//!
//! A step draws first the kernel, that is the next unit, and then the scalar weight inside it. [`sampling_table`] has
//! what the first needs, [`scalar_draw`] is the second, [`frontier`] says which connections lead onwards from each layer and
//! [`onward_kernels`] which kernels from each unit,
//! [`batch`] takes some hundred walks over a connection together, and [`walker`] takes them from layer to layer and
//! returns what they passed as [`steps`].
//!
//! **Tables.** One pass over the weights gives the norm of every kernel (the sum of its scalars' scores), one ninth
//! of a 3×3 tensor, and for each unit the greatest norm onwards, both ways. A step draws the kernel by rejection: one
//! uniformly, accepted with probability norm over greatest norm, which takes about 1.8 tries for Gaussian 3×3
//! kernels and 4.5 for single weights; then the scalar inside. That is the law of drawing the scalar at once, with no
//! cumulative table in either direction. Units whose norms are so uneven that rejection would take over 16 tries
//! have cumulative sums after all.
//!
//! **Batches.** A step costs about 1.8 random reads of the norms and 1.5 lines of weights, and each would wait for
//! memory. So 256 walks of one direction cross a connection together, in short loops that only draw, only read or only
//! decide: their reads overlap. Walk `i` draws from a stream of its own, `SplitMix64` from a start that seed and `i`
//! give, so neither the batch that a walk is in nor the number of threads changes a byte, and masks of one seed are
//! nested.

pub(crate) mod batch;
pub(crate) mod frontier;
pub(crate) mod onward_kernels;
pub(crate) mod sampling_table;
pub(crate) mod scalar_draw;
pub(crate) mod starts;
pub(crate) mod steps;
pub(crate) mod walker;
