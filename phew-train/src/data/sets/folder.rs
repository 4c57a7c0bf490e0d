//! Image folders: a folder per class, or tables of files and labels, to train on and to test on.

use std::path::{Path, PathBuf};

use crate::data::dataset::Dataset;
use crate::data::format::image_files::{
    Labelled, decode, entries, image_files, is_image, left_out,
};
use crate::data::format::label_table::LabelTable;
use crate::data::image_spec::ImageSpec;
use crate::data::set::{Entry, Set, Source};
use crate::error::{Result, TrainError};

/// Names of the part to train on, and of the part to test on, the usual one first.
const TRAIN: [&str; 2] = ["train", "training"];
const TEST: [&str; 5] = ["test", "val", "valid", "validation", "testing"];

impl Set {
    /// Images of one's own: JPEG, PNG, BMP, GIF, WebP or PNM.
    ///
    /// Either `train/<class>/…` and `test/<class>/…`, with folders in the classes' folders or without; or `train.csv` and
    /// `test.csv`, a file and its label on each line, files being named from the table's folder. `training`, `val`,
    /// `valid`, `validation` and `testing` will do. Classes are numbered in the order of their names (of numbers, in
    /// theirs), images within a class likewise. The set is called by the name of the folder.
    pub const FOLDER: Self = Self::new(&Entry {
        name: "folder",
        description: "your own: a folder per class, or a CSV, as train and test",
        image_files: true,
        source: Source::Folder(load),
    });
}

fn load(dir: &Path, spec: &ImageSpec) -> Result<Dataset> {
    let tables = [&TRAIN[..], &TEST[..]].map(|names| first(dir, names, ".csv"));
    let mut notes = Vec::new();
    let (classes, train, test) = match tables {
        [Some(train), Some(test)] => of_tables(&train, &test)?,
        _ => of_folders(dir, &mut notes)?,
    };
    let (train, test, damaged) = decode(&train, &test, spec)?;
    let mut set = Dataset::new(&name(dir), classes, train, test)?;
    set.notes = [notes, damaged].concat();
    Ok(set)
}

/// Classes, what to train on, what to test on.
type Parts = (Vec<String>, Labelled, Labelled);

fn of_tables(train: &Path, test: &Path) -> Result<Parts> {
    let (train, test) = (LabelTable::read(train)?, LabelTable::read(test)?);
    let classes = train.classes();
    let (train, test) = (train.files(&classes)?, test.files(&classes)?);
    Ok((classes, train, test))
}

fn of_folders(dir: &Path, notes: &mut Vec<String>) -> Result<Parts> {
    let train_dir = first(dir, &TRAIN, "").unwrap_or_else(|| dir.join(TRAIN[0]));
    let mut outside = Vec::new();
    let classes = classes(&train_dir, &mut outside)?;
    if classes.is_empty() {
        return Err(TrainError::missing(
            &train_dir.join("<class>"),
            "put the images of each class into a folder of its own, or name files and labels in train.csv",
        ));
    }
    let Some(test_dir) = first(dir, &TEST, "") else {
        return Err(TrainError::missing(
            &dir.join(TEST[0]),
            "put the images to test on there, a folder per class ('val' will do)",
        ));
    };
    for class in self::classes(&test_dir, &mut outside)? {
        if !classes.contains(&class) {
            let path = test_dir.join(class);
            return Err(TrainError::corrupt(&path, "a class that 'train' does not have"));
        }
    }
    let mut others = Vec::new();
    let (train, test) =
        (files(&train_dir, &classes, &mut others)?, files(&test_dir, &classes, &mut others)?);
    notes.extend(left_out(&outside, "images lie in no class and were left out"));
    notes.extend(left_out(&others, "files are no images and were passed over"));
    Ok((classes, train, test))
}

/// The first of some names, with an ending, that is there.
fn first(dir: &Path, names: &[&str], ending: &str) -> Option<PathBuf> {
    names.iter().map(|name| dir.join(format!("{name}{ending}"))).find(|path| path.exists())
}

/// The folders of a part, each a class; images beside them are added to `outside`.
fn classes(dir: &Path, outside: &mut Vec<PathBuf>) -> Result<Vec<String>> {
    let (folders, files): (Vec<PathBuf>, Vec<PathBuf>) =
        entries(dir)?.into_iter().partition(|path| path.is_dir());
    for file in files {
        if is_image(&file)? {
            outside.push(file);
        }
    }
    Ok(folders.iter().map(|path| name(path)).collect())
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn files(dir: &Path, classes: &[String], others: &mut Vec<PathBuf>) -> Result<Labelled> {
    let mut files = Labelled::new();
    for (label, class) in (0_u16..).zip(classes) {
        let folder = dir.join(class);
        let images = image_files(&folder, others)?;
        if images.is_empty() {
            return Err(TrainError::missing(
                &folder.join("*.jpg, *.png"),
                "the class has no image",
            ));
        }
        files.extend(images.into_iter().map(|path| (path, label)));
    }
    Ok(files)
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

    fn load(dir: &Path) -> Result<Dataset> {
        super::load(dir, &ImageSpec::default())
    }

    #[test]
    fn what_is_left_out_is_counted_and_named() {
        let dir = folder();
        put(&dir.path().join("train/stray.png"), [0; 3], 3);
        std::fs::write(dir.path().join("val/dog/list.csv"), "x").unwrap();
        let notes = load(dir.path()).unwrap().notes;
        assert_eq!(notes.len(), 2, "{notes:?}");
        assert!(notes[0].contains("1 images lie in no class") && notes[0].contains("stray.png"));
        assert!(notes[1].starts_with("2 files are no images") && notes[1].contains("notes.txt"));
    }

    #[test]
    fn tables_of_files_and_labels_are_read() {
        let dir = folder();
        let put = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        put("train.csv", "image,label\ntrain/dog/b.png,10\n\"train/cat/x.PNG\",9\n");
        put("test.csv", "val/dog/z.png;10\r\nval/cat/y.png;9\r\n");
        let set = load(dir.path()).unwrap();
        assert_eq!(set.classes, ["9", "10"], "numbers stand in their order");
        assert_eq!((set.train.labels(), set.test.labels()), (&[1, 0][..], &[1, 0][..]));
        assert_eq!(set.train.image(0)[0], 4);
        for (line, wanted) in [
            ("../secret.png,9", "line 1: '../secret.png' leads out of the table's folder"),
            ("/etc/passwd,9", "line 1: '/etc/passwd' leads out of"),
            ("val/dog/z.png,emu", "class 'emu' is not in"),
            ("val/dog/z.png", "line 1: expected a file and a label"),
            ("val/dog/none.png,9", "none.png: not found; line 1"),
            ("", "names no file"),
        ] {
            put("test.csv", line);
            let error = load(dir.path()).unwrap_err().to_string();
            assert!(error.contains(wanted), "{line}: {error}");
        }
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
