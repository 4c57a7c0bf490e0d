//! What goes to stdout: text for people, JSON for machines.

mod format;
mod width;
mod wrap;

use std::io::{ErrorKind, Write};

use anyhow::Context;

pub(crate) use format::{counted, grouped, histogram, listing, or_dash, percent, section, table};
pub(crate) use width::set as set_width;

/// Prints text as it is.
pub(crate) fn text(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    printed(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Prints text for people: lines that the terminal has no room for are broken between words.
pub(crate) fn prose(text: &str) -> anyhow::Result<()> {
    self::text(&wrap::wrapped(text))
}

/// What became of a write to stdout. A reader that has gone away (`| head`) is no failure.
pub(crate) fn printed(done: std::io::Result<()>) -> anyhow::Result<()> {
    match done {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done.context("stdout"),
    }
}
