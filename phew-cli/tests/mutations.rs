//! The corpora of the fuzz targets, and mutations of them: nothing that a file holds may panic.

#![expect(unreachable_pub, reason = "fuzz/ shares the targets")]

#[path = "../../fuzz/src/cli.rs"]
mod cli;
#[path = "../../fuzz/src/mutate.rs"]
mod mutate;

/// Mutations of a target's corpus.
const MUTATIONS: usize = 1000;

#[test]
fn plans_and_reproductions_are_read_or_refused() {
    mutate::check("plan", MUTATIONS, cli::plan);
    mutate::check("reproduction", MUTATIONS, cli::reproduction);
}

#[test]
fn figures_and_published_numbers_are_read_or_refused() {
    mutate::check("figure", MUTATIONS, cli::figure);
    mutate::check("published", MUTATIONS, cli::published);
}

#[test]
fn folders_of_sweeps_are_read_or_refused() {
    mutate::check("rows", MUTATIONS, cli::rows);
    mutate::check("sweep_note", MUTATIONS, cli::sweep_note);
    mutate::check("sweep_cells", MUTATIONS, cli::sweep_cells);
    mutate::check("sweep_result", MUTATIONS, cli::sweep_result);
    mutate::check("sweep_metrics", MUTATIONS, cli::sweep_metrics);
}

#[test]
fn the_sweep_that_is_changed_is_whole_itself() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    assert_eq!(cli::sweep("none", b"", scratch.path()), Some(1));
}
