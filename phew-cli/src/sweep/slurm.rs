//! The engine of a cluster: job arrays of Slurm, one for each level of jobs, which wait for the level before.
//!
//! | file of `slurm/` | what |
//! |---|---|
//! | `N-level-L.sbatch` | the script of a level of the N-th submission |
//! | `N-level-L.txt` | a line of identities for each task of its array |
//! | `submitted.jsonl` | the arrays, with the identities of each task |
//! | `log/` | what the tasks said |
//!
//! Before the limit, and when a task is preempted, its shell gets a signal and hands it on; phew writes its checkpoints
//! and ends with exit code 75, and the task puts itself back into the queue. What is queued already is not submitted
//! again.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::folder::{Folder, levels};
use super::job::Job;
use super::list::{missing, program, quoted};
use super::plan::SlurmPlan;
use super::store::write_text;

/// Seconds before the limit at which a task is told, unless the plan says otherwise.
const SIGNAL: u64 = 120;

/// Tasks of an array that every cluster takes: Slurm's own default of `MaxArraySize`, less one.
const TASKS: usize = 1000;

/// An array that was submitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Array {
    /// Slurm's number of it.
    pub(crate) array: String,
    /// The identities of each task.
    pub(crate) tasks: Vec<Vec<String>>,
}

/// What was submitted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Submitted {
    /// The arrays, in the order of the levels.
    pub(crate) arrays: Vec<Array>,
    /// Jobs that were queued already.
    pub(crate) queued: usize,
}

/// Submits all jobs that are neither done nor queued.
///
/// # Errors
/// If Slurm is not there or refuses.
pub(crate) fn submit(
    jobs: &[Job],
    folder: &Folder,
    plan: &SlurmPlan,
    retry: bool,
) -> anyhow::Result<Submitted> {
    let files = folder.path.join("slurm");
    let log = files.join("log");
    std::fs::create_dir_all(&log).with_context(|| log.display().to_string())?;
    let record = files.join("submitted.jsonl");
    let mut known = read(&record)?;
    let queued = queued(&known)?;
    let mut open = missing(jobs, folder, retry)?;
    let all = open.len();
    open.retain(|job| !queued.contains_key(&job.id));
    let mut submitted = Submitted { queued: all - open.len(), ..Submitted::default() };
    let number = known.len();
    let mut before: Option<String> = None;
    for (level, jobs) in levels(&open).iter().enumerate() {
        let mut after: Vec<&String> = before.iter().collect();
        after.extend(
            jobs.iter().flat_map(|job| job.spec.needs.values()).filter_map(|id| queued.get(id)),
        );
        after.sort();
        after.dedup();
        let tasks: Vec<Vec<String>> = jobs
            .chunks(plan.chunk.unwrap_or_else(|| jobs.len().div_ceil(TASKS)).max(1))
            .map(|chunk| chunk.iter().map(|job| job.id.clone()).collect())
            .collect();
        let name = format!("{number}-level-{level}");
        let lines: String = tasks.iter().map(|ids| ids.join(",") + "\n").collect();
        let list = files.join(format!("{name}.txt"));
        write_text(&list, &lines)?;
        let text = script(plan, folder, &list, tasks.len(), retry)?;
        let path = files.join(format!("{name}.sbatch"));
        write_text(&path, &text)?;
        let mut sbatch = Command::new("sbatch");
        sbatch.arg("--parsable");
        if !after.is_empty() {
            let list: Vec<&str> = after.iter().map(|array| array.as_str()).collect();
            sbatch.arg(format!("--dependency=afterany:{}", list.join(":")));
        }
        let said = said(sbatch.arg(&path))?;
        // With several clusters the number stands before the cluster's name.
        let array = said.trim().split(';').next().unwrap_or_default().to_owned();
        let array = Array { array, tasks };
        before = Some(array.array.clone());
        known.push(array.clone());
        submitted.arrays.push(array);
        let lines: Result<String, serde_json::Error> =
            known.iter().map(|array| Ok(serde_json::to_string(array)? + "\n")).collect();
        write_text(&record, &lines?)?;
    }
    Ok(submitted)
}

/// The script of an array.
fn script(
    plan: &SlurmPlan,
    folder: &Folder,
    list: &Path,
    tasks: usize,
    retry: bool,
) -> anyhow::Result<String> {
    let mut head = vec![
        format!("--job-name=phew-{}", folder.name),
        format!("--array=0-{}", tasks.saturating_sub(1)),
        format!("--output={}", in_head(&folder.path.join("slurm/log/%A_%a.txt"))?),
        "--open-mode=append".to_owned(),
        "--requeue".to_owned(),
        format!("--signal=B:USR1@{}", plan.signal.unwrap_or(SIGNAL)),
        format!("--cpus-per-task={}", plan.cpus.unwrap_or(1)),
    ];
    let mut add = |name: &str, value: Option<String>| {
        head.extend(value.map(|value| format!("--{name}={value}")));
    };
    add("time", plan.time.clone());
    add("partition", plan.partition.clone());
    add("account", plan.account.clone());
    add("gres", plan.gpus.map(|n| format!("gpu:{n}")));
    add("mem", plan.memory.clone());
    let head: String = head.iter().map(|line| format!("#SBATCH {line}\n")).collect();
    let lines: String = plan.lines.iter().map(|line| format!("{line}\n")).collect();
    let retry = if retry { " --retry-failed" } else { "" };
    Ok(format!(
        "#!/bin/bash\n{head}\n{lines}\
         ids=$(sed -n \"$((SLURM_ARRAY_TASK_ID + 1))p\" {list})\n\
         # Signals reach this shell alone: it hands them on, and waits until the checkpoints are written.\n\
         told='' phew=''\n\
         trap 'told=1; [ -z \"$phew\" ] || kill -USR1 \"$phew\"' USR1 TERM\n\
         {program} --threads \"$SLURM_CPUS_PER_TASK\" sweep job {folder} \"$ids\"{retry} &\n\
         phew=$!\n\
         wait \"$phew\"\n\
         while kill -0 \"$phew\" 2>/dev/null; do wait \"$phew\"; done\n\
         wait \"$phew\"\n\
         code=$?\n\
         # Beyond 128: it was told before it could listen.\n\
         if [ \"$code\" = 75 ] || [ -n \"$told\" -a \"$code\" -gt 128 ]; then\n    \
             scontrol requeue \"${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID\"\nfi\n\
         exit \"$code\"\n",
        list = quoted(list),
        program = program()?,
        folder = quoted(&folder.path),
    ))
}

/// A path in a line of options, where quotes do not help.
fn in_head(path: &Path) -> anyhow::Result<String> {
    let text = path.display().to_string();
    if text.contains(char::is_whitespace) {
        bail!("{text}: Slurm takes no folder with spaces in its path");
    }
    Ok(text)
}

fn read(record: &Path) -> anyhow::Result<Vec<Array>> {
    if !record.exists() {
        return Ok(Vec::new());
    }
    let named = || record.display().to_string();
    let text = phew_graph::read_text(record).with_context(named)?;
    text.lines().map(|line| serde_json::from_str(line).with_context(named)).collect()
}

/// The identities that wait in the queue or are worked at, each with its array.
fn queued(known: &[Array]) -> anyhow::Result<BTreeMap<String, String>> {
    if known.is_empty() {
        return Ok(BTreeMap::new());
    }
    Ok(among(known, &said(Command::new("squeue").args(["--noheader", "--array", "--format=%i"]))?))
}

/// Those of the arrays' identities whose tasks stand in a listing of tasks as `123_4`.
fn among(known: &[Array], listing: &str) -> BTreeMap<String, String> {
    let mut queued = BTreeMap::new();
    for line in listing.lines() {
        let Some((array, task)) = line.trim().split_once('_') else { continue };
        let Some(found) = known.iter().find(|known| known.array == array) else { continue };
        let ids = task.parse::<usize>().ok().and_then(|task| found.tasks.get(task));
        queued.extend(ids.into_iter().flatten().map(|id| (id.clone(), array.to_owned())));
    }
    queued
}

/// What a program of Slurm says.
fn said(command: &mut Command) -> anyhow::Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("{name}: is Slurm installed?"))?;
    if !output.status.success() {
        bail!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_the_queue_is_known_by_array_and_task() {
        let tasks = vec![vec!["a".to_owned(), "b".to_owned()], vec!["c".to_owned()]];
        let known = [Array { array: "12".into(), tasks }];
        let found = among(&known, "12_0\n13_1\n12_7\n14\n");
        assert_eq!(
            found.into_iter().collect::<Vec<_>>(),
            [("a".into(), "12".into()), ("b".into(), "12".into())]
        );
    }
}
