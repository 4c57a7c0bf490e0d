//! The binary, end to end: results, exit codes, bad input.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod command;
mod common;
mod execute;
#[cfg(feature = "train")]
mod experiments;
mod extremes;
mod files;
#[cfg(all(unix, not(feature = "train")))]
mod handover;
mod help;
mod lists;
mod outputs;
mod reproduce;
mod rivals;
mod signals;
mod streams;
mod sweep;
mod theory;
#[cfg(feature = "train")]
mod train;
mod transform;
