//! stdout and stderr that cannot be written to: no message ends a run, and no result is lost without a word.
#![cfg(target_os = "linux")]

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::{command, folder, json, stdout};

/// A disk without room.
fn full() -> File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

/// phew with a descriptor closed, as a shell does it: `2>&-`.
fn closed(folder: &Path, descriptor: u8, line: &str) -> Command {
    let script = format!("exec \"$0\" \"$@\" {descriptor}>&-");
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(script).arg(assert_cmd::cargo::cargo_bin!("phew")).current_dir(folder);
    shell.args(line.split_whitespace());
    shell
}

#[test]
fn exit_codes_are_the_same_where_no_message_can_be_written() {
    let folder = folder();
    let at = folder.path();
    for (line, code) in [
        ("init --arch lenet-5 -o no/where", 2),
        ("inspect --arch none.toml", 1),
        ("wilt", 2),
        ("prune --arch lenet-5 --density 0.1 --method random -o m --force", 0),
        ("verify lemma3 --scale small", 0),
    ] {
        let status = command(at, line).stdout(Stdio::null()).stderr(full()).status().unwrap();
        assert_eq!(status.code(), Some(code), "{line}");
        let output = closed(at, 2, line).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{line}");
    }
}

#[test]
fn a_signal_ends_a_command_that_cannot_say_so() {
    let folder = folder();
    let line = "verify --scale paper";
    let mut child =
        command(folder.path(), line).stdout(Stdio::null()).stderr(full()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(2));
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_result_that_cannot_be_printed_fails_once_the_files_are_whole() {
    let folder = folder();
    let at = folder.path();
    let line = "prune --arch lenet-5 --density 0.1,0.2 -o m";
    let output = command(at, line).stdout(full()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("phew: stdout: No space left"), "{stderr}");
    for mask in ["m-0.1", "m-0.2"] {
        json(at, &format!("inspect --arch lenet-5 --mask {mask} --json"));
    }
    for line in ["--help", "help prune", "--version"] {
        let status = command(at, line).stdout(full()).stderr(Stdio::null()).status().unwrap();
        assert_eq!(status.code(), Some(1), "{line}");
    }
}

#[test]
fn a_reader_that_has_gone_away_is_no_failure() {
    let folder = folder();
    let at = folder.path();
    assert!(closed(at, 1, "init --arch lenet-5 -o w").status().unwrap().success());
    stdout(at, "inspect --arch lenet-5 --metrics --weights w");
    let mut child = command(at, "prune --arch lenet-5 --density 0.1 -o m")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
    assert!(at.join("m").exists());
}

#[cfg(feature = "train")]
#[test]
fn training_goes_on_where_no_message_can_be_written() {
    let folder = folder();
    let at = folder.path();
    let text = "about = 'a test'\narch = 'mlp-784-10'\nepochs = 2\nbatch = 50\n\
         [data]\nset = 'digits'\ndraw = { train = 500, test = 200 }\n\
         [optimiser]\nkind = 'sgd'\n[schedule]\nrate = 0.05\n";
    std::fs::write(at.join("r.toml"), text).unwrap();
    stdout(at, "prune --arch mlp-784-10 --density 0.5 --init-seed 9 -o m");
    // Of other weights: there is something to warn of.
    let line = "train --recipe r.toml --mask m -o full";
    let mut child = command(at, line);
    let status = child.stdout(Stdio::null()).stderr(full()).status().unwrap();
    assert!(status.success() && at.join("full/result.json").exists());
    let line = "train --recipe r.toml --seeds 1,2 --prune at:5 --density 0.5 -o closed";
    assert!(closed(at, 2, line).stdout(Stdio::null()).status().unwrap().success());
    assert!(at.join("closed/seed-2/result.json").exists());
}
