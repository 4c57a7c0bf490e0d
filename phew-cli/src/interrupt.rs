//! Signals: one handler for all that ask a program to stop. Long work stops at its next step, and no half-written file
//! remains.
//!
//! | signal | who sends it | what happens |
//! |---|---|---|
//! | `INT` | Ctrl-C | stop at the next step; a second one ends the process at once |
//! | `TERM`, `HUP` | `kill`, a terminal that closes, a scheduler | stop at the next step |
//! | `USR1`, `USR2`, `XCPU` | a scheduler before its limit | stop at the next step |
//! | `XFSZ` | the limit of a file's size | the write fails, which is an error like any other |
//! | `PIPE` | a reader that has gone away | nothing: the write fails, and messages are dropped |
//! | `BUS` | the system, where a mapped file was cut short | the process ends with 1 and says so |
//!
//! What was ignored when the process began stays ignored: `HUP` under `nohup`, `INT` in a shell's background. Work that
//! writes nothing and has no steps ends in its midst. All others keep what the system does with them.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use crate::failure::Interrupted;
use crate::stderr;

/// Whether a signal asked to stop.
static ASKED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// Set while the work at hand has no steps to stop between.
static AT_ONCE: AtomicBool = AtomicBool::new(false);

/// Set where several works go side by side, of which none may end the others in their midst.
static SIDE_BY_SIDE: AtomicBool = AtomicBool::new(false);

/// Set while partial downloads are written, which are kept.
static DOWNLOADING: AtomicBool = AtomicBool::new(false);

/// The exit code of a process that was interrupted.
const CODE: u8 = 130;

/// From now on signals ask to stop.
///
/// # Errors
/// If the system does not let signals be caught.
pub(crate) fn install() -> anyhow::Result<()> {
    system::install()
}

/// What a signal does. `interrupted` says that it is a Ctrl-C.
fn received(interrupted: bool) {
    static INTERRUPTED: AtomicBool = AtomicBool::new(false);
    let again = interrupted && INTERRUPTED.swap(true, Ordering::SeqCst);
    ASKED.store(true, Ordering::SeqCst);
    if again {
        leave(None);
    }
    if AT_ONCE.load(Ordering::SeqCst) && !SIDE_BY_SIDE.load(Ordering::SeqCst) {
        if DOWNLOADING.load(Ordering::SeqCst) {
            leave(Some("interrupted; what was downloaded is kept".to_owned()));
        }
        leave(Some(Interrupted.to_string()));
    }
}

/// Ends the process in its midst: without what libraries want to do at an exit, since other threads still work with them.
fn leave(message: Option<String>) -> ! {
    stderr::clear_bars();
    phew_graph::discard_temporaries();
    system::about_to_leave();
    if let Some(message) = message {
        stderr::warn(message);
    }
    system::exit(CODE)
}

/// Whether a signal asked to stop.
fn asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// Set by the first signal: for work that stops at a checkpoint.
pub(crate) fn checkpoint_flag() -> Arc<AtomicBool> {
    Arc::clone(&ASKED)
}

/// From now on no signal but a second Ctrl-C ends the process in the midst of one work, since others go on beside it. The
/// flag is set by the first signal.
pub(crate) fn side_by_side() -> Arc<AtomicBool> {
    SIDE_BY_SIDE.store(true, Ordering::SeqCst);
    checkpoint_flag()
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
pub(crate) fn at_once_downloading<T>(work: impl FnOnce() -> T) -> anyhow::Result<T> {
    DOWNLOADING.store(true, Ordering::SeqCst);
    let done = at_once(work);
    DOWNLOADING.store(false, Ordering::SeqCst);
    done
}

#[cfg(unix)]
mod system {
    use std::ffi::c_int;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, LazyLock};

    use anyhow::Context;
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ};
    use signal_hook::iterator::Signals;

    use super::{CODE, received};

    /// What a terminal, a shell or a scheduler sends to stop a job.
    const SIGNALS: [c_int; 6] = [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU];

    /// Whether the process is about to end: then a Ctrl-C ends it within the signal's handler, lest it wait for a
    /// terminal that takes no message.
    static LEAVING: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

    pub(super) fn install() -> anyhow::Result<()> {
        let catch = || "signals cannot be caught";
        let signals = SIGNALS.into_iter().filter(|&signal| !is_ignored(signal));
        let signals: Vec<c_int> = signals.collect();
        if signals.contains(&SIGINT) {
            let leaving = Arc::clone(&LEAVING);
            signal_hook::flag::register_conditional_shutdown(SIGINT, CODE.into(), leaving)
                .with_context(catch)?;
        }
        if !is_ignored(SIGXFSZ) {
            // Nobody asks: that it is caught makes the write fail.
            signal_hook::flag::register(SIGXFSZ, Arc::default()).with_context(catch)?;
        }
        explain_cut_maps().with_context(catch)?;
        let mut signals = Signals::new(signals).with_context(catch)?;
        let listen = move || signals.forever().for_each(|signal| received(signal == SIGINT));
        std::thread::Builder::new().name("signals".to_owned()).spawn(listen).with_context(catch)?;
        Ok(())
    }

    /// Ends the process with a message where a map has lost its file.
    #[expect(unsafe_code, reason = "nothing that needs more than the handler itself may run there")]
    fn explain_cut_maps() -> std::io::Result<()> {
        const MESSAGE: &[u8] = b"phew: a file was cut short while it was read\n";
        let explain = || {
            // SAFETY: `write` may be called in a handler; the bytes live as long as the program.
            unsafe { libc::write(libc::STDERR_FILENO, MESSAGE.as_ptr().cast(), MESSAGE.len()) };
            signal_hook::low_level::exit(1)
        };
        // SAFETY: the action calls what POSIX lets a handler call, `write` and `_exit`, and neither allocates nor locks.
        unsafe { signal_hook::low_level::register(libc::SIGBUS, explain) }?;
        Ok(())
    }

    /// Whether the process was begun with the signal ignored.
    #[expect(unsafe_code, reason = "the standard library cannot ask, and POSIX has no other way")]
    fn is_ignored(signal: c_int) -> bool {
        // SAFETY: a `sigaction` of zeros is a valid value; the call changes nothing where the new action is null, and
        // fills in the old one, which lives until after the call.
        let handler = unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            match libc::sigaction(signal, std::ptr::null(), &raw mut action) {
                0 => action.sa_sigaction,
                _ => libc::SIG_DFL,
            }
        };
        handler == libc::SIG_IGN
    }

    pub(super) fn about_to_leave() {
        LEAVING.store(true, Ordering::SeqCst);
    }

    pub(super) fn exit(code: u8) -> ! {
        signal_hook::low_level::exit(code.into())
    }
}

#[cfg(not(unix))]
mod system {
    pub(super) fn install() -> anyhow::Result<()> {
        Ok(ctrlc::set_handler(|| super::received(true))?)
    }

    pub(super) fn about_to_leave() {}

    pub(super) fn exit(code: u8) -> ! {
        std::process::exit(code.into())
    }
}
