//! The corpora of the fuzz targets, and mutations of them: nothing that a file holds may panic.

#![expect(unreachable_pub, reason = "fuzz/ shares the targets")]

#[path = "../../fuzz/src/data.rs"]
mod data;
#[path = "../../fuzz/src/mutate.rs"]
mod mutate;

/// Mutations of a target's corpus.
const MUTATIONS: usize = 1000;

/// Mutations of a file of a run, each of which begins a training.
const RUNS: usize = 300;

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

#[test]
fn folders_of_runs_are_taken_up_or_refused() {
    mutate::check("run_config", RUNS, data::run_config);
    mutate::check("run_result", RUNS, data::run_result);
    mutate::check("run_checkpoint", RUNS, data::run_checkpoint);
    mutate::check("run_early", RUNS, data::run_early);
}

/// What the corpus of a checkpoint holds must be taken up, or its mutations would try nothing but its identity.
#[test]
fn the_corpora_of_runs_are_of_this_build() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    for (target, name) in [
        ("run_config", "config.toml"),
        ("run_checkpoint", "checkpoint.safetensors"),
        ("run_early", "early.safetensors"),
    ] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../fuzz/corpus")
            .join(target)
            .join("whole");
        if std::env::var_os("PHEW_WRITE_CORPUS").is_some() {
            let file = data::Sound::run().files.iter().find(|(file, _)| *file == name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(&path, &file.expect("a file of a run").1).expect("a file");
        }
        let bytes = std::fs::read(&path).expect("a file of the corpus");
        let done = ["result.json", "weights.safetensors"];
        assert!(
            data::Sound::resumes(name, &bytes, scratch.path(), &done),
            "{}: of another build; PHEW_WRITE_CORPUS=1 writes it anew",
            path.display()
        );
    }
}
