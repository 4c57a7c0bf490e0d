//! Ctrl-C and termination: long work stops at its next step, and no half-written file remains.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::Interrupted;

static ASKED: AtomicBool = AtomicBool::new(false);

/// Whether the work at hand has no steps to stop between.
static AT_ONCE: AtomicBool = AtomicBool::new(false);

/// From now on the first signal asks to stop; a second one ends the process at once.
pub(crate) fn install() -> anyhow::Result<()> {
    let handler = || {
        let again = ASKED.swap(true, Ordering::SeqCst);
        if AT_ONCE.load(Ordering::SeqCst) {
            eprintln!("phew: {Interrupted}");
        } else if !again {
            return;
        }
        phew_graph::discard_temporaries();
        std::process::exit(130);
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

/// The same for work that asks after each step whether to go on.
pub(crate) fn flow() -> ControlFlow<()> {
    if asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// Does work that writes nothing and asks nobody whether to go on: a signal ends the process in its midst.
pub(crate) fn at_once<T>(work: impl FnOnce() -> T) -> anyhow::Result<T> {
    AT_ONCE.store(true, Ordering::SeqCst);
    // A signal from before has asked and waits for its answer.
    check()?;
    let done = work();
    AT_ONCE.store(false, Ordering::SeqCst);
    check()?;
    Ok(done)
}
