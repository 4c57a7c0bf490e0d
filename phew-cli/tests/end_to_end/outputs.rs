//! Outputs are checked before the work: what would be refused after it is refused at once.

#[cfg(feature = "train")]
use crate::common::stdout;
use crate::common::{folder, refuses};

/// Every way to write a file, with the weights that the work would begin with in a file that is not there.
const WRITERS: &[&str] = &[
    "prune --arch lenet-5 --density 0.1 --weights none -o FILE",
    "prune --arch lenet-5 --density 0.1 --method magnitude --weights none -o FILE",
    "prune --arch lenet-5 --paths 3 --method top-paths --weights none -o FILE",
    "transform shuffle --arch lenet-5 --mask none -o FILE",
    "transform widen --arch lenet-5 --mask none --factor 1 -o FILE",
    "transform repair --arch lenet-5 --mask none -o FILE",
    "transform reinit --arch lenet-5 --mask none --weights none -o FILE",
    "transform isometry --arch lenet-5 --mask none --weights none -o FILE",
    "inspect --arch lenet-5 --weights none --per-weight trace=FILE",
    #[cfg(feature = "train")]
    "measure --arch lenet-5 --weights none --gradients FILE",
];

#[test]
fn an_existing_file_is_refused_before_anything_is_read() {
    let folder = folder();
    let at = folder.path();
    std::fs::write(at.join("there"), "mine").unwrap();
    for line in WRITERS {
        refuses(at, &line.replace("FILE", "there"), 2, &["there: already exists", "--force"]);
        refuses(at, &line.replace("FILE", "no/where"), 2, &["no/where: no such folder no"]);
        // The file is allowed to be replaced: what fails is the work.
        refuses(at, &format!("{} --force", line.replace("FILE", "there")), 1, &["none"]);
    }
    assert_eq!(std::fs::read(at.join("there")).unwrap(), b"mine");
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_takes_no_files_is_refused_before_anything_is_read() {
    let folder = folder();
    for line in WRITERS {
        refuses(folder.path(), &line.replace("FILE", "/proc/m"), 1, &["phew: /proc/m: "]);
    }
}

#[test]
fn two_results_cannot_go_to_one_file() {
    let folder = folder();
    let line = "inspect --arch lenet-5 --per-weight trace=f --per-weight paths=f";
    refuses(folder.path(), line, 2, &["f: is named twice"]);
}

#[cfg(feature = "train")]
#[test]
fn a_run_needs_a_folder() {
    let folder = folder();
    let at = folder.path();
    std::fs::write(at.join("there"), "mine").unwrap();
    let line = "train --recipe digits --data mnist --data-dir none -o there";
    refuses(at, line, 2, &["there: is a file, expected a folder"]);
    stdout(at, "train --recipe digits --dry-run");
}
