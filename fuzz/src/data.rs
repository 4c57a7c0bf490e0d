//! What phew-train reads: data sets, recipes and the folders of runs. Each function takes the bytes of one file, whose others
//! are sound, and must neither panic nor run for long.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;

use phew_train::ndarray::{Array1, Array4};
use phew_train::{
    Dataset, Early, ImageSpec, Images, MagnitudePruner, Pruning, Recipe, Run, RunOutcome, Set,
};

fn put(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).expect("a scratch folder");
    }
    std::fs::write(path, bytes).expect("a scratch folder");
}

fn idx(dimensions: &[u32], bytes: &[u8]) -> Vec<u8> {
    let sizes = dimensions.iter().flat_map(|d| d.to_be_bytes());
    [0, 0, 8, dimensions.len() as u8]
        .into_iter()
        .chain(sizes)
        .chain(bytes.iter().copied())
        .collect()
}

/// Images of MNIST, gzipped or not.
pub fn idx_images(bytes: &[u8], folder: &Path) {
    put(folder, "t10k-images-idx3-ubyte", bytes);
    put(folder, "t10k-labels-idx1-ubyte", &idx(&[5], &[1, 2, 3, 4, 5]));
    let _ = Set::MNIST_TEST_SPLIT.load(Some(folder), None);
}

/// Labels of MNIST.
pub fn idx_labels(bytes: &[u8], folder: &Path) {
    put(folder, "t10k-images-idx3-ubyte", &idx(&[5, 1, 2], &[7; 10]));
    put(folder, "t10k-labels-idx1-ubyte", bytes);
    let _ = Set::MNIST_TEST_SPLIT.load(Some(folder), None);
}

/// A batch of CIFAR-10 in its binary version.
pub fn cifar(bytes: &[u8], folder: &Path) {
    let sound = [0; 3073];
    for batch in 1..=5 {
        put(folder, &format!("data_batch_{batch}.bin"), if batch == 3 { bytes } else { &sound });
    }
    put(folder, "test_batch.bin", &sound);
    put(folder, "batches.meta.txt", b"cat\ndog\n");
    let _ = Set::CIFAR10.load(Some(folder), None);
}

/// A pickle: the names of CIFAR-100 in its version for Python, and its images.
pub fn pickle(bytes: &[u8], folder: &Path) {
    for name in ["meta", "train", "test"] {
        put(folder, name, bytes);
    }
    let _ = Set::CIFAR100.load(Some(folder), None);
}

/// An image, in a folder of a class.
pub fn image(bytes: &[u8], folder: &Path) {
    for name in ["train/a/x.png", "test/a/x.jpg"] {
        put(folder, name, bytes);
    }
    let skip = ImageSpec { skip_damaged: true, size: Some([4, 4]), ..ImageSpec::default() };
    let _ = Set::FOLDER.load_as(Some(folder), None, &skip);
    let _ = Set::FOLDER.load(Some(folder), None);
}

/// A table of files and labels.
pub fn label_table(bytes: &[u8], folder: &Path) {
    put(folder, "x.pgm", b"P5 1 1 255 \x07");
    put(folder, "train.csv", bytes);
    put(folder, "test.csv", bytes);
    let _ = Set::FOLDER.load(Some(folder), None);
}

/// The annotations of Tiny-ImageNet.
pub fn annotations(bytes: &[u8], folder: &Path) {
    put(folder, "wnids.txt", b"n1\nn2\n");
    for name in ["train/n1/images/x.pgm", "train/n2/images/x.pgm", "val/images/x.pgm"] {
        put(folder, name, b"P5 1 1 255 \x07");
    }
    put(folder, "val/val_annotations.txt", bytes);
    let _ = Set::TINY_IMAGENET.load(Some(folder), None);
}

/// A recipe.
pub fn recipe(bytes: &[u8], _: &Path) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(recipe) = Recipe::from_toml(text, "input") {
        let again = Recipe::from_toml(&recipe.to_toml(), "again").expect("its own words");
        assert_eq!(recipe, again);
    }
}

/// Tensors of a data set.
pub fn data_tensors(bytes: &[u8], folder: &Path) {
    put(folder, "x.safetensors", bytes);
    let _ = Set::TENSORS.load(Some(&folder.join("x.safetensors")), None);
}

/// A run in its folder: what it is of, and the files that it has left.
pub struct Sound {
    network: phew_graph::Network,
    data: Dataset,
    recipe: Recipe,
    /// Name and bytes of each file but those of other programs.
    pub files: Vec<(&'static str, Vec<u8>)>,
}

impl Sound {
    /// One of four weights and eight inputs, which is trained, pruned, rewound and trained again.
    pub fn run() -> &'static Self {
        static SOUND: OnceLock<Sound> = OnceLock::new();
        SOUND.get_or_init(|| {
            phew_train::set_threads(1);
            let arch = phew_graph::zoo::mlp(&[2, 2]).build().expect("a network");
            let network = phew_graph::Network::initialise(arch, phew_graph::Init::default(), 0);
            let inputs = Array4::from_shape_fn((8, 2, 1, 1), |(i, c, ..)| ((i >> c) & 1) as f32);
            let labels = Array1::from_shape_fn(8, |i| (i % 2) as u16);
            let images = || Images::from_arrays(inputs.view(), labels.view()).expect("images");
            let classes = vec!["even".to_owned(), "odd".to_owned()];
            let mut sound = Self {
                network: network.expect("a network"),
                data: Dataset::new("parity", classes, images(), images()).expect("a data set"),
                recipe: Recipe::from_toml(RECIPE, "recipe").expect("a recipe"),
                files: Vec::new(),
            };
            let folder = tempfile::tempdir().expect("a scratch folder");
            sound.train_in(folder.path()).expect("a training");
            let read = |name| (name, std::fs::read(folder.path().join(name)).expect(name));
            sound.files = FILES.map(read).into();
            sound
        })
    }

    fn train_in(&self, folder: &Path) -> Result<RunOutcome, phew_train::TrainError> {
        let pruning = Pruning::Rewind { step: Some(1), densities: vec![0.5], redraw: None };
        Run::builder(&self.network, &self.data, &self.recipe)
            .pruning(pruning, &MagnitudePruner)
            .build()?
            .train_in(folder, &mut (), &AtomicBool::new(false))
    }

    /// Goes on in a folder in which a file has other bytes, and others are missing; whether it was taken up.
    pub fn resumes(name: &str, bytes: &[u8], folder: &Path, without: &[&str]) -> bool {
        let (sound, folder) = (Self::run(), folder.join("run"));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).expect("a scratch folder");
        for (file, whole) in sound.files.iter().filter(|(file, _)| !without.contains(file)) {
            put(&folder, file, if *file == name { bytes } else { whole });
        }
        sound.train_in(&folder).is_ok()
    }

    fn file(&self, name: &str) -> &[u8] {
        self.files.iter().find(|(file, _)| *file == name).map_or(&[], |(_, bytes)| bytes)
    }
}

const FILES: [&str; 7] = [
    "config.toml",
    "arch.toml",
    "checkpoint.safetensors",
    "early.safetensors",
    "mask-1.safetensors",
    "weights.safetensors",
    "result.json",
];

const RECIPE: &str = r#"
about = "to be broken off"
arch = "mlp-2-2"
epochs = 2
batch = 4
[data]
set = "tensors"
[optimiser]
kind = "sgd"
momentum = 0.9
[schedule]
rate = 0.1
"#;

/// The configuration of a run that is done.
pub fn run_config(bytes: &[u8], folder: &Path) {
    Sound::resumes("config.toml", bytes, folder, &[]);
}

/// The result of a run: the first two names in it stand for the hashes of run and weights, which machines differ in.
pub fn run_result(bytes: &[u8], folder: &Path) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (weights, config) =
        (Sound::run().file("weights.safetensors"), Sound::run().file("config.toml"));
    let text = text.replace("@weights@", &phew_graph::content_hash(weights));
    let text = text.replace("@run@", &phew_graph::content_hash(config)[..16]);
    Sound::resumes("result.json", text.as_bytes(), folder, &[]);
}

/// The checkpoint of a run.
pub fn run_checkpoint(bytes: &[u8], folder: &Path) {
    Sound::resumes(
        "checkpoint.safetensors",
        bytes,
        folder,
        &["result.json", "weights.safetensors"],
    );
}

/// The early network of a run, and of another run that begins from it.
pub fn run_early(bytes: &[u8], folder: &Path) {
    Sound::resumes("early.safetensors", bytes, folder, &["result.json", "weights.safetensors"]);
    let _ = Early::load(&folder.join("run/early.safetensors"));
}
