//! The binary, end to end: results, exit codes, bad input.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test stops at the first surprise, and says what it skips"
)]

mod command;
mod common;
mod compact;
mod execute;
#[cfg(feature = "train")]
mod experiments;
mod exports;
mod extremes;
mod files;
#[cfg(all(unix, not(feature = "train")))]
mod handover;
mod help;
mod layers;
mod lists;
mod outputs;
mod pack;
mod provenance;
mod reported;
mod reproduce;
mod rivals;
mod signals;
mod streams;
mod sweep;
mod tables;
#[cfg(unix)]
mod terminal;
mod theory;
mod tied;
#[cfg(feature = "train")]
mod train;
mod transform;
