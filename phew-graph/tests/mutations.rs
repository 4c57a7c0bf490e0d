//! The corpora of the fuzz targets, and mutations of them: nothing that a file holds may panic.

#![expect(unreachable_pub, reason = "fuzz/ shares the targets")]

#[path = "../../fuzz/src/graph.rs"]
mod graph;
#[path = "../../fuzz/src/mutate.rs"]
mod mutate;

/// Mutations of a target's corpus.
const MUTATIONS: usize = 2000;

#[test]
fn weights_are_read_or_refused() {
    mutate::check("weights", MUTATIONS, graph::weights);
}

#[test]
fn masks_are_read_or_refused() {
    mutate::check("mask", MUTATIONS, graph::mask);
}

#[test]
fn scores_are_read_or_refused() {
    mutate::check("scores", MUTATIONS, graph::scores);
}

#[test]
fn tensors_are_read_or_refused() {
    mutate::check("tensors", MUTATIONS, graph::tensors);
}

#[test]
fn architectures_are_read_or_refused() {
    mutate::check("architecture", MUTATIONS, graph::architecture);
}

#[test]
fn shards_are_read_or_refused() {
    mutate::check("shards", MUTATIONS, graph::shards);
}

#[test]
fn exports_are_read_or_refused() {
    mutate::check("export", MUTATIONS, graph::export);
    mutate::check("onnx", MUTATIONS, graph::onnx);
    mutate::check("export_program", MUTATIONS, graph::export_program);
    mutate::check("export_weights", MUTATIONS, graph::export_weights);
}
