//! The `phew` command.
fn main() {}
