//! Where a data set is published: its files, and what they hold.

use std::path::Path;

use super::archive::unpack;
use super::dataset::Dataset;
use super::fetch::{RemoteFile, fetch, sha256};
use crate::error::{Result, TrainError};

/// What is published of a data set.
#[derive(Debug)]
pub struct Published {
    /// Images to train on.
    pub train: usize,
    /// Images to test on.
    pub test: usize,
    /// Classes.
    pub classes: usize,
    /// Folders of the network where the files lie, the official one first.
    pub(super) mirrors: &'static [&'static str],
    /// Name, bytes and SHA-256 sum of each file.
    pub(super) files: &'static [(&'static str, u64, &'static str)],
    /// The folder that the archive unpacks to, if it is an archive.
    pub(super) unpacks_to: Option<&'static str>,
}

impl Published {
    /// The files to download.
    #[must_use]
    pub fn files(&self) -> Vec<RemoteFile> {
        let file = |&(name, bytes, sha256): &(&str, u64, &str)| RemoteFile {
            name: name.to_owned(),
            urls: self.mirrors.iter().map(|base| format!("{base}/{name}")).collect(),
            bytes,
            sha256: sha256.to_owned(),
        };
        self.files.iter().map(file).collect()
    }

    /// Downloads what is not there, checks the sums and unpacks archives.
    pub(super) fn fetch(&self, dir: &Path, progress: &mut dyn FnMut(&str, u64, u64)) -> Result<()> {
        for file in self.files() {
            let mut report = |bytes| progress(&file.name, bytes, file.bytes);
            let archive = fetch(&file, dir, &mut report)?;
            if let Some(folder) = self.unpacks_to
                && !dir.join(folder).exists()
            {
                unpack(&archive, dir, folder)?;
            }
        }
        Ok(())
    }

    /// Refuses downloaded files that are there and have another sum.
    pub(super) fn check_files(&self, dir: &Path) -> Result<()> {
        for file in self.files() {
            let path = dir.join(&file.name);
            if path.exists() {
                let found = sha256(&path)?;
                if found != file.sha256 {
                    let problem = format!("sha256 {found}, published is {}", file.sha256);
                    return Err(TrainError::corrupt(&path, problem));
                }
            }
        }
        Ok(())
    }

    /// Refuses another number of images or classes.
    pub(super) fn check_sizes(&self, set: &Dataset, dir: &Path) -> Result<()> {
        let found = (set.train.len(), set.test.len(), set.classes.len());
        let published = (self.train, self.test, self.classes);
        if found == published {
            return Ok(());
        }
        let problem = format!(
            "holds {found:?} training images, test images and classes; published are {published:?}"
        );
        Err(TrainError::corrupt(dir, problem))
    }
}
