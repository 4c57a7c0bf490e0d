//! Threads that stay awake while there is more to come.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::Yield;

thread_local! {
    /// Works of [`with_threads_awake`] that this thread leads.
    static LED: Cell<usize> = const { Cell::new(0) };
}

/// Does work whose parts come in quick succession, with this many threads of the pool awake for them: one that sleeps takes
/// as long to wake, some 50 µs, as a part takes.
///
/// Between two parts the threads give way to whatever else the machine has to do.
///
/// No thread waits for work that it leads itself, or that waits for it: one that leads some and is handed the waiting for
/// another, while it looks for something to do, leaves it at once. So who waits leads nothing that began before.
pub(super) fn with_threads_awake(threads: usize, work: impl FnOnce() + Send) {
    if threads < 2 {
        return work();
    }
    let done = AtomicBool::new(false);
    rayon::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|_| stay_awake(&done));
        }
        let _led = Led::new(&done);
        work();
    });
}

/// Does what there is to do until the work is done.
fn stay_awake(done: &AtomicBool) {
    while LED.get() == 0 && !done.load(Ordering::Acquire) {
        if rayon::yield_now() != Some(Yield::Executed) {
            std::thread::yield_now();
        }
    }
}

/// Work that this thread leads: done when this is dropped, however it ends.
struct Led<'d>(&'d AtomicBool);

impl<'d> Led<'d> {
    fn new(done: &'d AtomicBool) -> Self {
        LED.set(LED.get() + 1);
        Self(done)
    }
}

impl Drop for Led<'_> {
    fn drop(&mut self) {
        LED.set(LED.get() - 1);
        self.0.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use rayon::prelude::*;

    use super::*;

    #[test]
    fn works_side_by_side_and_within_each_other_all_end() {
        for threads in [1, 2, 3, 8] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let parts = AtomicUsize::new(0);
            let work = || {
                for _ in 0..50 {
                    (0..4).into_par_iter().with_max_len(1).for_each(|_| {
                        std::thread::yield_now();
                        parts.fetch_add(1, Ordering::Relaxed);
                    });
                }
            };
            pool.install(|| {
                (0..40).into_par_iter().with_max_len(1).for_each(|number| {
                    with_threads_awake(1 + number % 4, || match number % 5 {
                        0 => with_threads_awake(3, work),
                        _ => work(),
                    });
                });
            });
            assert_eq!(parts.into_inner(), 40 * 50 * 4);
        }
    }

    #[test]
    fn a_panic_ends_the_waiting_too() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        let failing = || with_threads_awake(3, || panic!("a part failed"));
        let ended =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| pool.install(failing)));
        assert!(ended.is_err());
    }
}
