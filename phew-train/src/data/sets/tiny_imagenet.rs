//! Tiny-ImageNet in its own layout: `wnids.txt`, `train/<wnid>/images/`, `val/images/` with `val_annotations.txt`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::data::dataset::Dataset;
use crate::data::format::image_files::{Labelled, decode, image_files};
use crate::data::format::label_table::inside;
use crate::data::image_spec::ImageSpec;
use crate::data::published::Published;
use crate::data::set::{Entry, Set, Source};
use crate::error::{Result, TrainError};

const FOLDER: &str = "tiny-imagenet-200";

impl Set {
    /// Tiny-ImageNet, from its folder or from `tiny-imagenet-200` there. The validation images are the test set, since
    /// the labels of the test images were never published.
    pub const TINY_IMAGENET: Self = Self::new(&Entry {
        name: "tiny-imagenet",
        description: "objects, 64×64 in colour, 200 classes",
        image_files: true,
        source: Source::Files {
            load,
            folder: "tiny-imagenet",
            published: Some(Published {
                train: 100_000,
                test: 10_000,
                classes: 200,
                mirrors: &["http://cs231n.stanford.edu"],
                // A sum that several public loaders agree on.
                files: &[(
                    "tiny-imagenet-200.zip",
                    248_100_043,
                    "6198c8ae015e2b3e007c7841da39ec069199b9aa3bfa943a462022fe5e43c821",
                )],
                unpacks_to: Some(FOLDER),
            }),
        },
    });
}

fn load(dir: &Path, spec: &ImageSpec) -> Result<Dataset> {
    let inner = dir.join(FOLDER);
    let dir = if inner.is_dir() { inner.as_path() } else { dir };
    let classes: Vec<String> =
        text(&dir.join("wnids.txt"))?.split_whitespace().map(str::to_owned).collect();
    if classes.is_empty() {
        return Err(TrainError::corrupt(&dir.join("wnids.txt"), "names no class"));
    }
    // What is no image is part of the set: lists of boxes.
    let mut lists = Vec::new();
    let train = of_classes(&dir.join("train"), &classes, &mut lists)?;
    let validation = dir.join("val");
    let test = match validation.join(ANNOTATIONS).exists() {
        true => annotated(&validation, &classes)?,
        // As the usual scripts rearrange it, with a folder for each class.
        false if validation.join(&classes[0]).is_dir() => {
            of_classes(&validation, &classes, &mut lists)?
        }
        false => annotated(&validation, &classes)?,
    };
    // Some images are grey: they become three equal planes, whatever the others are.
    let channels = Some(spec.channels.unwrap_or(3));
    let (train, test, notes) = decode(&train, &test, &ImageSpec { channels, ..spec.clone() })?;
    let mut set = Dataset::new("Tiny-ImageNet", classes, train, test)?;
    set.notes = notes;
    Ok(set)
}

/// The file that names the class of each validation image.
const ANNOTATIONS: &str = "val_annotations.txt";

fn text(path: &Path) -> Result<String> {
    if !path.exists() {
        let hint = "run 'phew data fetch tiny-imagenet', or name another folder";
        return Err(TrainError::missing(path, hint));
    }
    phew_graph::read_text(path).map_err(TrainError::io(path))
}

/// The images of a folder for each class, in `images` there or not.
fn of_classes(dir: &Path, classes: &[String], lists: &mut Vec<PathBuf>) -> Result<Labelled> {
    let mut files = Labelled::new();
    for (label, class) in (0_u16..).zip(classes) {
        let folder = dir.join(class);
        let images = image_files(&folder, lists)?;
        if images.is_empty() {
            return Err(TrainError::missing(&folder.join("*.JPEG"), "the class has no image"));
        }
        files.extend(images.into_iter().map(|path| (path, label)));
    }
    Ok(files)
}

/// The images that `val_annotations.txt` lists: file name, class and a bounding box, tab-separated.
fn annotated(dir: &Path, classes: &[String]) -> Result<Labelled> {
    let numbers: HashMap<&str, u16> = classes.iter().map(String::as_str).zip(0..).collect();
    let path = dir.join(ANNOTATIONS);
    let mut files = Labelled::new();
    for (number, line) in text(&path)?.lines().enumerate() {
        let wrong =
            |problem: String| TrainError::corrupt(&path, format!("line {}: {problem}", number + 1));
        let mut columns = line.split('\t');
        let (Some(file), Some(class)) = (columns.next(), columns.next()) else {
            return Err(wrong("expected a file name, a tab and a class".to_owned()));
        };
        let Some(&label) = numbers.get(class) else {
            return Err(wrong(format!("class '{class}' is not in wnids.txt")));
        };
        let Some(image) = inside(&dir.join("images"), file) else {
            return Err(wrong(format!("'{file}' leads out of the folder of images")));
        };
        if !image.exists() {
            return Err(TrainError::missing(&image, "val_annotations.txt lists it"));
        }
        files.push((image, label));
    }
    if files.is_empty() {
        return Err(TrainError::corrupt(&path, "lists no image"));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(path: &Path, grey: u8) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        // Some images of the set are grey: they become three equal planes.
        image::GrayImage::from_pixel(8, 8, image::Luma([grey]))
            .save_with_format(path, image::ImageFormat::Jpeg)
            .unwrap();
    }

    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("tiny-imagenet-200");
        put(&root.join("train/n02/images/n02_0.JPEG"), 20);
        put(&root.join("train/n01/images/n01_0.JPEG"), 10);
        put(&root.join("train/n01/images/n01_1.JPEG"), 11);
        put(&root.join("val/images/val_0.JPEG"), 200);
        put(&root.join("val/images/val_1.JPEG"), 100);
        std::fs::write(root.join("wnids.txt"), "n02\nn01\n").unwrap();
        let lines = "val_1.JPEG\tn01\t0\t0\t8\t8\nval_0.JPEG\tn02\t0\t0\t8\t8\n";
        std::fs::write(root.join("val/val_annotations.txt"), lines).unwrap();
        dir
    }

    fn load(dir: &Path) -> Result<Dataset> {
        super::load(dir, &ImageSpec::default())
    }

    #[test]
    fn classes_follow_wnids_and_validation_labels_the_annotations() {
        let dir = folder();
        let set = load(dir.path()).unwrap();
        assert_eq!(set.classes, ["n02", "n01"]);
        assert_eq!(set.train.labels(), [0, 1, 1]);
        assert_eq!(set.test.labels(), [1, 0]);
        assert_eq!(set.train.shape(), [3, 8, 8]);
        let [first, last] = [set.train.image(2)[0], set.train.image(2)[3 * 64 - 1]];
        assert_eq!(first, last);
        // A flat grey survives JPEG to within a level.
        assert!(set.test.image(0)[0].abs_diff(100) <= 1);
    }

    #[test]
    fn a_folder_for_each_class_to_validate_on_is_read_too() {
        let dir = folder();
        let set = load(dir.path()).unwrap();
        let root = dir.path().join("tiny-imagenet-200/val");
        std::fs::remove_file(root.join(ANNOTATIONS)).unwrap();
        for (class, image) in [("n01", "val_1.JPEG"), ("n02", "val_0.JPEG")] {
            std::fs::create_dir_all(root.join(class)).unwrap();
            std::fs::rename(root.join("images").join(image), root.join(class).join(image)).unwrap();
        }
        let other = load(dir.path()).unwrap();
        // In the order of the classes.
        assert_eq!(other.test, set.test.select(&[1, 0]).unwrap());
    }

    #[test]
    fn annotations_of_unknown_classes_or_absent_images_are_refused() {
        let dir = folder();
        let annotations = dir.path().join("tiny-imagenet-200/val/val_annotations.txt");
        std::fs::write(&annotations, "val_0.JPEG\tn99\n").unwrap();
        let error = load(dir.path()).unwrap_err().to_string();
        assert!(error.contains("line 1: class 'n99' is not in wnids.txt"), "{error}");
        std::fs::write(&annotations, "../../wnids.txt\tn01\n").unwrap();
        let error = load(dir.path()).unwrap_err().to_string();
        assert!(error.contains("line 1: '../../wnids.txt' leads out of"), "{error}");
        std::fs::write(&annotations, "val_9.JPEG\tn01\n").unwrap();
        let error = load(dir.path()).unwrap_err().to_string();
        assert!(error.contains("val_9.JPEG: not found"), "{error}");
    }
}
