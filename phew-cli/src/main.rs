//! The `phew` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    phew_cli::run()
}
