//! `phew prune --list-methods`.

use phew_baselines::Needs;

use crate::methods::{Build, methods, served};
use crate::output::{table, text};

/// Prints all methods with what each needs, its paper and its defaults.
pub(super) fn print() -> anyhow::Result<()> {
    let head = ["method", "keeps", "needs", "paper", "schedule", "allocation", "own options"];
    let rows: Vec<Vec<String>> = methods()
        .iter()
        .map(|method| {
            let [schedule, allocation, options] = defaults(&method.build);
            let (name, keeps, paper) =
                (method.name.into(), method.keeps.into(), method.paper.into());
            vec![name, keeps, asks(method.needs), paper, schedule, allocation, options]
        })
        .collect();
    let out = table(&head, &rows, head.len())
        + match cfg!(feature = "train") {
            true => "\n(*) not served by this build\n",
            false => "\n(*) not served by this build: it has nothing that runs networks on data\n",
        };
    text(&out)
}

/// Schedule, allocation and options of its own, unless others are asked for.
fn defaults(build: &Build) -> [String; 3] {
    match build {
        Build::Walks | Build::Paths(_) => ["–", "–", "see --help"].map(str::to_owned),
        Build::Scores(scored) => {
            let own = scored.options.iter().map(|o| format!("{} {}", o.name, o.default));
            let own = own.collect::<Vec<_>>().join(", ");
            [scored.schedule.to_owned(), scored.allocation.to_owned(), own]
        }
    }
}

/// What a method needs, marked if this build does not have it.
fn asks(needs: Needs) -> String {
    let missing = needs.oracle() && !served(needs);
    format!("{needs}{}", if missing { " (*)" } else { "" })
}
