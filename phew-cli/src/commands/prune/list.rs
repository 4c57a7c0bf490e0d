//! `phew prune --list-methods`.

use phew_baselines::{Needs, methods};

use super::served;
use crate::output::{table, text};

/// Prints all methods with what each needs, its paper and its defaults.
pub(super) fn print() -> anyhow::Result<()> {
    let head = ["method", "keeps", "needs", "paper", "schedule", "allocation", "own options"];
    let mut rows = vec![vec![
        super::PHEW.to_owned(),
        "random walks biased towards large |w|".into(),
        "initial weights".into(),
        "Patil & Dovrolis 2021".into(),
        "–".into(),
        "–".into(),
        "see --help".into(),
    ]];
    rows.extend(super::paths::METHODS.map(|(name, keeps, needs)| {
        let paper = "Patil & Dovrolis 2020 (ICLR text)";
        [name, keeps, &asks(needs), paper, "–", "–", "see --help"].map(str::to_owned).to_vec()
    }));
    rows.extend(methods().iter().map(|m| {
        vec![
            m.name.to_owned(),
            m.summary.to_owned(),
            asks(m.needs),
            m.paper.to_owned(),
            m.schedule.to_owned(),
            m.allocation.to_owned(),
            m.options().to_owned(),
        ]
    }));
    let out = table(&head, &rows, head.len())
        + match cfg!(feature = "train") {
            true => "\n(*) not served by this build\n",
            false => "\n(*) not served by this build: it has nothing that runs networks on data\n",
        };
    text(&out)
}

/// What a method needs, marked if this build does not have it.
fn asks(needs: Needs) -> String {
    let missing = needs.oracle() && !served(needs);
    format!("{needs}{}", if missing { " (*)" } else { "" })
}
