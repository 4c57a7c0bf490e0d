//! `phew completions`: what a shell needs to complete phew's command line.

use std::marker::PhantomData;

use clap::Args;
use clap_complete::{Shell, generate};
use serde::Serialize;

use crate::command::{Command, Example, Program, Report};

/// Print the completions of a shell.
///
/// The script goes to stdout: where the shell looks for it depends on the shell and on the system.
#[derive(Debug, Args)]
pub struct Completions<P: Program> {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,

    #[arg(skip)]
    program: PhantomData<P>,
}

/// A script for a shell.
#[derive(Clone, Debug, Serialize)]
pub struct CompletionsReport {
    /// The shell.
    pub shell: String,
    /// The script.
    pub script: String,
}

impl<P: Program> Command for Completions<P> {
    const NAME: &'static str = "completions";
    const EXAMPLES: &'static [Example] = &[
        ("for bash, in one's own folder", "phew completions bash > phew.bash"),
        ("for fish", "phew completions fish > phew.fish"),
    ];
    type Report = CompletionsReport;

    fn run(&self) -> anyhow::Result<CompletionsReport> {
        let mut script = Vec::new();
        generate(self.shell, &mut P::command_line(), "phew", &mut script);
        let script = String::from_utf8(script)?;
        Ok(CompletionsReport { shell: self.shell.to_string(), script })
    }
}

impl Report for CompletionsReport {
    fn text(&self) -> String {
        self.script.clone()
    }

    fn is_prose(&self) -> bool {
        false
    }
}
