//! What became of a sweep.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use indicatif::HumanDuration;
use serde::Serialize;

use crate::command::Report;
use crate::output::{counted, grouped, table};
use crate::sweep::{Estimate, Folder, Outcome, State, Submitted};

/// What became of a sweep.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum SweepReport {
    /// Jobs were run.
    Ran {
        /// The plan's name.
        name: String,
        /// Jobs in all.
        jobs: usize,
        /// Those that are done.
        done: usize,
        /// Of them, those that were done here and now.
        ran: usize,
        /// The errors of those that failed, by identity.
        failed: BTreeMap<String, String>,
        /// Those that need something of a failed one.
        blocked: usize,
        /// Those that are still to do.
        left: usize,
        /// Whether a signal asked to stop.
        stopped: bool,
        /// The folder.
        folder: PathBuf,
        /// Whether it is to be seen in the exit code that jobs are left.
        #[serde(skip)]
        ended: Ended,
    },
    /// Nothing was run.
    Dry {
        /// The plan's name.
        name: String,
        /// Cells in all.
        cells: usize,
        /// The jobs, by kind.
        kinds: Vec<JobsOfKind>,
        /// Jobs side by side.
        parallel: usize,
        /// Seconds that all that is to do is likely to take.
        seconds: f64,
    },
    /// The command lines of the jobs that are to do.
    Listed {
        /// The plan's name.
        name: String,
        /// A command for each job, under a comment for each level.
        lines: Vec<String>,
    },
    /// Jobs were submitted to a cluster.
    Submitted {
        /// The plan's name.
        name: String,
        /// Jobs that were submitted.
        submitted: usize,
        /// Jobs that were queued already.
        queued: usize,
        /// The cluster's numbers of the arrays.
        arrays: Vec<String>,
        /// The folder.
        folder: PathBuf,
    },
    /// How far the sweep is.
    Status {
        /// The plan's name.
        name: String,
        /// Cells in all.
        cells: usize,
        /// Cells of which all is done.
        cells_done: usize,
        /// The jobs by command.
        tools: BTreeMap<String, JobsOfTool>,
        /// The errors of those that failed, by identity.
        failed: BTreeMap<String, String>,
        /// Seconds that the done ones took, added up.
        seconds: f64,
    },
}

/// Jobs that take about as long.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JobsOfKind {
    /// The command, and what it is done to.
    pub what: String,
    /// In all.
    pub jobs: usize,
    /// Done.
    pub done: usize,
    /// Failed.
    pub failed: usize,
    /// Seconds of one; none if that could not be found out.
    pub seconds: Option<f64>,
}

/// How a sweep ended: what decides the exit code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    pub(super) stopped: bool,
    pub(super) failed: usize,
    pub(super) blocked: usize,
    pub(super) left: usize,
}

/// How far the jobs of one command are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct JobsOfTool {
    /// In all.
    pub jobs: usize,
    /// Done.
    pub done: usize,
    /// Failed.
    pub failed: usize,
    /// Worked at now.
    pub running: usize,
}

impl SweepReport {
    pub(super) fn ran(folder: &Folder, jobs: usize, outcome: Outcome) -> Self {
        let failed = outcome.failed.iter().map(|(id, error)| (id.clone(), error.join(": ")));
        Self::Ran {
            name: folder.name.clone(),
            jobs,
            done: outcome.done,
            ran: outcome.ran,
            failed: failed.collect(),
            blocked: outcome.blocked,
            left: outcome.left,
            stopped: outcome.stopped,
            folder: folder.path.clone(),
            ended: Ended {
                stopped: outcome.stopped,
                failed: outcome.failed.len(),
                blocked: outcome.blocked,
                left: outcome.left,
            },
        }
    }

    pub(super) fn dry(name: &str, cells: usize, estimate: Estimate) -> Self {
        let kinds = estimate.kinds.into_iter().map(|kind| JobsOfKind {
            what: kind.what,
            jobs: kind.jobs,
            done: kind.done,
            failed: kind.failed,
            seconds: kind.seconds,
        });
        Self::Dry {
            name: name.to_owned(),
            cells,
            kinds: kinds.collect(),
            parallel: estimate.places,
            seconds: estimate.seconds,
        }
    }

    pub(super) fn submitted(folder: &Folder, submitted: &Submitted) -> Self {
        let jobs = submitted.arrays.iter().flat_map(|array| &array.tasks).map(Vec::len);
        Self::Submitted {
            name: folder.name.clone(),
            submitted: jobs.sum(),
            queued: submitted.queued,
            arrays: submitted.arrays.iter().map(|array| array.array.clone()).collect(),
            folder: folder.path.clone(),
        }
    }

    /// Looks at the results, and at nothing else.
    pub(super) fn status(folder: &Folder) -> anyhow::Result<Self> {
        let (mut tools, mut failed) = (BTreeMap::<String, JobsOfTool>::new(), BTreeMap::new());
        let (mut done, mut seconds) = (BTreeMap::new(), 0.0);
        let ids: std::collections::BTreeSet<String> =
            folder.cells.iter().flat_map(|cell| cell.jobs.values().cloned()).collect();
        for job in folder.jobs(&ids.into_iter().collect::<Vec<_>>())? {
            let tool = tools.entry(job.spec.tool.clone()).or_default();
            tool.jobs += 1;
            match folder.store.state(&job)? {
                State::Done(found) => {
                    tool.done += 1;
                    seconds += found.seconds;
                    done.insert(job.id, ());
                }
                State::Failed(found) => {
                    tool.failed += 1;
                    failed.insert(job.id, found.error.join(": "));
                }
                State::Missing => tool.running += usize::from(folder.store.is_claimed(&job.id)),
            }
        }
        let whole =
            folder.cells.iter().filter(|cell| cell.jobs.values().all(|id| done.contains_key(id)));
        Ok(Self::Status {
            name: folder.name.clone(),
            cells: folder.cells.len(),
            cells_done: whole.count(),
            tools,
            failed,
            seconds,
        })
    }

    /// What decides the exit code.
    pub(super) fn ended(&self) -> Ended {
        match self {
            Self::Ran { ended, .. } => *ended,
            _ => Ended::default(),
        }
    }
}

/// The errors of failed jobs, a line each.
fn errors(failed: &BTreeMap<String, String>) -> String {
    failed.iter().map(|(id, error)| format!("failed {id}: {error}\n")).collect()
}

impl Report for SweepReport {
    fn is_prose(&self) -> bool {
        !matches!(self, Self::Listed { .. })
    }

    fn text(&self) -> String {
        match self {
            Self::Ran { name, jobs, done, ran, failed, blocked, left, folder, .. } => {
                let mut out = errors(failed);
                out += &format!(
                    "{name}: {} of {} done, {ran} of them now",
                    grouped(*done),
                    counted(*jobs, "job")
                );
                for (number, what) in
                    [(failed.len(), "failed"), (*blocked, "need a failed one"), (*left, "to do")]
                {
                    if number > 0 {
                        out += &format!(", {} {what}", grouped(number));
                    }
                }
                out + &format!("\nsweep {}\n", folder.display())
            }
            Self::Dry { name, cells, kinds, parallel, seconds } => {
                let row = |kind: &JobsOfKind| {
                    let numbers = [kind.jobs, kind.done, kind.failed].map(grouped);
                    let each = kind.seconds.map_or_else(|| "–".to_owned(), |s| format!("{s:.2}"));
                    [vec![kind.what.clone()], numbers.to_vec(), vec![each]].concat()
                };
                let rows: Vec<Vec<String>> = kinds.iter().map(row).collect();
                let mut out = table(&["job", "jobs", "done", "failed", "seconds each"], &rows, 1);
                let jobs = kinds.iter().map(|kind| kind.jobs).sum();
                out += &format!("\n{name}: {}, {}", counted(*cells, "cell"), counted(jobs, "job"));
                let left = HumanDuration(Duration::from_secs_f64(seconds.clamp(0.0, 1e9)));
                out += &format!("; about {left} to go, {parallel} side by side");
                let untimed = kinds.iter().filter(|kind| kind.seconds.is_none());
                match untimed.map(|kind| kind.jobs - kind.done - kind.failed).sum() {
                    0 => out + "\n",
                    jobs => {
                        out + &format!(", without {} that no probe timed\n", counted(jobs, "job"))
                    }
                }
            }
            Self::Listed { lines, .. } => lines.iter().map(|line| format!("{line}\n")).collect(),
            Self::Submitted { name, submitted, queued, arrays, folder } => {
                let mut out = format!("{name}: {} submitted", counted(*submitted, "job"));
                if !arrays.is_empty() {
                    out += &format!(" as {}", arrays.join(", "));
                }
                out += &format!(", {} queued before\n", grouped(*queued));
                out + &format!("sweep {}\n", folder.display())
            }
            Self::Status { name, cells, cells_done, tools, failed, seconds } => {
                let row = |(tool, found): (&String, &JobsOfTool)| {
                    let JobsOfTool { jobs, done, failed, running } = *found;
                    let numbers = [jobs, done, failed, running].map(grouped);
                    [vec![tool.clone()], numbers.to_vec()].concat()
                };
                let rows: Vec<Vec<String>> = tools.iter().map(row).collect();
                let mut out = table(&["command", "jobs", "done", "failed", "at work"], &rows, 1);
                out += "\n";
                out += &errors(failed);
                out + &format!(
                    "{name}: {} of {} done, in {seconds:.1} s of jobs\n",
                    grouped(*cells_done),
                    counted(*cells, "cell"),
                )
            }
        }
    }
}
