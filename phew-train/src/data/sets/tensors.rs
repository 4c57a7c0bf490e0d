//! Tensors of one's own, in one safetensors file: any data set that Python can read, in two lines.

use std::path::Path;

use phew_graph::TensorFile;

use crate::data::dataset::Dataset;
use crate::data::image_spec::ImageSpec;
use crate::data::images::Images;
use crate::data::pixels::Pixels;
use crate::data::set::{Entry, Set, Source};
use crate::error::{Result, TrainError};

/// The entry of the metadata that says whether inputs are normalised.
const NORMALISE: &str = "normalise";

impl Set {
    /// The tensors `train.input`, `train.target`, `test.input` and `test.target` of a safetensors file.
    ///
    /// # Shapes
    /// Inputs `[n, …]` of U8, which stand for numbers from 0 to 1, or of floating-point numbers: `[n, channels, rows,
    /// columns]`, `[n, rows, columns]` of one channel, `[n, features]`, `[n]`, or more dimensions, of which the second is
    /// that of the channels. Targets `[n]` of integers are classes, counted from 0; targets `[n, …]` of floating-point
    /// numbers are values to come close to.
    ///
    /// Each channel (each feature) is normalised by mean and deviation over the training inputs, unless the metadata say
    /// `"normalise": "no"`. The set is called by the name of the file.
    pub const TENSORS: Self = Self::new(&Entry {
        name: "tensors",
        description: "your own: a file of train.input, train.target, test.input, test.target",
        source: Source::Folder(load),
        image_files: false,
    });
}

fn load(path: &Path, _: &ImageSpec) -> Result<Dataset> {
    let file = TensorFile::open(path)?;
    let known = ["train.input", "train.target", "test.input", "test.target"];
    if let Some(name) = file.names().into_iter().find(|name| !known.contains(&name.as_str())) {
        let found = format!("has a tensor `{name}`, expected {}", known.join(", "));
        return Err(TrainError::corrupt(path, found));
    }
    let normalise = match file.metadata(NORMALISE) {
        None | Some("yes") => true,
        Some("no") => false,
        Some(other) => {
            let found = format!("metadata `{NORMALISE}` is `{other}`, expected yes or no");
            return Err(TrainError::corrupt(path, found));
        }
    };
    let read = |part| read(path, &file, part);
    let ((train, classes), (test, others)) = (read("train")?, read("test")?);
    let names = (0..classes.max(others)).map(|class| class.to_string()).collect();
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let data = Dataset::new(&name, names, train, test)?;
    let as_they_are = || vec![(0.0, 1.0); data.train.shape()[0]];
    let statistics = (!normalise).then(as_they_are);
    Ok(Dataset { statistics, ..data })
}

/// The images of a part, and how many classes their labels name.
fn read(path: &Path, file: &TensorFile, part: &str) -> Result<(Images, usize)> {
    let (input, target) = (format!("{part}.input"), format!("{part}.target"));
    let wrong =
        |name: &str, reason: String| TrainError::corrupt(path, format!("`{name}` {reason}"));
    let pixels: Pixels = match file.bytes(&input)? {
        Some(bytes) => bytes.into(),
        None => file.array(&input)?.into_raw_vec_and_offset().0.into(),
    };
    let sizes = file.shape(&input).unwrap_or_default();
    let (count, shape) = match *sizes {
        [n] => (n, [1, 1, 1]),
        [n, features] => (n, [features, 1, 1]),
        [n, rows, columns] => (n, [1, rows, columns]),
        [n, channels, rows, columns] => (n, [channels, rows, columns]),
        [n, channels, ref rest @ ..] => {
            let size = rest.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
            let size = size.ok_or_else(|| wrong(&input, format!("has shape {sizes:?}")))?;
            (n, [channels, size, 1])
        }
        [] => {
            return Err(wrong(
                &input,
                "is a number, expected one input after the other".to_owned(),
            ));
        }
    };
    let targets = file.integers(&target)?;
    let found = file.shape(&target).unwrap_or_default();
    if found.first() != Some(&count) {
        let expected = format!("has shape {found:?}, expected {count} first, as `{input}` has");
        return Err(wrong(&target, expected));
    }
    let Some(classes) = targets else {
        let values = file.array(&target)?.into_raw_vec_and_offset().0;
        let images = Images::new(shape, pixels, vec![0; count])?.with_targets(values)?;
        return Ok((images, 1));
    };
    if found.len() > 1 {
        let expected = "expected one class for each input (or values, as floating-point numbers)";
        return Err(wrong(&target, format!("has shape {found:?}, {expected}")));
    }
    let label = |(index, class): (usize, i64)| {
        let reason = || format!("is {class} at {index}, expected a class from 0 to {}", u16::MAX);
        u16::try_from(class).map_err(|_| wrong(&target, reason()))
    };
    let labels: Vec<u16> = classes.into_iter().enumerate().map(label).collect::<Result<_>>()?;
    let most = labels.iter().max().map_or(0, |&most| usize::from(most) + 1);
    Ok((Images::new(shape, pixels, labels)?, most))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use safetensors::tensor::{Dtype, TensorView, serialize};

    use super::*;

    type Stored = (&'static str, Dtype, Vec<usize>, Vec<u8>);

    fn write(dir: &Path, tensors: &[Stored], normalise: Option<&str>) -> std::path::PathBuf {
        let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
            (*name, TensorView::new(*dtype, shape.clone(), bytes).unwrap())
        });
        let note = normalise.map(|text| HashMap::from([("normalise".to_owned(), text.to_owned())]));
        let path = dir.join("mine.safetensors");
        std::fs::write(&path, serialize(views, note).unwrap()).unwrap();
        path
    }

    fn read_set(path: &Path) -> Result<Dataset> {
        Set::TENSORS.load(Some(path), None)
    }

    fn floats(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    fn classes(values: &[i64]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    fn images() -> Vec<Stored> {
        vec![
            ("train.input", Dtype::U8, vec![3, 2, 2], (0..12).collect()),
            ("train.target", Dtype::I64, vec![3], classes(&[2, 0, 2])),
            ("test.input", Dtype::U8, vec![1, 2, 2], vec![9; 4]),
            ("test.target", Dtype::I64, vec![1], classes(&[4])),
        ]
    }

    #[test]
    fn bytes_and_classes_are_images_as_any_others() {
        let dir = tempfile::tempdir().unwrap();
        let set = read_set(&write(dir.path(), &images(), None)).unwrap();
        assert_eq!((set.name.as_str(), set.classes.len()), ("mine", 5));
        assert_eq!((set.train.shape(), set.train.labels()), ([1, 2, 2], &[2, 0, 2][..]));
        assert_eq!(set.train.image(1), [4, 5, 6, 7]);
        assert_eq!(set.summary().outputs, 5);
        assert!((set.normalisation()[0].0 - 5.5 / 255.0).abs() < 1e-12);
    }

    #[test]
    fn numbers_and_values_are_a_regression_as_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let tensors = [
            ("train.input", Dtype::F32, vec![2, 3], floats(&[1.0, -2.0, 3.0, 4.0, 5.0, 6.5])),
            ("train.target", Dtype::F32, vec![2, 2], floats(&[0.5, 1.5, -1.0, 2.0])),
            ("test.input", Dtype::F32, vec![1, 3], floats(&[0.0, 0.0, 1.0])),
            ("test.target", Dtype::F32, vec![1, 2], floats(&[7.0, 8.0])),
        ];
        let set = read_set(&write(dir.path(), &tensors, Some("no"))).unwrap();
        assert_eq!((set.train.shape(), set.train.target_len()), ([3, 1, 1], Some(2)));
        assert_eq!(set.normalisation(), [(0.0, 1.0); 3]);
        assert_eq!(set.train.pixels().numbers().unwrap()[4..], [5.0, 6.5]);
        assert_eq!(set.test.targets().unwrap().numbers().unwrap(), [7.0, 8.0]);
        let summary = set.summary();
        assert!(summary.regression && summary.outputs == 2);
        let chosen = set.train.select(&[1]).unwrap();
        assert_eq!(chosen.targets().unwrap().numbers().unwrap(), [-1.0, 2.0]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = |change: &dyn Fn(&mut Vec<Stored>), normalise| {
            let mut tensors = images();
            change(&mut tensors);
            read_set(&write(dir.path(), &tensors, normalise)).unwrap_err().to_string()
        };
        let said = error(&|_| (), Some("maybe"));
        assert!(said.contains("`normalise` is `maybe`, expected yes or no"), "{said}");
        let said = error(&|all| drop(all.pop()), None);
        assert!(said.contains("no tensor `test.target`"), "{said}");
        let said = error(&|all| all[1].3 = classes(&[0, -1, 0]), None);
        assert!(said.contains("`train.target` is -1 at 1, expected a class from 0"), "{said}");
        let said = error(&|all| (all[1].2, all[1].3) = (vec![2], classes(&[0, 1])), None);
        assert!(said.contains("`train.target` has shape [2], expected 3 first"), "{said}");
        let said = error(&|all| all[0].0 = "training.input", None);
        assert!(said.contains("has a tensor `training.input`, expected train.input"), "{said}");
        // No image, of so many pixels that their product wraps.
        let vast = vec![0, 1, 1 << 40, 1 << 40, 1];
        let said = error(&|all| (all[0].2, all[0].3) = (vast.clone(), Vec::new()), None);
        assert!(said.contains("`train.input` has shape [0, 1, "), "{said}");
    }
}
