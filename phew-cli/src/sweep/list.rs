//! The engine of other programs: a command for each job, as GNU parallel takes them.
//!
//! `list/level-N.txt` holds the jobs of a level, which need none of each other; all of a level can go at once after those
//! before. In any other order nothing goes wrong either: a job does what it needs itself, or waits for who is at it.

use std::path::Path;

use anyhow::Context;

use super::folder::{Folder, levels};
use super::job::Job;
use super::store::{State, write_text};

/// The command lines of all jobs that are to do, a level behind the other under a comment for each. They are written to
/// the folder `list` too.
pub(crate) fn list(jobs: &[Job], folder: &Folder, retry: bool) -> anyhow::Result<Vec<String>> {
    let open = missing(jobs, folder, retry)?;
    let files = folder.path.join("list");
    if files.exists() {
        std::fs::remove_dir_all(&files).with_context(|| files.display().to_string())?;
    }
    std::fs::create_dir_all(&files).with_context(|| files.display().to_string())?;
    let program = program()?;
    let mut lines = Vec::new();
    for (level, jobs) in levels(&open).iter().enumerate() {
        let line = |job: &&Job| {
            let retry = if retry { " --retry-failed" } else { "" };
            format!("{program} sweep job {} {}{retry}", quoted(&folder.path), job.id)
        };
        let own: Vec<String> = jobs.iter().map(line).collect();
        write_text(&files.join(format!("level-{level}.txt")), &(own.join("\n") + "\n"))?;
        lines.push(format!("# level {level}: {} jobs", own.len()));
        lines.extend(own);
    }
    Ok(lines)
}

/// The jobs that are not done, and did not fail unless they are to be begun again.
pub(crate) fn missing(jobs: &[Job], folder: &Folder, retry: bool) -> anyhow::Result<Vec<Job>> {
    let mut open = Vec::new();
    for job in jobs {
        match folder.store.state(job)? {
            State::Missing => open.push(job.clone()),
            State::Failed(_) if retry => open.push(job.clone()),
            State::Done(_) | State::Failed(_) => {}
        }
    }
    Ok(open)
}

/// This program, for a shell.
pub(crate) fn program() -> anyhow::Result<String> {
    Ok(quoted(&std::env::current_exe().context("the program's own path")?))
}

/// A path for a shell: in single quotes where it needs them.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:=@".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_where_a_shell_would_split_them() {
        assert_eq!(quoted(Path::new("/a/b-c.d")), "/a/b-c.d");
        assert_eq!(quoted(Path::new("/a b/it's")), "'/a b/it'\\''s'");
    }
}
