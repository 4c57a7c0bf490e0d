//! Image folders: a folder per class, under `train` and under `test` (or `val`).

use std::path::Path;

use crate::data::dataset::Dataset;
use crate::data::format::image_files::{decode_all, entries, image_files};
use crate::data::images::Images;
use crate::data::set::{Entry, Set, Source};
use crate::error::{Result, TrainError};

impl Set {
    /// The images of `train/<class>/…` and `test/<class>/…` (or `val/…`) in a folder: JPEG, PNG, BMP, GIF, WebP or PNM, all
    /// of one size.
    ///
    /// Classes are numbered in the order of their names, images within a class likewise. The set is called by the name
    /// of the folder.
    pub const FOLDER: Self = Self::new(&Entry {
        name: "folder",
        description: "your own: a folder per class, under train/ and test/",
        source: Source::Folder(load),
    });
}

fn load(dir: &Path) -> Result<Dataset> {
    let train_dir = dir.join("train");
    let classes = entries(&train_dir)?
        .into_iter()
        .filter(|path| path.is_dir())
        .map(|path| name(&path))
        .collect::<Vec<_>>();
    if classes.is_empty() {
        return Err(TrainError::missing(
            &train_dir.join("<class>"),
            "put the images of each class into a folder of its own",
        ));
    }
    let test_dir = ["test", "val"].map(|name| dir.join(name)).into_iter().find(|d| d.is_dir());
    let Some(test_dir) = test_dir else {
        return Err(TrainError::missing(
            &dir.join("test"),
            "put the images to test on there, a folder per class ('val' will do)",
        ));
    };
    for path in entries(&test_dir)? {
        if path.is_dir() && !classes.contains(&name(&path)) {
            return Err(TrainError::corrupt(&path, "a class that 'train' does not have"));
        }
    }
    let train = read(&train_dir, &classes)?;
    let test = read(&test_dir, &classes)?;
    Dataset::new(&name(dir), classes, train, test)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn read(dir: &Path, classes: &[String]) -> Result<Images> {
    let mut files = Vec::new();
    for (label, class) in (0_u16..).zip(classes) {
        let folder = dir.join(class);
        let images = image_files(&folder)?;
        if images.is_empty() {
            return Err(TrainError::missing(
                &folder.join("*.jpg, *.png"),
                "the class has no image",
            ));
        }
        files.extend(images.into_iter().map(|path| (path, label)));
    }
    decode_all(&files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(path: &Path, colour: [u8; 3], size: u32) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::RgbImage::from_pixel(size, 2, image::Rgb(colour)).save(path).unwrap();
    }

    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        put(&dir.path().join("train/dog/b.png"), [4, 5, 6], 3);
        put(&dir.path().join("train/dog/a.png"), [1, 2, 3], 3);
        put(&dir.path().join("train/cat/x.PNG"), [7, 8, 9], 3);
        put(&dir.path().join("val/cat/y.png"), [10, 11, 12], 3);
        put(&dir.path().join("val/dog/z.png"), [13, 14, 15], 3);
        std::fs::write(dir.path().join("train/dog/notes.txt"), "not an image").unwrap();
        dir
    }

    #[test]
    fn classes_and_images_are_in_the_order_of_their_names() {
        let dir = folder();
        let set = load(dir.path()).unwrap();
        assert_eq!(set.classes, ["cat", "dog"]);
        assert_eq!(set.train.labels(), [0, 1, 1]);
        assert_eq!(set.train.shape(), [3, 2, 3]);
        // Planes, not interleaved: six bytes of each colour.
        let planes = [[1_u8; 6], [2; 6], [3; 6]].concat();
        assert_eq!(set.train.image(1), planes);
        assert_eq!(set.test.labels(), [0, 1]);
    }

    #[test]
    fn another_size_a_broken_file_and_a_strange_class_are_named() {
        let dir = folder();
        put(&dir.path().join("train/dog/c.png"), [0; 3], 4);
        let error = load(dir.path()).unwrap_err().to_string();
        assert!(error.contains("c.png: 2×4 pixels, expected 2×3"), "{error}");
        std::fs::write(dir.path().join("train/dog/c.png"), "no").unwrap();
        let error = load(dir.path()).unwrap_err().to_string();
        assert!(error.contains("c.png: cannot be decoded"), "{error}");
        std::fs::remove_file(dir.path().join("train/dog/c.png")).unwrap();
        put(&dir.path().join("val/emu/a.png"), [0; 3], 3);
        let error = load(dir.path()).unwrap_err().to_string();
        assert!(error.ends_with("emu: a class that 'train' does not have"), "{error}");
    }

    #[test]
    fn a_folder_without_test_images_is_refused() {
        let dir = folder();
        std::fs::remove_dir_all(dir.path().join("val")).unwrap();
        let error = load(dir.path()).unwrap_err();
        assert!(matches!(error, TrainError::Missing { .. }), "{error}");
    }
}
