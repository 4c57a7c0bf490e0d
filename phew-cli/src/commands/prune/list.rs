//! `phew prune --list-methods`.

use phew_baselines::Needs;
use serde::Serialize;

use crate::methods::{Build, methods, served};

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

/// The list: what a method keeps, and below it what it needs, its paper and its defaults.
pub(super) fn text(methods: &[KnownMethod]) -> String {
    let widest = methods.iter().map(|m| m.method.len()).max().unwrap_or(0) + 2;
    let mut out = String::new();
    for m in methods {
        let mut facts = vec![format!("needs {}", m.needs), m.paper.to_owned()];
        if m.schedule != NONE {
            facts.push(format!("{}, {}", m.schedule, m.allocation));
        }
        let own = Some(format!("own options: {}", m.options)).filter(|_| !m.options.is_empty());
        let lines = [Some(m.keeps.to_owned()), Some(facts.join(" · ")), own];
        for (place, line) in lines.into_iter().flatten().enumerate() {
            match place {
                0 => out += &format!("{:<widest$}{line}\n", m.method),
                _ => out += &format!("    {line}\n"),
            }
        }
    }
    if methods.iter().any(|m| m.needs.ends_with(MISSING)) {
        out += "\n(*) needs libtorch, which this build does not have: `make build` makes one with it\n";
    }
    out
}

/// What stands for a default where there is none.
const NONE: &str = "–";

/// What marks a need that this build does not serve.
const MISSING: &str = "(*)";

/// Schedule, allocation and options of its own, unless others are asked for.
fn defaults(build: &Build) -> [String; 3] {
    match build {
        Build::Walks | Build::Paths(_) => [NONE, NONE, ""].map(str::to_owned),
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
    match missing {
        true => format!("{needs} {MISSING}"),
        false => needs.to_string(),
    }
}
