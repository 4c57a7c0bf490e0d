//! What several tests need.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::print_stdout, reason = "what is skipped is said aloud")]

pub(crate) mod mlp_oracle;
pub(crate) mod reference;
