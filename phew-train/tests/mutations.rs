//! The corpora of the fuzz targets, and mutations of them: nothing that a file holds may panic.

#![expect(unreachable_pub, reason = "fuzz/ shares the targets")]

#[path = "../../fuzz/src/data.rs"]
mod data;
#[path = "../../fuzz/src/mutate.rs"]
mod mutate;

/// Mutations of a target's corpus.
const MUTATIONS: usize = 1000;

#[test]
fn files_of_mnist_are_read_or_refused() {
    mutate::check("idx_images", MUTATIONS, data::idx_images);
    mutate::check("idx_labels", MUTATIONS, data::idx_labels);
}

#[test]
fn batches_of_cifar_are_read_or_refused() {
    mutate::check("cifar", MUTATIONS, data::cifar);
    mutate::check("pickle", MUTATIONS, data::pickle);
}

#[test]
fn folders_of_images_are_read_or_refused() {
    mutate::check("image", MUTATIONS, data::image);
    mutate::check("label_table", MUTATIONS, data::label_table);
    mutate::check("annotations", MUTATIONS, data::annotations);
}

#[test]
fn recipes_are_read_or_refused() {
    mutate::check("recipe", MUTATIONS, data::recipe);
}

#[test]
fn tensors_of_data_are_read_or_refused() {
    mutate::check("data_tensors", MUTATIONS, data::data_tensors);
}
