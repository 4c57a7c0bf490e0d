//! Signals, alone and in pairs: whoever sends them, work stops as the table in the README says.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{folder, refuses_by_shell};

/// What a terminal, a shell or a scheduler sends to stop a job.
const SIGNALS: [&str; 6] = ["INT", "TERM", "HUP", "USR1", "USR2", "XCPU"];

/// Within which signals come that are sent in a row.
const GAP: Duration = Duration::from_millis(20);

/// Stops at each of a million steps.
const STEPS: &str =
    "prune --arch lenet-300-100 --method synflow --schedule linear:1000000 --density 0.1 -o m";

/// phew behind another program that execs it: `env` or a shell.
fn behind(folder: &Path, program: &[&str], line: &str) -> Command {
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).arg(assert_cmd::cargo::cargo_bin!("phew"));
    command.args(line.split_whitespace()).current_dir(folder);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    #[cfg(not(feature = "train"))]
    command.env("PHEW_TORCH", "none");
    command
}

/// phew with the signals as a shell's foreground has them, whatever the test itself was started with.
fn start(folder: &Path, line: &str) -> Child {
    let mut child = behind(folder, &["env", "--default-signal"], line).spawn().unwrap();
    wait_until(&mut child, listens);
    child
}

fn wait_until(child: &mut Child, ready: impl Fn(u32) -> bool) {
    let started = Instant::now();
    while !ready(child.id()) {
        assert!(child.try_wait().unwrap().is_none(), "it was faster than the test");
        assert!(started.elapsed() < Duration::from_secs(120), "it does not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a process has its handlers: that of the last of them, XCPU.
fn listens(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> 23 & 1 == 1
}

fn send(child: &Child, signal: &str) {
    let line = [format!("-{signal}"), child.id().to_string()];
    assert!(Command::new("kill").args(line).status().unwrap().success());
}

fn send_both(child: &Child, (first, second): (&str, &str)) {
    send(child, first);
    std::thread::sleep(GAP);
    // The first may have ended it by then: it stays known to the system until it is waited for.
    send(child, second);
}

fn pairs() -> impl Iterator<Item = (&'static str, &'static str)> {
    SIGNALS.into_iter().flat_map(|first| SIGNALS.map(move |second| (first, second)))
}

#[test]
fn every_pair_of_signals_ends_a_command_with_its_code() {
    let folder = folder();
    let mut children: Vec<_> = pairs().map(|pair| (pair, start(folder.path(), STEPS))).collect();
    for (pair, child) in &children {
        send_both(child, *pair);
    }
    for (pair, child) in &mut children {
        assert_eq!(child.wait().unwrap().code(), Some(130), "{pair:?}");
    }
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}

#[test]
fn what_was_ignored_from_the_start_stays_ignored() {
    let folder = folder();
    for signal in ["HUP", "INT"] {
        let ignoring = format!("trap '' {signal}; exec \"$0\" \"$@\"");
        let mut child = behind(folder.path(), &["sh", "-c", &ignoring], STEPS).spawn().unwrap();
        wait_until(&mut child, listens);
        send_both(&child, (signal, signal));
        std::thread::sleep(Duration::from_millis(300));
        assert!(child.try_wait().unwrap().is_none(), "{signal} ended it");
        send(&child, "TERM");
        assert_eq!(child.wait().unwrap().code(), Some(130), "{signal}");
    }
}

#[test]
fn a_file_beyond_the_limit_of_a_file_is_an_error_like_any_other() {
    let folder = folder();
    let line = "init --arch lenet-300-100 -o w";
    refuses_by_shell(folder.path(), "ulimit -f 8", line, 1, &["phew: w: File too large"]);
}

#[cfg(feature = "train")]
mod training {
    use super::*;
    use crate::common::{json, stdout};

    fn recipe(folder: &Path) {
        let text = "about = 'a test'\narch = 'mlp-784-30-10'\nepochs = 100000\nbatch = 50\n\
             [data]\nset = 'digits'\ndraw = { train = 500, test = 50 }\n\
             [optimiser]\nkind = 'sgd'\n[schedule]\nrate = 0.01\n";
        std::fs::write(folder.join("r.toml"), text).unwrap();
    }

    /// Waits until a run has done an epoch.
    fn trains(child: &mut Child, run: &Path) {
        let metrics = || std::fs::read_to_string(run.join("metrics.jsonl")).unwrap_or_default();
        wait_until(child, |_| !metrics().is_empty());
    }

    #[test]
    fn every_pair_but_two_of_ctrl_c_ends_a_training_with_a_checkpoint() {
        let folder = folder();
        let at = folder.path();
        recipe(at);
        // As they come from schedulers, terminals and people; the other orders are a command's, above.
        for pair in [
            ("TERM", "TERM"),
            ("TERM", "HUP"),
            ("HUP", "TERM"),
            ("HUP", "HUP"),
            ("USR1", "TERM"),
            ("USR2", "TERM"),
            ("XCPU", "XCPU"),
            ("INT", "TERM"),
            ("TERM", "INT"),
            ("INT", "HUP"),
        ] {
            let run = at.join(format!("{}-{}", pair.0, pair.1));
            let line = "--threads 1 train --recipe r.toml --checkpoint-every 100000 -o";
            let mut child = start(at, &format!("{line} {}", run.display()));
            trains(&mut child, &run);
            send_both(&child, pair);
            assert_eq!(child.wait().unwrap().code(), Some(75), "{pair:?}");
            assert!(run.join("checkpoint.safetensors").exists(), "{pair:?}");
        }
    }

    #[test]
    fn one_long_step_of_draws_stops_between_two_of_them() {
        let folder = folder();
        let line = "prune --arch mlp-20-10 --method ntk-sap --draws 100000000 --density 0.5 -o m";
        let mut child = start(folder.path(), line);
        std::thread::sleep(Duration::from_millis(500));
        send(&child, "TERM");
        let sent = Instant::now();
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert!(sent.elapsed() < Duration::from_secs(10));
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn a_second_ctrl_c_leaves_while_the_first_still_waits() {
        let folder = folder();
        let at = folder.path();
        recipe(at);
        // Drawing so many images takes minutes, and nothing stops in its midst.
        let line = "--threads 1 train --recipe r.toml --train-images 2000000 -o run";
        let mut child = start(at, line);
        send(&child, "INT");
        std::thread::sleep(Duration::from_millis(300));
        assert!(child.try_wait().unwrap().is_none(), "the first Ctrl-C ended it");
        send(&child, "INT");
        let sent = Instant::now();
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert!(sent.elapsed() < Duration::from_secs(10));
        assert!(!at.join("run").exists());
    }

    #[test]
    fn signals_in_a_row_end_a_sweep_with_checkpoints_and_it_goes_on() {
        let folder = folder();
        let at = folder.path();
        recipe(at);
        let plan = "name = 'pairs'\nmeasure = ['accuracy']\n\
             [settings]\nrecipe = 'r.toml'\nmethod = 'dense'\nepochs = 100000\n\
             [axes]\nseed = [0, 1]\n";
        std::fs::write(at.join("plan.toml"), plan).unwrap();
        let runs = || {
            let jobs = at.join("s/jobs").read_dir().ok();
            let jobs = jobs.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
            jobs.map(|job| job.join("run")).filter(|run| run.join("metrics.jsonl").exists())
        };
        for pair in [("TERM", "HUP"), ("HUP", "TERM"), ("TERM", "TERM")] {
            let mut child = start(at, "--threads 2 sweep plan.toml --parallel 2 -o s");
            wait_until(&mut child, |_| runs().count() == 2);
            send_both(&child, pair);
            assert_eq!(child.wait().unwrap().code(), Some(75), "{pair:?}");
            assert_eq!(runs().filter(|run| run.join("checkpoint.safetensors").exists()).count(), 2);
        }
        let status = json(at, "sweep status s --json");
        assert_eq!(status["tools"]["train"]["done"], 0, "{status}");
    }

    #[test]
    fn a_terminal_that_closes_leaves_a_checkpoint() {
        let folder = folder();
        let at = folder.path();
        recipe(at);
        let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.venv/bin/python");
        if !python.exists() {
            eprintln!("skipped: no {} (`make setup` makes it)", python.display());
            return;
        }
        let script = "import os, pty, signal, sys\n\
             pid, terminal = pty.fork()\n\
             if pid == 0:\n    signal.signal(signal.SIGHUP, signal.SIG_DFL)\n    os.execv(sys.argv[1], sys.argv[1:])\n\
             seen = lambda: os.path.exists('run/metrics.jsonl') and os.path.getsize('run/metrics.jsonl')\n\
             while not seen(): os.read(terminal, 4096)\n\
             os.close(terminal)\n\
             print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n";
        let phew = assert_cmd::cargo::cargo_bin!("phew");
        let mut command = Command::new(python);
        command.current_dir(at).args(["-c", script]).arg(phew);
        command.args("train --recipe r.toml -o run".split_whitespace());
        let output = command.output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), "75");
        assert!(at.join("run/checkpoint.safetensors").exists());
        // It goes on to its end.
        stdout(at, "train --recipe r.toml -o other --epochs 1");
    }
}
