//! In a terminal: lines that fit, and bars that leave nothing behind. Python opens the terminal.

use std::path::Path;
use std::process::Command;

use crate::common::folder;

const COLUMNS: usize = 80;

/// Runs phew in a terminal of 80 columns and prints what it wrote there; then the exit code. With a third argument
/// Ctrl-C is typed once that has been seen.
const SCRIPT: &str = r"
import fcntl, os, pty, struct, sys, termios
phew, line, until = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    os.environ.update(TERM='xterm', PHEW_TORCH='none')
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('HHHH', 40, 80, 0, 0))
    os.execv(phew, [phew, *line.split()])
seen, typed = b'', False
while True:
    try:
        part = os.read(terminal, 1 << 16)
    except OSError:
        break
    if not part:
        break
    seen += part
    if until and not typed and until.encode() in seen:
        os.write(terminal, b'\x03')
        typed = True
sys.stdout.buffer.write(seen)
sys.stdout.buffer.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
";

/// What a terminal got, and the exit code; nothing without Python.
fn in_terminal(at: &Path, line: &str, until: &str) -> Option<(String, Option<i32>)> {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.venv/bin/python");
    if !python.exists() {
        eprintln!("skipped: no {} (`make setup` makes it)", python.display());
        return None;
    }
    let mut command = Command::new(python);
    command.current_dir(at).args(["-c", SCRIPT]).arg(assert_cmd::cargo::cargo_bin!("phew"));
    let output = command.args([line, until]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Some((text, output.status.code()))
}

/// What stays on the screen of it: of a line that was drawn anew the last, without colours.
fn screen(text: &str) -> Vec<String> {
    let last = |line: &str| {
        let line = line.replace("\u{1b}[2K", "\r");
        let line = line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default().to_owned();
        console_text(&line)
    };
    text.split('\n').map(last).collect()
}

/// Without sequences that begin with an escape.
fn console_text(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    let end = |c: char| c.is_ascii_alphabetic();
    parts.fold(first, |all, part| all + part.split_once(end).map_or("", |(_, rest)| rest))
}

#[test]
fn lines_end_within_the_terminal_and_between_words() {
    let folder = folder();
    let at = folder.path();
    for line in [
        "archs",
        "prune --list-methods",
        "verify --scale small",
        "verify lemma2 --scale small",
        "prune --arch lenet-5 --density 0.05 -o m",
        "inspect --arch lenet-5 --mask m --metrics",
        "transform shuffle --arch lenet-5 --mask m -o s",
        "compare --arch lenet-5 m s",
        "mask check --arch lenet-5 s",
        "reproduce list",
    ] {
        let Some((text, code)) = in_terminal(at, line, "") else { return };
        assert_eq!(code, Some(0), "{line}: {text}");
        let screen = screen(&text);
        assert!(screen.len() > 2, "{line}: {text}");
        let wide = screen.iter().find(|shown| shown.chars().count() > COLUMNS);
        assert_eq!(wide, None, "{line}");
    }
    // What a claim comes to is shown, and where it stands too.
    let Some((text, _)) = in_terminal(at, "verify --scale small", "") else { return };
    assert!(text.contains("on the whole") && text.contains("appendix A.4"), "{text}");
    // A file is printed as it is, and so is a table where all of it is asked for.
    let Some((text, _)) = in_terminal(at, "archs --wide", "") else { return };
    assert!(screen(&text).iter().any(|shown| shown.chars().count() > COLUMNS), "{text}");
}

#[test]
fn ctrl_c_takes_the_bar_away() {
    let folder = folder();
    let line = "prune --arch resnet50 --method synflow --density 0.05 -o m";
    let Some((text, code)) = in_terminal(folder.path(), line, "pruning ") else { return };
    assert_eq!(code, Some(130), "{text}");
    assert!(text.contains("steps"), "there was a bar: {text}");
    let screen = screen(&text);
    assert!(!screen.iter().any(|shown| shown.contains("steps")), "{screen:?}");
    assert!(screen.iter().any(|shown| shown.starts_with("phew: interrupted")), "{screen:?}");
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}
