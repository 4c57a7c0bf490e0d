//! Real files, where the checkout has them beside it.

#![expect(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "helpers of tests; a skipped one says so"
)]

use std::path::{Path, PathBuf};

use phew_train::{Dataset, Set, image_transformation};

fn shared(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(folder);
    if !path.is_dir() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

fn test_split(dir: &Path) -> Dataset {
    Set::MNIST_TEST_SPLIT.load(Some(dir), None).unwrap()
}

#[test]
fn the_test_files_of_mnist_are_the_published_ones() {
    let Some(dir) = shared("mnist") else { return };
    let set = test_split(&dir);
    assert_eq!((set.train.len(), set.test.len()), (8000, 2000));
    assert_eq!(set.train.shape(), [1, 28, 28]);
    // The first labels of the test set, as everybody knows them.
    assert_eq!(set.train.labels()[..10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    // Mean and deviation of all 10,000 test images are 0.1325 and 0.3105; of 8,000 nearly so.
    let (mean, deviation) = set.train.channel_statistics()[0];
    assert!((mean - 0.1325).abs() < 0.005 && (deviation - 0.3105).abs() < 0.005, "{mean}");
}

#[test]
fn the_transformation_task_is_made_of_real_digits() {
    let Some(dir) = shared("mnist") else { return };
    let task = image_transformation(&test_split(&dir), Some(500), 0).unwrap();
    assert_eq!(task.train.len(), 5000);
    let targets = task.train.targets().unwrap();
    // A digit fills the middle of its image: the turn keeps nearly all ink, the crop loses a little.
    let ink = |bytes: &[u8]| bytes.iter().map(|&byte| f64::from(byte)).sum::<f64>();
    let kept = ink(targets) / ink(task.train.pixels());
    assert!((0.9..1.01).contains(&kept), "{kept}");
}

#[test]
fn a_folder_without_the_training_files_says_what_to_do() {
    let Some(dir) = shared("mnist") else { return };
    let error = Set::MNIST.check(&dir).unwrap_err().to_string();
    assert!(error.contains("train-images-idx3-ubyte.gz: not found; run 'phew data fetch mnist'"));
}
