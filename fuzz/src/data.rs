//! What phew-train reads: data sets and recipes. Each function takes the bytes of one file of a set whose others are sound,
//! and must neither panic nor run for long.

use std::path::Path;

use phew_train::{ImageSpec, Recipe, Set};

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
