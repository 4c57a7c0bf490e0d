//! CIFAR-10 and CIFAR-100: records of labels and 3 planes of 32×32 in the binary version, pickles of all of a file's labels
//! and planes in the one for Python.

use std::path::{Path, PathBuf};

use super::pickle::{self, Value};
use crate::data::images::Images;
use crate::error::{Result, TrainError};

const PIXELS: usize = 3 * 32 * 32;

/// The folder that the archive unpacks to, if it is there.
pub(in crate::data) fn inner(dir: &Path, folder: &str) -> PathBuf {
    let inner = dir.join(folder);
    if inner.is_dir() { inner } else { dir.to_owned() }
}

/// Whether the version for Python lies in a folder, by a file that only that has.
pub(in crate::data) fn pickles(dir: &Path, folder: &str, meta: &str) -> Option<Pickles> {
    let dir = inner(dir, folder);
    dir.join(meta).is_file().then_some(Pickles { dir })
}

/// Reads the files of the version for Python.
pub(in crate::data) struct Pickles {
    dir: PathBuf,
}

impl Pickles {
    fn read(&self, file: &str) -> Result<(PathBuf, Value)> {
        let path = self.dir.join(file);
        let bytes = phew_graph::read_file(&path).map_err(TrainError::io(&path))?;
        let value = pickle::read(&bytes)
            .map_err(|e| TrainError::corrupt(&path, format!("is no pickle of CIFAR: {e}")))?;
        Ok((path, value))
    }

    /// Class names, under a key.
    pub(in crate::data) fn names(&self, file: &str, key: &str) -> Result<Vec<String>> {
        let (path, value) = self.read(file)?;
        let names = value.get(key).and_then(Value::list);
        let names = names.and_then(|names| names.iter().map(Value::text).collect());
        let names: Option<Vec<String>> = names;
        names
            .filter(|names| !names.is_empty())
            .ok_or_else(|| TrainError::corrupt(&path, format!("holds no class names in '{key}'")))
    }

    /// The images of the files, whose labels stand under a key.
    pub(in crate::data) fn images(
        &self,
        files: &[String],
        key: &str,
        classes: usize,
    ) -> Result<Images> {
        let (mut pixels, mut classes_of) = (Vec::new(), Vec::new());
        for file in files {
            let (path, value) = self.read(file)?;
            let wrong = |problem: String| TrainError::corrupt(&path, problem);
            let labels = value.get(key).and_then(Value::list);
            let labels = labels.ok_or_else(|| wrong(format!("holds no labels in '{key}'")))?;
            let data = value.get("data").and_then(Value::bytes);
            let data = data.ok_or_else(|| wrong("holds no images in 'data'".to_owned()))?;
            if labels.is_empty() || labels.len().checked_mul(PIXELS) != Some(data.len()) {
                let (bytes, labels) = (data.len(), labels.len());
                return Err(wrong(format!(
                    "{bytes} bytes of images for {labels} labels, expected {PIXELS} for each"
                )));
            }
            for (index, label) in labels.iter().enumerate() {
                let label = label.int().and_then(|label| usize::try_from(label).ok());
                let Some(label) = label.filter(|&label| label < classes) else {
                    return Err(wrong(format!(
                        "label {index} is no number below {classes}, the number of classes"
                    )));
                };
                classes_of.push(label as u16);
            }
            pixels.extend(data);
        }
        Images::new([3, 32, 32], pixels, classes_of)
    }
}

/// Reads the files of a folder.
pub(in crate::data) struct Reader {
    /// The folder.
    pub dir: PathBuf,
    /// Labels of a record, the last of which is the class.
    pub labels: usize,
    /// The set's name, for the hint where a file is missing.
    pub name: &'static str,
}

impl Reader {
    fn read(&self, path: &Path) -> Result<Vec<u8>> {
        if !path.exists() {
            let hint = format!("run 'phew data fetch {}', or name another folder", self.name);
            return Err(TrainError::missing(path, hint));
        }
        phew_graph::read_file(path).map_err(TrainError::io(path))
    }

    /// Class names, one a line.
    pub(in crate::data) fn names(&self, file: &str) -> Result<Vec<String>> {
        let path = self.dir.join(file);
        let text = String::from_utf8(self.read(&path)?)
            .map_err(|_| TrainError::corrupt(&path, "is not text, expected a class name a line"))?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let names: Vec<String> = lines.map(str::to_owned).collect();
        if names.is_empty() {
            return Err(TrainError::corrupt(&path, "holds no class name"));
        }
        Ok(names)
    }

    /// All records of the files: the labels, then the image.
    pub(in crate::data) fn records(&self, files: &[String], classes: usize) -> Result<Images> {
        let (mut pixels, mut classes_of) = (Vec::new(), Vec::new());
        for file in files {
            let path = self.dir.join(file);
            let bytes = self.read(&path)?;
            let size = self.labels + PIXELS;
            if bytes.is_empty() || bytes.len() % size != 0 {
                let problem = format!("{} bytes, expected records of {size}", bytes.len());
                return Err(TrainError::corrupt(&path, problem));
            }
            for (index, record) in bytes.chunks_exact(size).enumerate() {
                let (head, image) = record.split_at(self.labels);
                let class = head[self.labels - 1];
                if usize::from(class) >= classes {
                    let problem =
                        format!("label {class} in record {index}, expected below {classes}");
                    return Err(TrainError::corrupt(&path, problem));
                }
                classes_of.push(u16::from(class));
                pixels.extend_from_slice(image);
            }
        }
        Images::new([3, 32, 32], pixels, classes_of)
    }
}

/// A pickle of labels and images, each of which is one byte all over.
#[cfg(test)]
pub(in crate::data) fn pickled(key: &str, labels: &[u8]) -> Vec<u8> {
    let size = |length: usize| (length as u32).to_le_bytes();
    let mut bytes = b"\x80\x02}(U\x04dataT".to_vec();
    bytes.extend(size(labels.len() * PIXELS));
    labels.iter().for_each(|&label| bytes.extend([label; PIXELS]));
    bytes.extend([b'U', key.len() as u8]);
    bytes.extend(key.as_bytes());
    bytes.extend(b"](");
    labels.iter().for_each(|&label| bytes.extend([b'K', label]));
    bytes.extend(b"eu.");
    bytes
}

/// A record whose pixels count up from `fill`.
#[cfg(test)]
pub(in crate::data) fn record(head: &[u8], fill: u8) -> Vec<u8> {
    let mut bytes = head.to_vec();
    bytes.extend((0..PIXELS).map(|i| fill.wrapping_add(i as u8)));
    bytes
}
