//! What needs libtorch is handed to the program that has it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::common::{folder, refuses};

/// A `phew` of its own in a folder, linked where it can be: the program is large.
fn own_phew(at: &Path) -> PathBuf {
    let (built, phew) = (assert_cmd::cargo::cargo_bin!("phew"), at.join("phew"));
    if std::fs::hard_link(built, &phew).is_err() {
        std::fs::copy(built, &phew).unwrap();
    }
    phew
}

/// A `phew` of its own in a folder, with a `phew-torch` beside it that prints its arguments and fails with 7.
fn pair(at: &Path) -> PathBuf {
    let phew = own_phew(at);
    let torch = at.join("phew-torch");
    std::fs::write(&torch, "#!/bin/sh\necho \"torch $PHEW_HANDED_OVER: $*\"\nexit 7\n").unwrap();
    std::fs::set_permissions(&torch, PermissionsExt::from_mode(0o755)).unwrap();
    phew
}

fn run(phew: &Path, line: &str) -> Output {
    let mut command = Command::new(phew);
    command.env_remove("PHEW_TORCH").args(line.split_whitespace());
    command.current_dir(phew.parent().unwrap()).output().unwrap()
}

#[test]
fn a_command_line_that_needs_libtorch_goes_to_the_other_program_as_it_is() {
    let folder = folder();
    let phew = pair(folder.path());
    let plan = "name = 'a'\nmeasure = ['accuracy']\n";
    std::fs::write(folder.path().join("training.toml"), plan).unwrap();
    for line in [
        "train --arch lenet-5 --epochs 1 -o run",
        "--threads 1 train --help",
        "measure -h",
        "doctor",
        "prune --help",
        "prune --arch lenet-5 --method snip --data digits --density 0.1 -o m",
        "prune --arch lenet-5 --method grasp --density 0.1 -o m",
        "bench --arch lenet-5 --mask m",
        "sweep training.toml -o s",
        "reproduce 001-figure-4 --scale smoke",
    ] {
        let output = run(&phew, line);
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text, format!("torch {}: {line}\n", env!("CARGO_PKG_VERSION")));
        assert_eq!(output.status.code(), Some(7), "{line}");
    }
}

#[test]
fn what_needs_no_libtorch_does_not_start_the_other_program() {
    let folder = folder();
    let phew = pair(folder.path());
    for (line, code) in [
        ("--version", 0),
        ("--help", 0),
        ("prune --arch lenet-5 --density 0.1 -o m", 0),
        ("prune --list-methods", 0),
        ("prune --arch lenet-5 --method snip --oracle engine --data digits --density 0.1 -o n", 0),
        ("run --arch lenet-5 --data digits", 0),
        ("data list --json", 0),
        ("inspect --arch lenet-5 --mask m", 0),
        ("inspect --help", 0),
        ("reproduce list", 0),
        ("reproduce 001-figure-8 --scale smoke", 0),
        ("reproduce 001-figure-88", 2),
        ("inspect --nonsense", 2),
        ("wilt", 2),
    ] {
        assert_eq!(run(&phew, line).status.code(), Some(code), "{line}");
    }
}

#[test]
fn where_there_is_no_other_program_it_says_how_to_get_it() {
    let folder = folder();
    let at = folder.path();
    let hint = ["built without training", "make build", "PHEW_TORCH"];
    for line in ["train --arch lenet-5 -o run", "measure --help"] {
        refuses(at, line, 2, &hint);
    }
    let prune = "prune --arch lenet-5 --data digits --density 0.1 -o m --method";
    refuses(at, &format!("{prune} grasp"), 2, &hint);
    refuses(at, &format!("{prune} snip --oracle libtorch"), 2, &hint);
    let plan = "name = 'a'\nmeasure = ['widths']\n[settings]\narch = 'lenet-5'\ndensity = 0.1\ndata = 'digits'\n";
    for (method, parts) in
        [("snip", &["`prune snip`", "oracle = \"engine\""][..]), ("grasp", &["`prune grasp`"])]
    {
        std::fs::write(at.join("plan.toml"), format!("{plan}method = '{method}'\n")).unwrap();
        refuses(at, "sweep plan.toml -o s", 2, parts);
        refuses(at, "sweep plan.toml -o s", 2, &hint);
    }
    // A program that hands over to itself would do so for ever.
    let phew = own_phew(at);
    let looped = Command::new(&phew).arg("train").env("PHEW_TORCH", &phew).output().unwrap();
    assert_eq!(looped.status.code(), Some(2), "{looped:?}");
}
