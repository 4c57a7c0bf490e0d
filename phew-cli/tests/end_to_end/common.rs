//! Runs phew in a folder.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

pub(crate) fn command(folder: &Path, line: &str) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("phew"));
    command.current_dir(folder).args(line.split_whitespace());
    // This build and no other, whatever lies beside it.
    #[cfg(not(feature = "train"))]
    command.env("PHEW_TORCH", "none");
    command
}

pub(crate) fn phew(folder: &Path, line: &str) -> Output {
    command(folder, line).output().unwrap()
}

/// What it prints, where it succeeds.
pub(crate) fn stdout(folder: &Path, line: &str) -> String {
    let output = phew(folder, line);
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn json(folder: &Path, line: &str) -> Value {
    serde_json::from_str(&stdout(folder, line)).unwrap()
}

/// The line fails with this exit code and one line on stderr that holds all parts; nothing new is in the folder.
pub(crate) fn refuses(folder: &Path, line: &str, code: i32, parts: &[&str]) {
    let list = || {
        let mut names: Vec<_> =
            folder.read_dir().unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = list();
    let output = phew(folder, line);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{line}: {stderr}");
    assert!(parts.iter().all(|p| stderr.contains(p)), "{line}: {stderr} lacks one of {parts:?}");
    assert!(output.stdout.is_empty());
    assert_eq!(list(), before, "{line}");
    // clap's own usage errors add the usage below the line.
    assert!(
        stderr.lines().count() == 1 || stderr.contains("Usage") || stderr.contains("--help"),
        "{stderr}"
    );
}

/// As [`refuses`], after what a shell does first, as in `ulimit -f 8`.
#[cfg(unix)]
pub(crate) fn refuses_by_shell(folder: &Path, first: &str, line: &str, code: i32, parts: &[&str]) {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("{first}; exec \"$0\" \"$@\""));
    shell.arg(assert_cmd::cargo::cargo_bin!("phew")).args(line.split_whitespace());
    let output = shell.current_dir(folder).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{line}: {stderr}");
    assert!(parts.iter().all(|p| stderr.contains(p)), "{line}: {stderr} lacks one of {parts:?}");
    assert_eq!(folder.read_dir().unwrap().count(), 0, "{line}");
}
