//! Ctrl-C and termination: long work stops at its next step, and no half-written file remains.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::Interrupted;

static ASKED: AtomicBool = AtomicBool::new(false);

/// From now on the first signal asks to stop; a second one ends the process at once.
pub(crate) fn install() -> anyhow::Result<()> {
    let handler = || {
        if ASKED.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    };
    ctrlc::set_handler(handler)?;
    Ok(())
}

/// Whether a signal asked to stop.
pub(crate) fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// Stops here if a signal asked to.
pub(crate) fn check() -> anyhow::Result<()> {
    if asked() { Err(Interrupted.into()) } else { Ok(()) }
}
