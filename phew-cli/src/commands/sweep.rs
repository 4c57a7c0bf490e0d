//! `phew sweep`: a plan of jobs, on this machine or a cluster.

mod report;

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum};

use crate::command::{Command, Example};
use crate::failure::{SweepStopped, usage};
use crate::sweep::{
    Conditions, Folder, Graph, How, Plan, Store, estimate, list, needed, run, submit,
};

use report::Ended;
pub use report::{JobsOfKind, JobsOfTool, SweepReport};

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
    grid: Option<Grid>,
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

/// Which jobs, and how they are run.
#[derive(Debug, Args)]
#[command(next_help_heading = "Sweep")]
struct Grid {
    /// The plan
    #[arg(value_name = "PLAN.toml")]
    plan: PathBuf,

    /// Folder of the sweep
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,

    /// Folder where the jobs lie, if several sweeps with folders of their own are to share results
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,

    /// Only cells for which this holds, as in 'method=phew|snip,density<=0.1': =, !=, <, <=, >, >=, a comma for "and"
    #[arg(long, value_name = "EXPR", value_parser = Conditions::of_expression)]
    only: Option<Conditions>,

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
    dry_run: bool,
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

impl Grid {
    fn run(&self) -> anyhow::Result<SweepReport> {
        if self.output.exists() && !self.output.is_dir() {
            return Err(usage(format!("{}: is a file, expected a folder", self.output.display())));
        }
        let plan = Plan::load(&self.plan).map_err(|e| usage(format!("{e:#}")))?;
        let wrong = |e: anyhow::Error| usage(format!("{}: {e:#}", self.plan.display()));
        let (graph, cells) = Graph::of(&plan).map_err(wrong)?;
        let wanted = cells
            .iter()
            .filter(|cell| self.only.as_ref().is_none_or(|only| only.hold(&cell.cell.settings)));
        let jobs = needed(&graph.jobs, wanted.flat_map(|cell| cell.jobs.values().cloned()));
        let parallel = self.parallel.map(|n| n as usize).or(plan.local.parallel);
        if self.dry_run {
            let store = Store::new(self.store.as_deref().unwrap_or(&self.output));
            let estimate = estimate(&jobs, &store, parallel, self.retry_failed)?;
            return Ok(SweepReport::dry(&plan, cells.len(), estimate));
        }
        let folder = Folder::write(&self.output, &plan, cells, self.store.as_deref())?;
        // Those too that are not wanted now: whoever reads the folder finds all jobs of its cells.
        for job in &graph.jobs {
            folder.store.add(job)?;
        }
        match self.engine {
            Engine::List => {
                let lines = list(&jobs, &folder, self.retry_failed)?;
                return Ok(SweepReport::Listed { name: plan.name, lines });
            }
            Engine::Slurm => {
                let submitted = submit(&jobs, &folder, &plan.slurm, self.retry_failed)?;
                return Ok(SweepReport::submitted(&folder, submitted));
            }
            Engine::Local => {}
        }
        let how = How {
            parallel,
            most: self.max_jobs,
            retry: self.retry_failed,
            name: plan.name,
            ..How::default()
        };
        let outcome = run(&jobs, &folder.store, &how)?;
        Ok(SweepReport::ran(&folder, jobs.len(), outcome))
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
        match (&self.what, &self.grid) {
            (Some(What::Status { folder }), _) => SweepReport::status(&Folder::read(folder)?),
            (Some(What::Job { folder, ids, retry_failed }), _) => {
                single(folder, ids, *retry_failed)
            }
            (None, Some(grid)) => grid.run(),
            (None, None) => unreachable!("clap asks for a plan"),
        }
    }

    fn print(&self, json: bool) -> anyhow::Result<()> {
        let report = self.run()?;
        crate::command::Report::print(&report, json)?;
        let Ended { stopped, failed, blocked, left } = report.ended();
        if stopped {
            return Err(SweepStopped { left }.into());
        }
        if failed > 0 {
            let blocked = if blocked > 0 {
                format!(", {blocked} more need one of them")
            } else {
                String::new()
            };
            bail!("{failed} of the jobs failed{blocked} (--retry-failed begins them again)");
        }
        Ok(())
    }

    fn uses_libtorch(&self) -> bool {
        cfg!(feature = "train") && !matches!(self.what, Some(What::Status { .. }))
    }
}

/// Does single jobs.
fn single(folder: &Path, ids: &[String], retry: bool) -> anyhow::Result<SweepReport> {
    let folder = Folder::read(folder)?;
    let jobs = folder.jobs(ids)?;
    let how = How { retry, name: folder.name.clone(), ..How::default() };
    let outcome = run(&jobs, &folder.store, &how)?;
    Ok(SweepReport::ran(&folder, jobs.len(), outcome))
}
