//! The corpora of the fuzz targets, and mutations of them: nothing that a file holds may panic.

#![expect(unreachable_pub, reason = "fuzz/ shares the targets")]

#[path = "../../fuzz/src/graph.rs"]
mod graph;
#[path = "../../fuzz/src/mutate.rs"]
mod mutate;

use std::path::Path;

/// Inputs of a target beside the corpus itself, unless `PHEW_MUTATIONS` says otherwise.
const MUTATIONS: usize = 2000;

/// Where these begin, unless `PHEW_MUTATIONS_SEED` says otherwise.
const SEED: u64 = 1;

fn given<T: std::str::FromStr>(name: &str, usual: T) -> T {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn check(target: &str, run: fn(&[u8], &Path)) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let mut mutator = mutate::Mutator::new(&corpus, given("PHEW_MUTATIONS_SEED", SEED));
    mutator.corpus().iter().for_each(|bytes| run(bytes, scratch.path()));
    for _ in 0..given("PHEW_MUTATIONS", MUTATIONS) {
        run(&mutator.mutated(), scratch.path());
    }
}

#[test]
fn weights_are_read_or_refused() {
    check("weights", graph::weights);
}

#[test]
fn masks_are_read_or_refused() {
    check("mask", graph::mask);
}

#[test]
fn scores_are_read_or_refused() {
    check("scores", graph::scores);
}

#[test]
fn tensors_are_read_or_refused() {
    check("tensors", graph::tensors);
}

#[test]
fn architectures_are_read_or_refused() {
    check("architecture", graph::architecture);
}
