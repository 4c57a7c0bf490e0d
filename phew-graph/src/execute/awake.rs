//! Threads that stay awake while there is more to come.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::Yield;

/// Does work whose parts come in quick succession, with this many threads of the pool awake for them: one that sleeps takes
/// as long to wake, some 50 µs, as a part takes.
///
/// Between two parts the threads give way to whatever else the machine has to do.
pub(super) fn with_threads_awake(threads: usize, work: impl FnOnce() + Send) {
    if threads < 2 {
        return work();
    }
    let done = AtomicBool::new(false);
    rayon::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|_| {
                while !done.load(Ordering::Acquire) {
                    if rayon::yield_now() != Some(Yield::Executed) {
                        std::thread::yield_now();
                    }
                }
            });
        }
        let guard = Done(&done);
        work();
        drop(guard);
    });
}

/// Says that the work is done, however it ends.
struct Done<'d>(&'d AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}
