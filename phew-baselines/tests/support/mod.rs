//! What several tests need.

#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod mlp_oracle;
pub(crate) mod reference;
