//! `phew prune --list-methods`.

use phew_baselines::methods;

use super::rival::served;
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
    rows.extend(super::paths::METHODS.map(|(name, keeps)| {
        [
            name,
            keeps,
            "initial weights",
            "Patil & Dovrolis 2020 (ICLR text)",
            "–",
            "–",
            "see --help",
        ]
        .map(str::to_owned)
        .to_vec()
    }));
    rows.extend(methods().iter().map(|m| {
        let needs = match m.needs.oracle() && !served(m.needs) {
            true => format!("{} (*)", m.needs),
            false => m.needs.to_string(),
        };
        vec![
            m.name.to_owned(),
            m.summary.to_owned(),
            needs,
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
