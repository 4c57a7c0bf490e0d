//! Ctrl-C and termination: long work stops at its next step, and no half-written file remains.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::failure::Interrupted;
use crate::stderr;

static ASKED: AtomicBool = AtomicBool::new(false);

/// Set while the work at hand has no steps to stop between.
static AT_ONCE: AtomicBool = AtomicBool::new(false);

/// Set where several works go side by side, of which none may end the others in their midst.
static SIDE_BY_SIDE: AtomicBool = AtomicBool::new(false);

/// What the first signal sets for those that stop at a checkpoint.
static CHECKPOINT: Mutex<Option<Arc<AtomicBool>>> = Mutex::new(None);

/// Set while partial downloads are written, which are kept.
static DOWNLOADING: AtomicBool = AtomicBool::new(false);

/// From now on the first signal asks to stop; a second one ends the process at once.
pub(crate) fn install() -> anyhow::Result<()> {
    let handler = || {
        let again = ASKED.swap(true, Ordering::SeqCst);
        if AT_ONCE.load(Ordering::SeqCst) && (again || !SIDE_BY_SIDE.load(Ordering::SeqCst)) {
            stderr::clear_bars();
            match DOWNLOADING.load(Ordering::SeqCst) {
                true => stderr::warn("interrupted; what was downloaded is kept"),
                false => stderr::warn(Interrupted),
            }
        } else if !again {
            return;
        }
        stderr::clear_bars();
        phew_graph::discard_temporaries();
        std::process::exit(130);
    };
    ctrlc::set_handler(handler)?;
    Ok(())
}

/// Whether a signal asked to stop.
fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// Set by the first signal that asks for a stop at a checkpoint: one flag for all who ask for it.
pub(crate) fn checkpoint_flag() -> anyhow::Result<Arc<AtomicBool>> {
    let mut known = CHECKPOINT.lock().unwrap_or_else(PoisonError::into_inner);
    let stop = match &*known {
        Some(stop) => Arc::clone(stop),
        None => {
            let stop = Arc::new(AtomicBool::new(false));
            let mut signals = vec![signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT];
            #[cfg(unix)]
            signals.push(signal_hook::consts::SIGUSR1);
            for signal in signals {
                signal_hook::flag::register(signal, Arc::clone(&stop))?;
            }
            known.insert(stop).clone()
        }
    };
    // One may have come before.
    stop.fetch_or(asked(), Ordering::SeqCst);
    Ok(stop)
}

/// From now on no signal ends the process in the midst of one work, since others go on beside it. The flag is set by
/// the first signal.
pub(crate) fn side_by_side() -> anyhow::Result<Arc<AtomicBool>> {
    SIDE_BY_SIDE.store(true, Ordering::SeqCst);
    checkpoint_flag()
}

/// Asks all work to stop, as a signal does that stops at checkpoints alone.
pub(crate) fn ask() {
    ASKED.store(true, Ordering::SeqCst);
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

/// The same for downloads, which keep what they have.
#[cfg(feature = "train")]
pub(crate) fn at_once_downloading<T>(work: impl FnOnce() -> T) -> anyhow::Result<T> {
    DOWNLOADING.store(true, Ordering::SeqCst);
    let done = at_once(work);
    DOWNLOADING.store(false, Ordering::SeqCst);
    done
}
