//! How wide text may be.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Columns of a line; 0 while nobody has said.
static WIDTH: AtomicUsize = AtomicUsize::new(0);

/// Fits text to the terminal, if that is where stdout goes; `wide` leaves it as it is.
pub(crate) fn set(wide: bool) {
    let terminal = console::Term::stdout();
    let width = if wide || !terminal.is_term() { 0 } else { usize::from(terminal.size().1) };
    WIDTH.store(width, Ordering::Relaxed);
}

/// Columns of a line, where they are limited.
pub(super) fn limit() -> Option<usize> {
    Some(WIDTH.load(Ordering::Relaxed)).filter(|&width| width > 0)
}
