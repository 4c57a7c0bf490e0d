//! `phew man`: the help of all commands as manual pages.

use std::io::Write;
use std::marker::PhantomData;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use clap_mangen::Man as Page;
use phew_graph::{GraphError, write_atomically};
use serde::Serialize;

use crate::args::{check_output, overwrite};
use crate::command::{Command, Example, Program, Report};

/// Write the manual pages: one for phew, and one for each command.
///
/// `man -l DIR/phew.1` shows a page; a folder man1 of the manual's path makes it known as `man phew`.
#[derive(Debug, Args)]
pub struct Man<P: Program> {
    /// Folder to write them to; it is made if it is not there
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// Replace pages that exist
    #[arg(long)]
    force: bool,

    #[arg(skip)]
    program: PhantomData<P>,
}

/// The pages that were written.
#[derive(Clone, Debug, Serialize)]
pub struct ManReport {
    /// Their files.
    pub pages: Vec<PathBuf>,
}

/// The pages of a command and of its subcommands, each with the name of its file.
fn pages(command: &clap::Command, pages: &mut Vec<(String, Vec<u8>)>) -> std::io::Result<()> {
    let page = Page::new(command.clone());
    let mut text = Vec::new();
    page.render(&mut text)?;
    pages.push((page.get_filename(), text));
    command.get_subcommands().try_for_each(|subcommand| self::pages(subcommand, pages))
}

impl<P: Program> Command for Man<P> {
    const NAME: &'static str = "man";
    const EXAMPLES: &'static [Example] = &[
        ("all pages into a folder, and one of them shown", "phew man pages/man1"),
        ("anew, after an update", "phew man pages/man1 --force"),
    ];
    type Report = ManReport;

    fn run(&self) -> anyhow::Result<ManReport> {
        let mut line = P::command_line().disable_help_subcommand(true);
        line.build();
        let mut all = Vec::new();
        pages(&line, &mut all)?;
        std::fs::create_dir_all(&self.folder).with_context(|| self.folder.display().to_string())?;
        let file = |(name, page)| (self.folder.join(name), page);
        let files: Vec<(PathBuf, Vec<u8>)> = all.into_iter().map(file).collect();
        files.iter().try_for_each(|(path, _)| check_output(path, self.force))?;
        for (path, page) in &files {
            write_atomically(path, overwrite(self.force), |out| {
                out.write_all(page).map_err(|source| GraphError::Io { path: path.clone(), source })
            })?;
        }
        Ok(ManReport { pages: files.into_iter().map(|(path, _)| path).collect() })
    }
}

impl Report for ManReport {
    fn text(&self) -> String {
        self.pages.iter().map(|page| format!("{}\n", page.display())).collect()
    }
}
