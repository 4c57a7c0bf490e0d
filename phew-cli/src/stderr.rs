//! All that goes to stderr: messages and progress bars.
//!
//! They share one writer, so that no message is written into the middle of a bar, and that writer drops what cannot be
//! written: a terminal that is gone, a closed descriptor or a full disk must not end the work.

use std::cell::RefCell;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use console::Term;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, TermLike};

/// How often bars are drawn anew, in a second.
const REFRESH: u8 = 20;

static BARS: LazyLock<MultiProgress> = LazyLock::new(|| {
    let terminal = Term::buffered_stderr();
    MultiProgress::with_draw_target(match terminal.is_term() {
        true => ProgressDrawTarget::term_like_with_hz(Box::new(Lossy(terminal)), REFRESH),
        false => ProgressDrawTarget::hidden(),
    })
});

/// The bars that are shown; none are where stderr is no terminal.
pub(crate) fn bars() -> &'static MultiProgress {
    &BARS
}

/// What a work says that has no part of the terminal: its lines in a file, and how far it is.
#[derive(Debug)]
pub(crate) struct Aside {
    log: Option<File>,
    bar: Mutex<Option<ProgressBar>>,
}

thread_local! {
    static ASIDE: RefCell<Option<Arc<Aside>>> = const { RefCell::new(None) };
}

impl Aside {
    /// Lines go to the end of a file, or nowhere.
    pub(crate) fn new(log: Option<File>) -> Arc<Self> {
        Arc::new(Self { log, bar: Mutex::new(None) })
    }

    /// Does work whose thread has no part of the terminal.
    pub(crate) fn run<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> T {
        ASIDE.set(Some(Arc::clone(self)));
        let done = work();
        ASIDE.set(None);
        done
    }

    /// The part of the work that is done, where its bar says so.
    pub(crate) fn part(&self) -> Option<f64> {
        let bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = bar.as_ref()?;
        let length = bar.length().filter(|&length| length > 0)?;
        Some((bar.position() as f64 / length as f64).min(1.0))
    }
}

/// Takes a bar out of sight, if this thread has no part of the terminal.
pub(crate) fn hide(bar: &ProgressBar) -> bool {
    ASIDE.with_borrow(|aside| {
        let Some(aside) = aside else { return false };
        bar.set_draw_target(ProgressDrawTarget::hidden());
        *aside.bar.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
        true
    })
}

/// Writes a line, above the bars.
pub(crate) fn message(line: impl Display) {
    let line = format!("{line}\n");
    if let Some(aside) = ASIDE.with_borrow(Clone::clone) {
        let _ = aside.log.as_ref().map(|mut log| log.write_all(line.as_bytes()));
        return;
    }
    bars().suspend(|| {
        let _ = io::stderr().lock().write_all(line.as_bytes());
    });
}

/// Takes all bars off the terminal, for a process that is to end.
pub(crate) fn clear_bars() {
    let _ = bars().clear();
    bars().set_draw_target(ProgressDrawTarget::hidden());
}

/// Writes a warning or an error of the program.
pub(crate) fn warn(text: impl Display) {
    message(format_args!("phew: {text}"));
}

/// A terminal whose failures go unnoticed: where one fails, indicatif panics.
#[derive(Debug)]
struct Lossy<T>(T);

/// Forgets that a write failed.
#[expect(clippy::unnecessary_wraps, reason = "what the trait asks for")]
fn drop_failure(_: io::Result<()>) -> io::Result<()> {
    Ok(())
}

impl<T: TermLike> TermLike for Lossy<T> {
    fn width(&self) -> u16 {
        self.0.width()
    }

    fn height(&self) -> u16 {
        self.0.height()
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        drop_failure(self.0.move_cursor_up(n))
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        drop_failure(self.0.move_cursor_down(n))
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        drop_failure(self.0.move_cursor_right(n))
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        drop_failure(self.0.move_cursor_left(n))
    }

    fn write_line(&self, s: &str) -> io::Result<()> {
        drop_failure(self.0.write_line(s))
    }

    fn write_str(&self, s: &str) -> io::Result<()> {
        drop_failure(self.0.write_str(s))
    }

    fn clear_line(&self) -> io::Result<()> {
        drop_failure(self.0.clear_line())
    }

    fn flush(&self) -> io::Result<()> {
        drop_failure(self.0.flush())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A terminal that was closed.
    #[derive(Debug)]
    struct Closed;

    fn gone() -> io::Result<()> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    impl TermLike for Closed {
        fn width(&self) -> u16 {
            80
        }

        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            gone()
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            gone()
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            gone()
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            gone()
        }

        fn write_line(&self, _: &str) -> io::Result<()> {
            gone()
        }

        fn write_str(&self, _: &str) -> io::Result<()> {
            gone()
        }

        fn clear_line(&self) -> io::Result<()> {
            gone()
        }

        fn flush(&self) -> io::Result<()> {
            gone()
        }
    }

    #[test]
    fn bars_and_messages_survive_a_terminal_that_is_gone() {
        let target = ProgressDrawTarget::term_like(Box::new(Lossy(Closed)));
        let bars = MultiProgress::with_draw_target(target);
        let bar = bars.add(indicatif::ProgressBar::new(3));
        for _ in 0..3 {
            bar.inc(1);
            bar.tick();
            bar.suspend(|| ());
            bars.suspend(|| ());
        }
        bar.finish_and_clear();
    }
}
