//! The `phew-torch` program: `phew` with libtorch. `phew` starts it for what needs libtorch.

use std::process::ExitCode;

fn main() -> ExitCode {
    phew_cli::run()
}
