//! phew-walk.
