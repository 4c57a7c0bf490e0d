//! From cells to jobs: which commands a cell consists of, what each takes from which, and what several share.
//!
//! A cell goes from a mask over its transformations to measures and a training:
//!
//! | setting | jobs |
//! |---|---|
//! | `method` (and `density`, …) | `prune`; none for `dense` |
//! | `scores = "gradient"`, `"sensitivity"` | `measure` of the dense network's gradient, which PHEW's walks follow |
//! | `mask = FILE` | none: the file takes its place |
//! | `prune = "after"` | a dense `train`, `prune` of what it learnt, `train` on |
//! | `prune = "restart:STEP"` | a dense `train`, `prune` of what it was at that step, `train` from the beginning with that |
//! | `prune = "rewind:STEP"` | a dense `train`, then for each density `prune` and `train` from that step |
//! | `prune = "gradual:N"` | a dense `train`, then one that prunes what it learnt in its course |
//! | `prune = "at:STEP"`, `"during:N"` | one `train` that prunes in its course |
//! | `transformation = "repair+shuffle"` | one job for each, in their order |
//! | `against.NAME = VALUE` | the mask of the cell that is like this one but for these |
//!
//! Jobs of one identity are one job, whatever cells ask for them: a dense network is trained once, and keeps the networks
//! of all steps that some begin from.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::cell::{Cell, cells};
use super::job::Job;
use super::job_maker::{JobSet, Source};
use super::measures::{Measure, measure};
use super::plan::Plan;
use super::tool::tools;
use super::value::{NONE, Settings};
use super::wiring::Wiring;

/// A cell with its jobs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CellJobs {
    /// The cell.
    #[serde(flatten)]
    pub(crate) cell: Cell,
    /// The identities of its jobs, by role.
    pub(crate) jobs: BTreeMap<String, String>,
}

/// All jobs of a plan, each after those that it needs.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(crate) jobs: Vec<Job>,
}

/// The setting that makes a cell's mask that of another cell.
const AGAINST: &str = "against.";

impl Graph {
    /// The cells of a plan and all of their jobs.
    ///
    /// # Errors
    /// If a setting is no option of any command and decides none, if a command refuses its options, or if a file cannot
    /// be read; [`NeedsLibtorch`](crate::failure::NeedsLibtorch) if this build lacks a command.
    pub(crate) fn of(plan: &Plan) -> anyhow::Result<(Self, Vec<CellJobs>)> {
        let mut set = JobSet::default();
        let mut wired = Vec::new();
        for cell in cells(plan) {
            let jobs = wire(&mut set, plan, &cell).with_context(|| format!("cell {cell}"))?;
            wired.push(CellJobs { cell, jobs });
        }
        let names: BTreeSet<&String> =
            wired.iter().flat_map(|cell| cell.cell.settings.keys()).collect();
        set.used.extend(plan.deciding());
        if let Some(idle) = names.into_iter().find(|name| !set.used.contains(*name)) {
            bail!("setting `{idle}` is an option of no job of the plan{}", like(idle));
        }
        Ok((Self { jobs: set.jobs }, wired))
    }
}

/// The jobs of a cell, by role.
fn wire(set: &mut JobSet, plan: &Plan, cell: &Cell) -> anyhow::Result<BTreeMap<String, String>> {
    let (own, other) = split(cell, &mut set.used);
    let measures: Vec<&Measure> =
        cell.measure.iter().map(|name| measure(name)).collect::<anyhow::Result<_>>()?;
    let mut wiring = Wiring::new(set, plan, own.clone(), &measures)?;
    let pruned = wiring.pruned()?;
    let mut jobs = BTreeMap::new();
    if let (Some(Source::Job(id)), None) = (&pruned.mask, &pruned.trained) {
        jobs.insert("mask".to_owned(), id.clone());
    }
    for measure in &measures {
        if jobs.contains_key(measure.role) || measure.tool == "compare" {
            continue;
        }
        let id = match (measure.tool, &pruned.trained) {
            ("train", Some(id)) => id.clone(),
            ("train", None) => wiring.train(&pruned)?,
            _ => wiring.measure(measure, &pruned)?,
        };
        jobs.insert(measure.role.to_owned(), id);
    }
    if let Some(compare) = measures.iter().find(|measure| measure.tool == "compare") {
        let Some(other) = other else {
            let name = compare.name;
            bail!("measure {name} needs a setting `{AGAINST}NAME`: which mask to compare with");
        };
        let theirs = Wiring::new(set, plan, other, &measures)?.pruned()?.mask;
        let id = Wiring::new(set, plan, own, &measures)?.compare(pruned.mask, theirs)?;
        jobs.extend(id.map(|id| (compare.role.to_owned(), id)));
    }
    Ok(jobs)
}

/// The settings of the cell itself and, if there is one, of the cell that it is compared with, without those that are
/// taken away.
fn split(cell: &Cell, used: &mut BTreeSet<String>) -> (Settings, Option<Settings>) {
    let mut own = cell.settings.clone();
    let mut theirs = Settings::new();
    own.retain(|name, value| match name.strip_prefix(AGAINST) {
        Some(inner) => {
            used.insert(name.clone());
            theirs.insert(inner.to_owned(), value.clone());
            false
        }
        None => true,
    });
    let given = |settings: &mut Settings| {
        settings.retain(|_, value| value != NONE);
    };
    let mut other = own.clone();
    let any = !theirs.is_empty();
    other.extend(theirs);
    for (name, value) in &own {
        if value == NONE {
            used.insert(name.clone());
        }
    }
    given(&mut own);
    given(&mut other);
    (own, any.then_some(other))
}

/// A hint at what was meant.
fn like(name: &str) -> String {
    let option = name.rsplit('.').next().unwrap_or(name);
    let has: Vec<&str> =
        tools().iter().filter(|tool| tool.option(option).is_some()).map(|tool| tool.name).collect();
    match has.is_empty() {
        true => ": no command has such an option".to_owned(),
        false => format!(" (it is one of {})", has.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;

    fn of(text: &str) -> anyhow::Result<(Graph, Vec<CellJobs>)> {
        Graph::of(&Plan::parse(text, Path::new(".")).unwrap())
    }

    fn count(graph: &Graph, tool: &str) -> usize {
        graph.jobs.iter().filter(|job| job.spec.tool == tool).count()
    }

    #[test]
    fn what_is_spelt_in_another_way_or_left_to_its_default_is_the_same_job() {
        let begin = "name = 'a'\nmeasure = ['widths']\n[settings]\narch = 'lenet-5'\n";
        let ids = |more: &str| -> Vec<String> {
            of(&format!("{begin}{more}")).unwrap().0.jobs.into_iter().map(|job| job.id).collect()
        };
        let plain = ids("density = 0.1");
        for same in [
            "density = '0.10'",
            "density = 1e-1\nmethod = 'phew'",
            "density = 0.1\nseed = 0\nprune.seed = 0",
        ] {
            assert_eq!(ids(same), plain, "{same}");
        }
        assert_ne!(ids("density = 0.1\nseed = 1"), plain);
    }

    #[test]
    fn options_go_to_the_methods_that_have_them() {
        let (graph, _) = of("name = 'a'\nmeasure = []\n[settings]\narch = 'lenet-5'\ndensity = 0.1\n\
             bias = 'square'\nschedule = 'linear:3'\n[axes]\nmethod = ['phew', 'synflow', 'dense']\n")
        .unwrap();
        assert_eq!(graph.jobs.len(), 2);
        let has = |job: &Job, name: &str| job.spec.settings.contains_key(name);
        let [phew, synflow] = [&graph.jobs[0], &graph.jobs[1]];
        assert!(has(phew, "bias") && !has(phew, "schedule") && !has(phew, "method"));
        assert!(!has(synflow, "bias") && has(synflow, "schedule"));
    }

    #[test]
    fn transformations_stand_between_the_mask_and_what_is_measured() {
        let (graph, cells) = of("name = 'a'\nmeasure = ['widths', 'path-kernel-trace']\n\
             [settings]\narch = 'lenet-5'\ndensity = 0.1\nseed = 3\n\
             [axes]\ntransformation = ['none', 'shuffle', 'repair+reinit']\n")
        .unwrap();
        // One mask; its shuffle; its repair with initial weights and new ones.
        let counts =
            ["prune", "shuffle", "repair", "init", "reinit"].map(|tool| count(&graph, tool));
        assert_eq!(counts, [1; 5]);
        assert_eq!(count(&graph, "inspect"), 6);
        let job = |tool: &str| graph.jobs.iter().find(|job| job.spec.tool == tool).unwrap();
        assert_eq!(
            job("reinit").spec.settings["seed"],
            json!(4),
            "not the stream of the first weights"
        );
        let theory = graph.jobs.iter().find(|job| job.id == cells[2].jobs["theory"]).unwrap();
        assert_eq!(theory.spec.needs["weights"], job("reinit").id);
        assert_eq!(theory.spec.needs["mask"], job("repair").id);
    }

    #[test]
    fn a_mask_is_compared_with_that_of_another_cell_and_never_with_itself() {
        let (graph, cells) = of("name = 'a'\nmeasure = ['jaccard']\n\
             [settings]\narch = 'lenet-5'\ndensity = 0.1\ninit-seed = 0\n\
             [axes]\nseed = '0-2'\nagainst.seed = '0-2'\n")
        .unwrap();
        assert_eq!((count(&graph, "prune"), count(&graph, "compare")), (3, 6));
        assert_eq!(cells.iter().filter(|cell| cell.jobs.contains_key("jaccard")).count(), 6);
        let error =
            of("name = 'a'\nmeasure = ['jaccard']\n[settings]\narch = 'lenet-5'\ndensity = 0.1\n");
        assert!(format!("{:#}", error.unwrap_err()).contains("against.NAME"));
    }

    #[cfg(feature = "train")]
    #[test]
    fn walks_follow_a_gradient_that_a_job_measures() {
        let (graph, _) = of("name = 'a'\nmeasure = ['gradient-norm']\n[settings]\nrecipe = 'digits'\n\
             density = 0.1\ndata-seed = 5\nper-class = 3\n\"measure.per-class\" = 7\nmethod = '{variant}'\n\
             [axes]\nvariant = ['phew', 'gradient', 'sensitivity', 'snip']\n\
             [[override]]\nwhen = { variant = ['gradient', 'sensitivity'] }\n\
             set = { method = 'phew', scores = '{variant}' }\n")
        .unwrap();
        let scores: Vec<&Job> =
            graph.jobs.iter().filter(|job| job.output() == Some("scores.safetensors")).collect();
        let [gradient, sensitivity] = scores.as_slice() else { panic!("{}", scores.len()) };
        for job in [gradient, sensitivity] {
            assert_eq!(job.spec.settings["seed"], json!(5));
            assert_eq!(job.spec.settings["per-class"], json!(3));
            let prune =
                graph.jobs.iter().find(|other| other.spec.needs.get("scores") == Some(&job.id));
            assert!(!prune.unwrap().spec.settings.contains_key("scores"));
        }
        let words = sensitivity.words(Path::new("d"), |_, _| Ok("n".into())).unwrap();
        assert!(words.contains(&"--sensitivity".into()) && words.contains(&"--force".into()));
        assert!(words.contains(&"--gradients=d/scores.safetensors".into()), "{words:?}");
        // Four masks, their four gradient norms on 7 images, and the two.
        assert_eq!((count(&graph, "prune"), count(&graph, "measure")), (4, 6));
    }

    #[cfg(feature = "train")]
    #[test]
    fn a_dense_network_is_trained_once_for_all_who_begin_from_it() {
        let (graph, cells) = of("name = 'a'\nmeasure = ['accuracy']\n\
             [axes]\nmethod = ['magnitude', 'dense']\nprune = ['none', 'after', 'rewind:5']\n\
             density = ['0.5', '0.5,0.2']\n\
             [[exclude]]\nmethod = 'dense'\nprune = ['after', 'rewind:5']\n\
             [[exclude]]\nprune = ['none', 'after']\ndensity = '0.5,0.2'\n")
        .unwrap();
        // dense; the mask of the initial weights; after; the two levels of rewinding, of which a cell ends at each.
        assert_eq!(count(&graph, "train"), 5);
        assert_eq!(count(&graph, "prune"), 3);
        let dense = cells.iter().find(|cell| cell.cell.settings["method"] == "dense").unwrap();
        let id = &dense.jobs["train"];
        let from = |what: &str| {
            graph.jobs.iter().filter(|job| job.spec.needs.get(what) == Some(id)).count()
        };
        // The mask at 0.5 of what it learnt; `after`, which trains on; the two levels, from its early step.
        assert_eq!((from("weights"), from("from@5")), (2, 2));
    }

    #[cfg(feature = "train")]
    #[test]
    fn what_is_pruned_at_several_steps_shares_one_dense_training() {
        let plan = |steps: &str| {
            of(&format!(
                "name = 'a'\nmeasure = ['accuracy']\n[settings]\nmethod = 'magnitude'\n\
                 [axes]\nprune = [{steps}]\ndensity = [0.5, 0.2]\n"
            ))
            .unwrap()
            .0
        };
        let graph = plan("'restart:0', 'restart:5', 'restart:9', 'rewind:9', 'after'");
        // The dense one, and one for each cell; rewinding to 9 prunes what `after` prunes.
        assert_eq!((count(&graph, "train"), count(&graph, "prune")), (11, 8));
        let dense = graph.jobs.iter().find(|job| !job.kept_steps.is_empty()).unwrap();
        assert_eq!(dense.kept_steps, [5, 9].into());
        assert!(
            dense
                .words(Path::new("d"), |_, _| unreachable!())
                .unwrap()
                .contains(&"--remember=5,9".into())
        );
        let takes = |what: &str| {
            graph.jobs.iter().filter(|job| job.spec.needs.get(what) == Some(&dense.id)).count()
        };
        // Each step: the masks of two densities and what begins from it.
        assert_eq!((takes("weights@5"), takes("weights@9"), takes("from@9")), (4, 4, 2));
        // A plan that grows by a step has the same training, which keeps one more.
        let fewer = plan("'restart:5'");
        let same = fewer.jobs.iter().find(|job| job.id == dense.id).unwrap();
        assert_eq!(same.kept_steps, [5].into());
    }

    #[cfg(feature = "train")]
    #[test]
    fn gradual_pruning_of_several_densities_shares_the_dense_training() {
        let (graph, cells) = of("name = 'a'\nmeasure = ['accuracy']\n\
             [axes]\nprune = ['none', 'gradual:2']\nmethod = ['dense', 'magnitude']\ndensity = [0.5, 0.2]\n\
             [[exclude]]\nmethod = 'dense'\nprune = 'gradual:2'\n\
             [[exclude]]\nmethod = 'magnitude'\nprune = 'none'\n")
        .unwrap();
        assert_eq!(count(&graph, "train"), 3);
        let dense = &cells[0].jobs["train"];
        let from_it = |job: &&Job| job.spec.needs.get("weights") == Some(dense);
        let pruned: Vec<&Job> = graph.jobs.iter().filter(from_it).collect();
        assert_eq!(pruned.len(), 2);
        assert!(pruned.iter().all(|job| job.spec.settings["trained"] == json!(true)));
    }
}
