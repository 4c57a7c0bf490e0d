//! The bulk engine: whole batches of walks, drawn as counts.
//!
//! High densities are a coupon collector's problem: VGG-19 needs 77 thousand walks at 5 % and 13 million at 90 %. Walks
//! are Markov: given how many stand at each unit, the numbers that take each onward kernel are multinomial and
//! independent between units. So batches of walks are drawn as counts, layer by layer, in a pass over the norms each
//! way ([`engine`]). Where walks are few they are drawn one by one, unit by unit; where they are many, as Poisson numbers
//! that fall a little short of their sum, which given the sum have the multinomial's law, and the rest one by one
//! ([`kernel_multinomial`]).
//!
//! A batch is as large as the expected coverage 1 − (1 − p)ⁿ of the weights not kept yet allows, estimated from a sample
//! of them with the exact p ([`visit_probabilities`]), less eight standard deviations ([`batch_size`]); single walks
//! finish. The mask has the law of the walk engine, not its bytes.

pub(crate) mod atomic_mask;
pub(crate) mod batch_size;
pub(crate) mod binomial;
pub(crate) mod block;
pub(crate) mod engine;
pub(crate) mod exponential;
pub(crate) mod kernel_multinomial;
pub(crate) mod multinomial;
pub(crate) mod poisson;
pub(crate) mod visit_probabilities;
