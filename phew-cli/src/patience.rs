//! Threads of libtorch that wait without burning their cores.
//!
//! Between two operations the threads of libgomp, which libtorch computes with, spin. Where others want the cores too,
//! the spinning makes training up to ten times slower; where nobody does, sleeping costs next to nothing. libgomp reads
//! `OMP_WAIT_POLICY` when it is loaded, which is before `main`: so the program sets it and starts itself once more.

/// Starts the program again with patient threads, unless the user has said how they should wait.
#[cfg(unix)]
pub(crate) fn begin() {
    use std::os::unix::process::CommandExt;

    const SAID: [&str; 3] = ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"];
    if SAID.iter().any(|name| std::env::var_os(name).is_some()) {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let mut arguments = std::env::args_os();
    let mut again = std::process::Command::new(program);
    if let Some(name) = arguments.next() {
        again.arg0(name);
    }
    // It comes back only if it could not be started: then all goes on as it is.
    let _ = again.args(arguments).env(SAID[0], "PASSIVE").exec();
}

/// Other systems have other threads.
#[cfg(not(unix))]
pub(crate) fn begin() {}
