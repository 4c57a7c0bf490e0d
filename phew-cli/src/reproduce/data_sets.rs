//! Which data sets jobs read, and whether they are there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use phew_train::{Recipe, Set};
use serde_json::Value;

use crate::args::usual_dir;
use crate::failure::usage;
use crate::sweep::{CellJobs, Job};

/// The data that a job reads.
#[derive(Clone, Debug)]
struct Read {
    set: Set,
    folder: Option<PathBuf>,
}

/// What a job reads, if it reads data.
fn read(job: &Job) -> Option<Read> {
    // It looks at what a recipe says, not at its data.
    if job.spec.tool == "recipe" {
        return None;
    }
    let word = |name: &str| job.spec.settings.get(name).and_then(Value::as_str);
    let recipe = word("recipe").and_then(|name| Recipe::preset(name).ok());
    let (set, own) = match (word("data"), recipe) {
        (Some(set), _) => (*Set::all().iter().find(|known| known.name() == set)?, None),
        (None, Some(recipe)) => (recipe.data.set, recipe.data.dir),
        // What `measure` takes by default.
        (None, None) => return None,
    };
    let named = job.local.get("data-dir").and_then(Value::as_str).map(PathBuf::from);
    Some(Read { set, folder: named.or(own).or_else(|| usual_dir(set)) })
}

/// The names of the sets that cells read, each with the cell's recipe if that says so.
///
/// # Errors
/// If there is no such recipe.
pub(super) fn read_by(
    jobs: &[Job],
    cells: &[CellJobs],
) -> anyhow::Result<BTreeSet<(String, Option<String>)>> {
    // Jobs stand behind those that they need.
    let mut sets = BTreeMap::<&str, BTreeSet<&'static str>>::new();
    for job in jobs {
        let mut found: BTreeSet<&'static str> =
            read(job).map(|read| read.set.name()).into_iter().collect();
        let needed = job.spec.needs.values().filter_map(|id| sets.get(&**id));
        found.extend(needed.flatten().copied().collect::<Vec<_>>());
        sets.insert(&job.id, found);
    }
    let mut found = BTreeSet::new();
    for cell in cells {
        let recipe = cell.cell.settings.get("recipe").and_then(Value::as_str);
        let of_recipe =
            recipe.map(Recipe::preset).transpose()?.map(|recipe| recipe.data.set.name());
        for set in cell.jobs.values().filter_map(|id| sets.get(&**id)).flatten() {
            let recipe = recipe.filter(|_| of_recipe == Some(*set));
            found.insert(((*set).to_owned(), recipe.map(str::to_owned)));
        }
    }
    Ok(found)
}

/// Refuses jobs whose data are not there.
///
/// # Errors
/// The sets that are not, each with the folder it is wanted in and how to get it.
pub(crate) fn check_data(jobs: &[Job]) -> anyhow::Result<()> {
    let mut wrong = BTreeSet::new();
    for Read { set, folder } in jobs.iter().filter_map(read) {
        let name = set.name();
        // Nothing lies anywhere of a set that is drawn.
        let drawn = set.folder().is_none() && name != "folder";
        let filled =
            |folder: &PathBuf| folder.read_dir().is_ok_and(|mut files| files.next().is_some());
        if drawn || folder.as_ref().is_some_and(filled) {
            continue;
        }
        let place = match &folder {
            Some(folder) => format!("data set {name} is not in {}", folder.display()),
            None => format!("data set {name} has no folder"),
        };
        wrong.insert(match set.published() {
            Some(_) => format!(
                "{place}: `phew data fetch {name}` gets it, --data-dir {name}=DIR names another folder"
            ),
            None => format!("{place}: --data-dir {name}=DIR names it"),
        });
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(usage(format!(
            "{}; --only leaves cells out",
            wrong.into_iter().collect::<Vec<_>>().join("; ")
        ))),
    }
}
