//! The `phew` command: sparse neural networks before training.
//!
//! Results go to stdout, as a table or with `--json` as one object; progress and errors go to stderr. The exit
//! code is 0 when all is done, 1 when something failed, 2 when the request itself is wrong, 75 when a training run
//! was asked to stop and can go on, 130 when anything else was interrupted.

mod args;
mod commands;
mod failure;
mod interrupt;
mod layers;
mod methods;
mod metrics;
mod output;
#[cfg(feature = "train")]
mod patience;
mod progress;

use std::process::ExitCode;

use clap::Parser;

use commands::Command;

/// Sparse neural networks before training, from the initial weights alone.
#[derive(Debug, Parser)]
#[command(name = "phew", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Threads to use; all cores by default. No result depends on it but that of `train`, in its last bits
    #[arg(long, global = true, value_name = "N")]
    threads: Option<std::num::NonZeroUsize>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    #[cfg(feature = "train")]
    if cli.command.trains() {
        patience::begin();
    }
    let done = set_up(&cli).and_then(|()| cli.command.run());
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error),
    }
}

fn set_up(cli: &Cli) -> anyhow::Result<()> {
    interrupt::install()?;
    if let Some(threads) = cli.threads {
        rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build_global()?;
        #[cfg(feature = "train")]
        phew_train::set_threads(threads.get());
    }
    Ok(())
}
