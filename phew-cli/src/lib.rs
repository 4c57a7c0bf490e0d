//! The `phew` command as a library: every command can be called from Rust, with its result as a struct.
//!
//! A command is a struct of its arguments ([`commands`]), read by [`parse`] from the words that would stand on the
//! command line. [`Command::run`] does the work and gives a [`Report`]; nothing is printed.
//!
//! ```
//! use phew_cli::commands::Verify;
//! use phew_cli::{Command, Report, parse};
//!
//! let verify: Verify = parse(["lemma3", "--scale", "small"])?;
//! let report = verify.run()?;
//! assert_eq!(report.claims[0].claim, "lemma3");
//! assert!(report.text().starts_with("lemma3"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`run`] is the program itself: it reads the process's command line, prints, and gives the exit code.

mod args;
mod cli;
pub mod collect;
mod command;
pub mod commands;
mod data_cache;
mod failure;
pub mod figure;
mod handover;
mod interrupt;
mod layers;
mod methods;
mod output;
pub mod page;
#[doc(hidden)]
pub mod parsers;
#[cfg(feature = "train")]
mod patience;
mod progress;
mod reproduce;
mod stderr;
mod sweep;

pub use cli::{Phew, command_line, run};
pub use command::{Command, Example, Program, Report, parse};
pub use failure::exit_code;
pub use layers::LayerRow;
