//! How jobs are run: the options of all commands that run plans, and what they do.

use anyhow::bail;
use clap::{Args, ValueEnum};

use super::report::{Ended, SweepReport};
use crate::failure::{NeedsLibtorch, SweepStopped};
use crate::sweep::{
    CellJobs, Conditions, Folder, Graph, How, Job, Plan, Store, Submitted, estimate, list, needed,
    run, submit,
};

/// Which jobs of plans are run, and how.
#[derive(Debug, Args)]
#[command(next_help_heading = "Sweep")]
pub(in crate::commands) struct Running {
    /// Only cells for which this holds, as in 'method=phew|snip,density<=0.1': =, !=, <, <=, >, >=, a comma for "and"
    #[arg(long, value_name = "EXPR", value_parser = Conditions::of_expression)]
    pub(in crate::commands) only: Option<Conditions>,

    /// Begin jobs again that failed
    #[arg(long)]
    retry_failed: bool,

    /// Begin so many jobs at most
    #[arg(long, value_name = "N")]
    max_jobs: Option<usize>,

    /// Jobs side by side on this machine: by default one for each core on the CPU, each with its share of the threads;
    /// on CUDA two at first, and more as long as the device is idle and has memory
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    parallel: Option<u64>,

    /// What runs the jobs
    #[arg(long, value_enum, default_value_t)]
    engine: Engine,

    /// Run nothing: say how many jobs there are, how many are done, and how long the rest would take, from a short probe
    /// of this machine
    #[arg(long)]
    pub(in crate::commands) dry_run: bool,
}

/// What runs the jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// This machine
    #[default]
    Local,
    /// A cluster: job arrays, with the resources of the plan; again, to submit what is missing
    Slurm,
    /// Any other: prints a command line for each job, level by level, as GNU parallel takes them
    List,
}

/// A plan with its cells and jobs.
#[derive(Debug)]
pub(in crate::commands) struct Expanded {
    pub(in crate::commands) plan: Plan,
    pub(in crate::commands) cells: Vec<CellJobs>,
    jobs: Vec<Job>,
}

impl Expanded {
    /// The cells and jobs of a plan.
    ///
    /// # Errors
    /// As [`Graph::of`].
    pub(in crate::commands) fn new(plan: Plan) -> anyhow::Result<Self> {
        let (graph, cells) = Graph::of(&plan)?;
        Ok(Self { plan, cells, jobs: graph.jobs })
    }

    /// Whether a plan has jobs that this build cannot do.
    pub(in crate::commands) fn needs_libtorch(plan: &Plan) -> bool {
        Graph::of(plan).is_err_and(|error| error.is::<NeedsLibtorch>())
    }
}

impl Running {
    /// The jobs of a plan's cells that are wanted.
    pub(in crate::commands) fn jobs(&self, of: &Expanded) -> Vec<Job> {
        let holds =
            |cell: &&CellJobs| self.only.as_ref().is_none_or(|only| only.hold(&cell.cell.settings));
        let wanted = of.cells.iter().filter(holds);
        needed(&of.jobs, wanted.flat_map(|cell| cell.jobs.values().cloned()))
    }

    /// How long it would take.
    pub(in crate::commands) fn estimate(
        &self,
        name: &str,
        plans: &[Expanded],
        store: &Store,
    ) -> anyhow::Result<SweepReport> {
        let jobs = union(plans.iter().map(|plan| self.jobs(plan)));
        let estimate = estimate(&jobs, store, self.parallel(plans), self.retry_failed)?;
        Ok(SweepReport::dry(name, plans.iter().map(|plan| plan.cells.len()).sum(), estimate))
    }

    /// Runs, submits or lists the jobs of plans whose cells are in a folder.
    ///
    /// # Errors
    /// If the folder cannot be written or holds a damaged result. What jobs run into is recorded.
    pub(in crate::commands) fn run(
        &self,
        plans: &[Expanded],
        folder: &Folder,
    ) -> anyhow::Result<SweepReport> {
        // Those too that are not wanted now: whoever reads the folder finds all jobs of its cells.
        for job in plans.iter().flat_map(|plan| &plan.jobs) {
            folder.store.add(job)?;
        }
        let jobs = union(plans.iter().map(|plan| self.jobs(plan)));
        match self.engine {
            Engine::List => {
                let lines = list(&jobs, folder, self.retry_failed)?;
                Ok(SweepReport::Listed { name: folder.name.clone(), lines })
            }
            Engine::Slurm => {
                let mut all = Submitted::default();
                for plan in plans {
                    let (jobs, slurm) = (self.jobs(plan), &plan.plan.slurm);
                    let submitted = submit(&jobs, folder, slurm, self.retry_failed)?;
                    all.arrays.extend(submitted.arrays);
                    all.queued += submitted.queued;
                }
                Ok(SweepReport::submitted(folder, &all))
            }
            Engine::Local => {
                let how = How {
                    parallel: self.parallel(plans),
                    most: self.max_jobs,
                    retry: self.retry_failed,
                    name: folder.name.clone(),
                    ..How::default()
                };
                Ok(SweepReport::ran(folder, jobs.len(), run(&jobs, &folder.store, &how)?))
            }
        }
    }

    fn parallel(&self, plans: &[Expanded]) -> Option<usize> {
        let of_plans = || plans.iter().filter_map(|plan| plan.plan.local.parallel).min();
        self.parallel.map(|n| n as usize).or_else(of_plans)
    }
}

/// Jobs of several plans, each once and behind those that it needs.
fn union(lists: impl Iterator<Item = Vec<Job>>) -> Vec<Job> {
    let mut known = std::collections::BTreeSet::new();
    lists.flatten().filter(|job| known.insert(job.id.clone())).collect()
}

/// What a sweep's end is as that of a command.
///
/// # Errors
/// If it was stopped, or if jobs failed.
pub(in crate::commands) fn check(report: &SweepReport) -> anyhow::Result<()> {
    let Ended { stopped, failed, blocked, left } = report.ended();
    if stopped {
        return Err(SweepStopped { left }.into());
    }
    if failed > 0 {
        let blocked = match blocked {
            0 => String::new(),
            blocked => format!(", {blocked} more need one of them"),
        };
        bail!("{failed} of the jobs failed{blocked} (--retry-failed begins them again)");
    }
    Ok(())
}
