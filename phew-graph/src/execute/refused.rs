//! What the engine does not do.

use crate::arch::Arch;
use crate::error::GraphError;

/// An operator that is not among those that are expected.
pub(super) fn refused(arch: &Arch, node: usize, expected: &str) -> GraphError {
    let node = &arch.nodes()[node];
    GraphError::Field {
        operator: node.name.clone(),
        field: "type",
        found: node.op.kind().to_owned(),
        expected: expected.to_owned(),
    }
}
