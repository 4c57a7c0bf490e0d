//! What answers scores' questions.

use phew_baselines::Needs;

use super::EngineOracle;

/// What computes the derivatives that scores are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OracleKind {
    /// libtorch, which answers all questions on any device.
    Libtorch,
    /// [`EngineOracle`], which needs no libtorch.
    Engine,
}

phew_graph::choice! {
    OracleKind, "oracle":
    Libtorch => "libtorch", "libtorch, on any device",
    Engine => "engine", "phew's own engine, on the processor: gradients and passes of ones",
}

impl OracleKind {
    /// Whether it answers a method that needs this.
    #[must_use]
    pub fn answers(self, needs: Needs) -> bool {
        match self {
            Self::Libtorch => needs.oracle(),
            Self::Engine => EngineOracle::answers(needs),
        }
    }
}
