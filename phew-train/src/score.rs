//! Derivatives that scores are made of, on libtorch or by phew's own engine. The network that is scored is never changed.

#[cfg(feature = "torch")]
mod activity;
#[cfg(feature = "torch")]
mod answers;
#[cfg(feature = "torch")]
mod batches;
mod engine_oracle;
mod failed;
mod mode;
#[cfg(feature = "torch")]
mod oracle;
mod oracle_kind;
mod samples;
#[cfg(feature = "torch")]
mod spatial;
#[cfg(feature = "torch")]
mod vectors;

#[cfg(feature = "torch")]
pub use batches::score_batches;
pub use engine_oracle::EngineOracle;
pub use mode::OracleMode;
#[cfg(feature = "torch")]
pub use oracle::TorchOracle;
pub use oracle_kind::OracleKind;
pub use samples::SampleSpec;
#[cfg(feature = "torch")]
pub use spatial::{OnesPass, ones_pass};
