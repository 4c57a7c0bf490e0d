//! The command line as a whole: what it accepts, and the way from its words to an exit code.

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches};

use crate::command::{Entry, Job, Program, entry};
use crate::commands::{COMMANDS, Completions, Man};
#[cfg(feature = "train")]
use crate::patience;
use crate::{failure, handover, interrupt, output};

/// The heading of the options of all commands.
const HEADING: &str = "Options of all commands";

/// Threads at most: more than any machine has cores for, and less than any system refuses.
const MAX_THREADS: u64 = 1024;

/// Options of all commands.
#[derive(Debug, Args)]
#[command(next_help_heading = HEADING)]
struct Common {
    /// Threads to use; all cores by default. No result depends on it but that of `train`, in its last bits
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MAX_THREADS))]
    threads: Option<u64>,

    /// Print the result as JSON, one object on a line
    #[arg(long, global = true)]
    json: bool,

    /// Read files of more than 256 MiB into memory, where they are mapped otherwise: whoever writes to them meanwhile then
    /// changes nothing
    #[arg(long, global = true)]
    no_map: bool,

    /// Show all columns of tables, however narrow the terminal is
    #[arg(long, global = true)]
    wide: bool,
}

/// The program, for those of its commands that describe it.
#[derive(Debug)]
pub struct Phew;

impl Program for Phew {
    fn command_line() -> clap::Command {
        command_line()
    }
}

/// All commands, in the order of `phew help`.
fn entries() -> impl Iterator<Item = &'static Entry> {
    const DESCRIBING: &[Entry] = &[entry::<Completions<Phew>>(), entry::<Man<Phew>>()];
    COMMANDS.iter().chain(DESCRIBING)
}

/// The command line as clap knows it: what `phew` accepts, and its help.
#[must_use]
pub fn command_line() -> clap::Command {
    let help = Arg::new("help").short('h').long("help").action(ArgAction::Help).global(true);
    let version = Arg::new("version").short('V').long("version").action(ArgAction::Version);
    let line = clap::Command::new("phew")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Sparse neural networks before training, from the initial weights alone")
        .max_term_width(100)
        // Declared below, to stand under the same heading as the others.
        .disable_help_flag(true)
        .disable_version_flag(true)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(entries().map(|entry| (entry.arguments)()));
    #[cfg(not(feature = "train"))]
    let line = line.subcommands(handover::stubs());
    Common::augment_args(line)
        .arg(
            help.help_heading(HEADING).help("Print help: a summary with -h, all of it with --help"),
        )
        .arg(version.help_heading(HEADING).help("Print the version"))
}

/// Runs the process's command line to its end.
#[must_use]
pub fn run() -> ExitCode {
    let line = command_line().try_get_matches();
    #[cfg(not(feature = "train"))]
    if let Some(error) = handover::offer(&line) {
        return failure::report(&error);
    }
    let read = line.and_then(|matches| read(&matches));
    let (common, job) = match read {
        Ok(read) => read,
        Err(error) => {
            return match (error.print(), error.use_stderr()) {
                (_, true) => ExitCode::from(2),
                // Help and version are results.
                (printed, false) => exit(output::printed(printed)),
            };
        }
    };
    if job.uses_libtorch() {
        #[cfg(not(feature = "train"))]
        if let Some(error) = handover::offer_job() {
            return failure::report(&error);
        }
        #[cfg(feature = "train")]
        patience::begin();
    }
    exit(set_up(&common).and_then(|()| job.print(common.json)))
}

fn exit(done: anyhow::Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error),
    }
}

/// The options of all commands, and the command with its own.
fn read(matches: &ArgMatches) -> Result<(Common, Box<dyn Job>), clap::Error> {
    let common = Common::from_arg_matches(matches)?;
    let unknown = || clap::Error::new(ErrorKind::InvalidSubcommand);
    let (name, matches) = matches.subcommand().ok_or_else(unknown)?;
    let entry = entries().find(|entry| entry.name == name).ok_or_else(unknown)?;
    Ok((common, (entry.read)(matches)?))
}

fn set_up(common: &Common) -> anyhow::Result<()> {
    #[cfg(feature = "train")]
    handover::check_version()?;
    interrupt::install()?;
    output::set_width(common.wide);
    if common.no_map {
        phew_graph::map_files_above(u64::MAX);
    }
    if let Some(threads) = common.threads {
        rayon::ThreadPoolBuilder::new().num_threads(threads as usize).build_global()?;
        #[cfg(feature = "train")]
        phew_train::set_threads(threads as usize);
    }
    Ok(())
}

#[cfg(all(test, feature = "train"))]
mod tests {
    #[test]
    fn the_commands_of_the_program_with_libtorch_are_here_as_the_other_names_them() {
        let line = super::command_line();
        for (name, about) in crate::handover::COMMANDS {
            let command = line.find_subcommand(name).expect(name);
            assert_eq!(command.get_about().unwrap().to_string(), about);
        }
    }
}
