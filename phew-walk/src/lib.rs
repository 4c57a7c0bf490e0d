//! PHEW: sparse neural networks from biased random walks over the initial weights.
//!
//! Walks run from inputs to outputs and, in turn, from outputs to inputs. At each unit the next scalar weight
//! is drawn with probability proportional to its magnitude, and every weight walked is kept, until the density
//! is reached. What remains is a union of input-output paths: no layer collapses and no unit is left without
//! an input or an output.
//!
//! ```
//! use phew_graph::{Init, Network, zoo};
//! use phew_walk::{WalkParams, prune};
//!
//! let arch = zoo::mlp(&[784, 300, 100, 10]).build()?;
//! let network = Network::initialise(arch, Init::default(), 0)?;
//! let walked = prune(&network, &WalkParams::new(0.05)?.seed(7))?;
//! assert!(walked.mask.kept() >= walked.report.target);
//! println!("{} walks kept {} weights", walked.report.walks, walked.mask.kept());
//! # Ok::<(), phew_walk::WalkError>(())
//! ```
//!
//! # How it works, and what it costs
//!
//! **Tables.** One pass over the weights gives the norm of every kernel (the sum of its scalars' scores), one ninth
//! of a 3×3 tensor, and for each unit the greatest norm onwards, both ways. A step draws the kernel by rejection: one
//! uniformly, accepted with probability norm over greatest norm, which takes about 1.8 tries for Gaussian 3×3
//! kernels and 4.5 for single weights; then the scalar inside. That is the law of drawing the scalar at once, with no
//! cumulative table in either direction. Units whose norms are so uneven that rejection would take over 16 tries
//! have cumulative sums after all.
//!
//! **Walk engine.** A step costs about 1.8 random reads of the norms and 1.5 lines of weights, and each would wait
//! for memory. So 256 walks of one direction cross a connection together, in short loops that only draw, only read or
//! only decide: their reads overlap. Walk `i` draws from a stream of its own, `SplitMix64` from a start that seed
//! and `i` give, so neither the company that a walk keeps nor the number of threads changes a byte, and masks of one
//! seed are nested. As long as a round of walks cannot reach the target, each tensor keeps its steps on its own; the
//! round that reaches it is kept walk by walk.
//!
//! **Bulk engine.** High densities are a coupon collector's problem: VGG-19 needs 77 thousand walks at 5 % and
//! 13 million at 90 %. Walks are Markov: given how many stand at each unit, the numbers that take each onward kernel
//! are multinomial and independent between units. So batches of walks are drawn as counts, layer by layer, in a pass
//! over the norms each way. Where walks are few they are drawn one by one, unit by unit; where they are many, as
//! Poisson numbers that fall a little short of their sum, which given the sum have the multinomial's law, and the
//! rest one by one. A batch is as large as the expected coverage 1 − (1 − p)ⁿ of the weights not kept yet allows,
//! estimated from a sample of them with the exact p, less eight standard deviations; single walks finish. The mask
//! has the law of the walk engine, not its bytes. [`Engine::Auto`] takes batches from 200,000 weights on if these are
//! at least as many as the kernels, or three in ten of all weights.
//!
//! `cargo bench -p phew-walk` prints the whole of [`prune`] in passes of a plain streaming Σ|w| over the same weights
//! in the same run; the README has the figures.
//!
//! # References
//! Patil & Dovrolis, "PHEW: Constructing Sparse Networks that Learn Fast and Generalize Well Without Training
//! Data", ICML 2021.

mod best;
mod block;
mod bulk;
mod chances;
mod company;
mod cover;
mod coverage;
mod draw;
mod error;
mod exponential;
mod keeper;
mod limits;
mod marks;
mod multinomial;
mod params;
mod poisson;
mod sampler;
mod score;
mod starts;
mod steps;
mod support;
mod table;
mod walker;
mod way;

pub use best::{Order, RankedPath, greedy_paths, mask_of, ranked_paths};
pub use cover::{BestPaths, best_paths};
pub use error::WalkError;
pub use params::{Bias, Engine, Granularity, Starts, WalkLaw, WalkParams};
pub use sampler::{Progress, Report, Walked, count_visits, prune, prune_nested};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
