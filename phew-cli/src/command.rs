//! What a command is: a name, arguments, a result, and a line in the table of all commands.

use clap::builder::Styles;
use clap::{ArgMatches, Args};
use phew_graph::SCHEMA;
use serde::Serialize;

use crate::output;

/// The result of a command, for people and for machines.
pub trait Report: Serialize {
    /// The text that goes to stdout.
    fn text(&self) -> String;

    /// Whether its lines may be broken where the terminal ends: not those of a file that is printed, or of commands.
    fn is_prose(&self) -> bool {
        true
    }

    /// One JSON object on one line, which says of what schema and version it is; of a report that is a list of results, one on each line.
    ///
    /// # Errors
    /// If the result cannot be written as JSON.
    fn json(&self) -> serde_json::Result<String> {
        record(self)
    }

    /// Prints it to stdout.
    ///
    /// # Errors
    /// As [`Report::json`], and if stdout cannot be written to.
    fn print(&self, json: bool) -> anyhow::Result<()> {
        match json {
            true => output::text(&self.json()?),
            false if self.is_prose() => output::prose(&self.text()),
            false => output::text(&self.text()),
        }
    }
}

/// A result as one line of JSON, with the version of phew and that of the fields.
pub(crate) fn record<R: Report + ?Sized>(report: &R) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct Record<'a, R: ?Sized> {
        schema: u32,
        version: &'static str,
        #[serde(flatten)]
        report: &'a R,
    }
    let (schema, version) = (SCHEMA, env!("CARGO_PKG_VERSION"));
    Ok(serde_json::to_string(&Record { schema, version, report })? + "\n")
}

/// What a command line does, and the line.
pub type Example = (&'static str, &'static str);

/// A command: its arguments, and what it does with them.
pub trait Command: Args {
    /// Its name on the command line.
    const NAME: &'static str;

    /// Command lines that show what it is for, each with what it does; those of a subcommand stand in its help too.
    const EXAMPLES: &'static [Example];

    /// What it finds out.
    type Report: Report;

    /// Does the work. Progress and warnings go to stderr, nothing to stdout.
    ///
    /// # Errors
    /// Whatever goes wrong; [`crate::exit_code`] says of which kind it is.
    fn run(&self) -> anyhow::Result<Self::Report>;

    /// Does the work and prints the result.
    ///
    /// # Errors
    /// As [`Command::run`], and if stdout cannot be written to.
    fn print(&self, json: bool) -> anyhow::Result<()> {
        self.run()?.print(json)
    }

    /// Whether libtorch computes for long, so that its threads should sleep while they wait.
    fn uses_libtorch(&self) -> bool {
        false
    }
}

/// A program, for the commands that describe it.
pub trait Program {
    /// What it accepts, all its commands among it.
    fn command_line() -> clap::Command;
}

/// A command that was read from the command line.
pub(crate) trait Job {
    /// As [`Command::print`].
    fn print(&self, json: bool) -> anyhow::Result<()>;

    /// Does the work, as [`Command::run`]: the result as JSON.
    fn value(&self) -> anyhow::Result<serde_json::Value>;

    /// As [`Command::uses_libtorch`].
    fn uses_libtorch(&self) -> bool;
}

impl<C: Command> Job for C {
    fn print(&self, json: bool) -> anyhow::Result<()> {
        Command::print(self, json)
    }

    fn value(&self) -> anyhow::Result<serde_json::Value> {
        Ok(serde_json::to_value(Command::run(self)?)?)
    }

    fn uses_libtorch(&self) -> bool {
        Command::uses_libtorch(self)
    }
}

/// A line of the table of commands.
pub(crate) struct Entry {
    /// The command's name.
    pub(crate) name: &'static str,
    /// Its arguments and help, for clap.
    pub(crate) arguments: fn() -> clap::Command,
    /// The command itself, from what clap has read.
    pub(crate) read: fn(&ArgMatches) -> Result<Box<dyn Job>, clap::Error>,
}

/// The line of a command.
pub(crate) const fn entry<C: Command + 'static>() -> Entry {
    Entry {
        name: C::NAME,
        arguments: arguments::<C>,
        read: |matches| Ok(Box::new(C::from_arg_matches(matches)?)),
    }
}

/// The arguments of a command, with its examples at the end of the help.
fn arguments<C: Command>() -> clap::Command {
    let command = C::augment_args(clap::Command::new(C::NAME));
    let command = command.after_help(examples(C::EXAMPLES.iter()));
    command.mut_subcommands(|subcommand| {
        let start = format!("phew {} {}", C::NAME, subcommand.get_name());
        let calls = |line: &str| {
            line.strip_prefix(&start).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        };
        let own = examples(C::EXAMPLES.iter().filter(|(_, line)| calls(line)));
        subcommand.after_help(own)
    })
}

fn examples<'a>(examples: impl Iterator<Item = &'a Example>) -> String {
    let lines: String = examples.map(|(what, line)| format!("\n  # {what}\n  {line}")).collect();
    if lines.is_empty() {
        return lines;
    }
    let styles = Styles::styled();
    let head = styles.get_header();
    format!("{head}Examples:{head:#}{lines}")
}

/// A command from its arguments, as they stand behind its name on the command line.
///
/// ```
/// use phew_cli::{Command, commands::Inspect, parse};
///
/// let inspect: Inspect = parse(["--arch", "lenet-5"])?;
/// assert_eq!(inspect.run()?.kept, 61_470);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`clap::Error`] if they are not those of the command.
pub fn parse<C: Command>(
    arguments: impl IntoIterator<Item = impl Into<std::ffi::OsString> + Clone>,
) -> Result<C, clap::Error> {
    let command = C::augment_args(clap::Command::new(C::NAME)).no_binary_name(true);
    C::from_arg_matches(&command.try_get_matches_from(arguments)?)
}
