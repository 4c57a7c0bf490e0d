//! `phew reproduce`: a figure or table of a paper, from its plans to its drawing.

mod report;

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Subcommand};

use super::sweep::{Expanded, Running, SweepReport, check};
use crate::command::{Command, Example};
use crate::failure::usage;
use crate::reproduce::{Reproduction, Request, Scale, Substitute, progress, usual};
use crate::stderr;
use crate::sweep::{CellJobs, Store};

pub use report::{KnownReproduction, KnownScale, ReproduceReport, Reproduced};

/// Where reproductions lie unless told otherwise.
const FOLDER: &str = "reproductions";

/// Reproduce a figure or table of a paper: run its plans, draw it, write a page.
///
/// At scale `paper` all is done that the paper did; `small` is what two cores do in 10 minutes where nothing is trained,
/// and in half an hour where something is; `smoke` shows in seconds that all parts work. What a scale leaves out is printed
/// on the figures. The same command goes on where the last was cut off. In the folder lie the plans, as `phew sweep` takes
/// them, the results, tables, figures and report.html.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Reproduce {
    #[command(subcommand)]
    what: Option<What>,

    #[command(flatten)]
    one: One,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show all reproductions, and how far each is
    List {
        /// Folder of reproductions, or of one
        #[arg(short, long, value_name = "DIR", default_value = FOLDER)]
        output: PathBuf,
    },
}

/// Which reproduction, and how.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reproduction")]
struct One {
    /// Which (`phew reproduce list` shows all)
    #[arg(value_name = "ID", required = true)]
    id: Option<String>,

    /// How much of what the paper did is done
    #[arg(long, value_enum, default_value_t)]
    scale: Scale,

    /// Folder; by default reproductions/ID-SCALE
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,

    /// Data set in place of those of the plans
    #[arg(long, value_name = "SET")]
    data: Option<String>,

    /// Folder of the data set, or of one of several; by default where `phew data fetch` puts it
    #[arg(long, value_name = "[SET=]DIR", value_parser = folder)]
    data_dir: Vec<(Option<String>, PathBuf)>,

    #[command(flatten)]
    running: Running,
}

/// A folder, with the name of the data set whose it is before it.
fn folder(text: &str) -> Result<(Option<String>, PathBuf), String> {
    let (set, path) = match text.split_once('=') {
        Some((set, path)) => (Some(set.to_owned()), path),
        None => (None, text),
    };
    match std::path::absolute(path) {
        Ok(path) => Ok((set, path)),
        Err(error) => Err(format!("expected a folder: {error}")),
    }
}

impl One {
    /// The plans; none can be read where this build lacks something.
    fn plans(&self, of: &Reproduction, substitute: &Substitute) -> anyhow::Result<Vec<Expanded>> {
        let wrong = |e: anyhow::Error| usage(format!("{}: {e:#}", of.id));
        let plans = of.plans(self.scale, substitute, &self.output(of)).map_err(wrong)?;
        plans.into_iter().map(|plan| Expanded::new(plan).map_err(wrong)).collect()
    }

    fn output(&self, of: &Reproduction) -> PathBuf {
        let usual = || PathBuf::from(FOLDER).join(usual(&of.id, self.scale));
        self.output.clone().unwrap_or_else(usual)
    }

    fn reproduction(&self) -> anyhow::Result<Reproduction> {
        let id = self.id.as_deref().unwrap_or_default();
        Reproduction::find(id).map_err(|e| usage(format!("{e:#}")))
    }

    fn run(&self) -> anyhow::Result<Reproduced> {
        let reproduction = self.reproduction()?;
        let output = self.output(&reproduction);
        if output.exists() && !output.is_dir() {
            return Err(usage(format!("{}: is a file, expected a folder", output.display())));
        }
        let substitute = Substitute { set: self.data.clone(), folders: self.data_dir.clone() };
        let plans = self.plans(&reproduction, &substitute)?;
        #[cfg(feature = "train")]
        for plan in &plans {
            crate::reproduce::check_data(&self.running.jobs(plan))?;
        }
        let reproduced = |sweep| Reproduced {
            id: reproduction.id.clone(),
            scale: self.scale.name(),
            paper: reproduction.paper.clone(),
            sweep,
            rows: None,
            complete: None,
            figures: Vec::new(),
            undrawn: Vec::new(),
            report: None,
        };
        if self.running.dry_run {
            let name = usual(&reproduction.id, self.scale);
            return Ok(reproduced(self.running.estimate(&name, &plans, &Store::new(&output))?));
        }
        let request =
            Request { reproduction: &reproduction, scale: self.scale, substitute: &substitute };
        let cells = plans.iter().flat_map(|plan| plan.cells.clone()).collect();
        let bare: Vec<_> = plans.iter().map(|plan| &plan.plan).collect();
        let folder = request.write(&output, &bare, cells)?;
        let found = reproduced(self.running.run(&plans, &folder)?);
        if let SweepReport::Listed { .. } | SweepReport::Ran { stopped: true, .. } = &found.sweep {
            return Ok(found);
        }
        let keep = |cell: &CellJobs| {
            self.running.only.as_ref().is_none_or(|only| only.hold(&cell.cell.settings))
        };
        Ok(found.with(request.make(&folder, keep)?))
    }
}

/// All reproductions, with how far they are in a folder.
fn list(folder: &std::path::Path) -> anyhow::Result<ReproduceReport> {
    let mut found = Vec::new();
    for one in Reproduction::all()? {
        let mut scales = Vec::new();
        for scale in Scale::ALL {
            let own = progress(&folder.join(usual(&one.id, scale)), &one.id, scale)?;
            let so_far =
                own.map_or_else(|| progress(folder, &one.id, scale), |own| Ok(Some(own)))?;
            scales.push(KnownScale::new(scale.name(), one.shrunk(scale), so_far));
        }
        let Reproduction { id, title, paper, .. } = one;
        found.push(KnownReproduction { id, title, paper, scales });
    }
    Ok(ReproduceReport::List { reproductions: found })
}

impl Command for Reproduce {
    const NAME: &'static str = "reproduce";
    const EXAMPLES: &'static [Example] = &[
        ("a figure, as far as seconds go", "phew reproduce 001-figure-8 --scale smoke"),
        (
            "how long the whole would take; without --dry-run it begins, or goes on",
            "phew reproduce 003-figure-7 --scale paper --dry-run",
        ),
        ("all that there are, and how far each is", "phew reproduce list"),
    ];
    type Report = ReproduceReport;

    fn run(&self) -> anyhow::Result<ReproduceReport> {
        match &self.what {
            Some(What::List { output }) => list(output),
            None => Ok(ReproduceReport::One(Box::new(self.one.run()?))),
        }
    }

    fn print(&self, json: bool) -> anyhow::Result<()> {
        let report = self.run()?;
        crate::command::Report::print(&report, json)?;
        let ReproduceReport::One(one) = &report else { return Ok(()) };
        for reason in &one.undrawn {
            stderr::warn(reason);
        }
        check(&one.sweep)?;
        let all = self.one.running.only.is_none();
        if all && one.is_whole() && !one.undrawn.is_empty() {
            bail!("{} of the figures could not be drawn", one.undrawn.len());
        }
        Ok(())
    }

    fn uses_libtorch(&self) -> bool {
        if self.what.is_some() || cfg!(feature = "train") {
            return self.what.is_none();
        }
        let lacks = || {
            let found = self.one.reproduction()?;
            let output = self.one.output(&found);
            let plans = found.plans(self.one.scale, &Substitute::default(), &output)?;
            anyhow::Ok(plans.iter().any(Expanded::needs_libtorch))
        };
        lacks().unwrap_or(false)
    }
}
