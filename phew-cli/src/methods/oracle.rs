//! What computes the derivatives that methods score by.

use phew_train::OracleKind;

/// The option that says so.
pub(super) const ORACLE: &str = "oracle";

/// Unless told otherwise libtorch, where it is there.
pub(super) fn usual_oracle() -> OracleKind {
    if cfg!(feature = "train") { OracleKind::Libtorch } else { OracleKind::Engine }
}
