//! `phew prune --list-methods`.

use phew_baselines::Needs;
use serde::Serialize;

use crate::methods::{Build, methods, served};
use crate::output::table;

/// A method of the list.
#[derive(Clone, Debug, Serialize)]
pub struct KnownMethod {
    /// Its name.
    pub method: &'static str,
    /// What it keeps, in a line.
    pub keeps: &'static str,
    /// What it needs, marked if this build does not have it.
    pub needs: String,
    /// Where it comes from.
    pub paper: &'static str,
    /// Schedule unless another is asked for.
    pub schedule: String,
    /// Allocation unless another is asked for.
    pub allocation: String,
    /// Options of its own, with their defaults.
    pub options: String,
}

/// All methods with what each needs, its paper and its defaults.
pub(super) fn known() -> Vec<KnownMethod> {
    let known = |method: &crate::methods::Method| {
        let [schedule, allocation, options] = defaults(&method.build);
        let (name, keeps, paper) = (method.name, method.keeps, method.paper);
        let needs = asks(method.needs);
        KnownMethod { method: name, keeps, needs, paper, schedule, allocation, options }
    };
    methods().iter().map(known).collect()
}

/// The list as a table.
pub(super) fn text(methods: &[KnownMethod]) -> String {
    let head = ["method", "keeps", "needs", "paper", "schedule", "allocation", "own options"];
    let row = |m: &KnownMethod| {
        let words = [m.method, m.keeps, &m.needs, m.paper, &m.schedule, &m.allocation, &m.options];
        words.map(str::to_owned).to_vec()
    };
    let rows: Vec<Vec<String>> = methods.iter().map(row).collect();
    table(&head, &rows, head.len())
        + match cfg!(feature = "train") {
            true => "\n(*) not served by this build\n",
            false => "\n(*) not served by this build: it has nothing that runs networks on data\n",
        }
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
