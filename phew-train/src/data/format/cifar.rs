//! The binary format of CIFAR-10 and CIFAR-100: records of labels and 3 planes of 32×32.

use std::path::{Path, PathBuf};

use crate::data::images::Images;
use crate::error::{Result, TrainError};

const PIXELS: usize = 3 * 32 * 32;

/// The folder that the archive unpacks to, if it is there.
pub(in crate::data) fn inner(dir: &Path, folder: &str) -> PathBuf {
    let inner = dir.join(folder);
    if inner.is_dir() { inner } else { dir.to_owned() }
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
        std::fs::read(path).map_err(TrainError::io(path))
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

/// A record whose pixels count up from `fill`.
#[cfg(test)]
pub(in crate::data) fn record(head: &[u8], fill: u8) -> Vec<u8> {
    let mut bytes = head.to_vec();
    bytes.extend((0..PIXELS).map(|i| fill.wrapping_add(i as u8)));
    bytes
}
