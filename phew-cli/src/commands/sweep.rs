//! `phew sweep`: a plan of jobs, on this machine or a cluster.

mod report;
mod running;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::command::{Command, Example};
use crate::failure::{NeedsLibtorch, usage};
use crate::sweep::{Folder, How, Job, Plan, Store, run};

pub use report::{JobsOfKind, JobsOfTool, SweepReport};
pub(super) use running::{Expanded, Running, check};

/// Run a plan of jobs: a grid of networks, methods, densities, seeds.
///
/// A plan is a TOML file: settings, axes, what is left out, what is otherwise in a part of the grid, and what is measured
/// of each cell. It expands to jobs with stable identities, so that a plan that grows runs only what is new. The same
/// command goes on where the last was cut off; a failed job is recorded and the rest go on. Several processes can work at
/// one folder. `phew collect` makes tables of the results.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Sweep {
    #[command(subcommand)]
    what: Option<What>,

    #[command(flatten)]
    grid: Grid,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show how far a sweep is, from its results alone
    Status {
        /// Folder of the sweep
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    /// Do single jobs of a sweep, and what they need: what engines call
    Job {
        /// Folder of the sweep
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// Identities of jobs
        #[arg(value_name = "ID", required = true, value_delimiter = ',')]
        ids: Vec<String>,
        /// Begin jobs again that failed
        #[arg(long)]
        retry_failed: bool,
    },
}

/// A plan, and where its sweep goes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Sweep")]
struct Grid {
    /// The plan
    #[arg(value_name = "PLAN.toml", required = true)]
    plan: Option<PathBuf>,

    /// Folder of the sweep
    #[arg(short, long, value_name = "DIR", required = true)]
    output: Option<PathBuf>,

    /// Folder where the jobs lie, if several sweeps with folders of their own are to share results
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,

    #[command(flatten)]
    running: Running,
}

impl Grid {
    fn run(&self) -> anyhow::Result<SweepReport> {
        let (Some(path), Some(output)) = (&self.plan, &self.output) else {
            return Err(usage("expected a plan and a folder"));
        };
        if output.exists() && !output.is_dir() {
            return Err(usage(format!("{}: is a file, expected a folder", output.display())));
        }
        let plan = Plan::load(path).map_err(|e| usage(format!("{e:#}")))?;
        let wrong = |e: anyhow::Error| usage(format!("{}: {e:#}", path.display()));
        let plan = [Expanded::new(plan).map_err(wrong)?];
        let [Expanded { plan: found, cells, .. }] = &plan;
        if self.running.dry_run {
            let store = Store::new(self.store.as_deref().unwrap_or(output));
            return self.running.estimate(&found.name, &plan, &store);
        }
        let folder = Folder::write(output, found, cells.clone(), self.store.as_deref())?;
        self.running.run(&plan, &folder)
    }
}

impl Command for Sweep {
    const NAME: &'static str = "sweep";
    const EXAMPLES: &'static [Example] = &[
        (
            "all jobs of a plan; the same line goes on after a kill",
            "phew sweep plan.toml -o results",
        ),
        ("a part of it", "phew sweep plan.toml -o results --only 'method=phew,density<=0.1'"),
        (
            "how much there is to do, and how long it would take",
            "phew sweep plan.toml -o results --dry-run",
        ),
        ("how far it is", "phew sweep status results"),
        ("one job of it, as an engine calls it", "phew sweep job results 0f1e2d3c4b5a69788796"),
    ];
    type Report = SweepReport;

    fn run(&self) -> anyhow::Result<SweepReport> {
        match &self.what {
            Some(What::Status { folder }) => SweepReport::status(&Folder::read(folder)?),
            Some(What::Job { folder, ids, retry_failed }) => single(folder, ids, *retry_failed),
            None => self.grid.run(),
        }
    }

    fn print(&self, json: bool) -> anyhow::Result<()> {
        let report = self.run()?;
        crate::command::Report::print(&report, json)?;
        check(&report)
    }

    fn uses_libtorch(&self) -> bool {
        match &self.what {
            Some(What::Status { .. }) => false,
            _ if cfg!(feature = "train") => true,
            Some(What::Job { folder, ids, .. }) => {
                let jobs = Folder::read(folder).and_then(|folder| folder.jobs(ids));
                jobs.is_ok_and(|jobs| jobs.iter().any(needs_libtorch))
            }
            None => {
                let plan = self.grid.plan.as_deref().and_then(|path| Plan::load(path).ok());
                plan.is_some_and(|plan| Expanded::needs_libtorch(&plan))
            }
        }
    }
}

/// Whether this build cannot do a job.
fn needs_libtorch(job: &Job) -> bool {
    job.check().is_err_and(|error| error.is::<NeedsLibtorch>())
}

/// Does single jobs.
fn single(folder: &Path, ids: &[String], retry: bool) -> anyhow::Result<SweepReport> {
    let folder = Folder::read(folder)?;
    let jobs = folder.jobs(ids)?;
    let how = How { retry, name: folder.name.clone(), ..How::default() };
    let outcome = run(&jobs, &folder.store, &how)?;
    Ok(SweepReport::ran(&folder, jobs.len(), outcome))
}
