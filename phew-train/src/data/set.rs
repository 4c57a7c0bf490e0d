//! What a data set is to the rest of phew: an entry of the table, by name.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize, Serializer};

use super::dataset::Dataset;
use super::image_spec::ImageSpec;
use super::published::Published;
use crate::error::{Result, TrainError};

/// A data set that recipes and the command line name: an entry of the table, [`Set::all`].
///
/// It prints, parses and serialises as its name.
#[derive(Clone, Copy)]
pub struct Set(&'static Entry);

/// What the table says of a data set.
pub(super) struct Entry {
    /// Its name on command lines and in recipes.
    pub name: &'static str,
    /// What it holds, in a line.
    pub description: &'static str,
    /// Whether its images are files, of which some may be damaged.
    pub image_files: bool,
    /// Where it comes from.
    pub source: Source,
}

/// Where a data set comes from.
pub(super) enum Source {
    /// Drawn in code.
    Drawn(fn(DrawSpec) -> Result<Dataset>),
    /// Read from a folder that the caller names.
    Folder(fn(&Path, &ImageSpec) -> Result<Dataset>),
    /// Read from the files of a published set.
    Files {
        /// Reads it from their folder.
        load: fn(&Path, &ImageSpec) -> Result<Dataset>,
        /// The name of that folder among those of all sets.
        folder: &'static str,
        /// Where the files are published; none for a set that reads those of another.
        published: Option<Published>,
    },
}

/// Numbers of built-in digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrawSpec {
    /// To train on.
    pub train: usize,
    /// To test on.
    pub test: usize,
    /// Seed.
    #[serde(default)]
    pub seed: u64,
}

impl Default for DrawSpec {
    fn default() -> Self {
        Self { train: 20_000, test: 4_000, seed: 0 }
    }
}

impl Set {
    pub(super) const fn new(entry: &'static Entry) -> Self {
        Self(entry)
    }

    /// Its name on command lines and in recipes.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// What it holds, in a line.
    #[must_use]
    pub fn description(self) -> &'static str {
        self.0.description
    }

    /// The folder of its files among those of all sets, as `phew data fetch` names them; none for a set without files
    /// and for one that lies wherever the caller says.
    #[must_use]
    pub fn folder(self) -> Option<&'static str> {
        match self.0.source {
            Source::Files { folder, .. } => Some(folder),
            Source::Drawn(_) | Source::Folder(_) => None,
        }
    }

    /// Where its files are published, and what they hold; none if they are another set's or no files at all.
    #[must_use]
    pub fn published(self) -> Option<&'static Published> {
        match &self.0.source {
            Source::Files { published, .. } => published.as_ref(),
            Source::Drawn(_) | Source::Folder(_) => None,
        }
    }

    /// Reads it from its folder, or draws it.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] if a folder or numbers of digits are missing or not wanted;
    /// [`TrainError::Missing`] or [`TrainError::Corrupt`], naming the file.
    pub fn load(self, dir: Option<&Path>, draw: Option<DrawSpec>) -> Result<Dataset> {
        self.load_as(dir, draw, &ImageSpec::default())
    }

    /// The same with its images as a specification says.
    ///
    /// # Errors
    /// As [`Set::load`]; [`TrainError::Parameter`] if the specification makes no sense for the set.
    pub fn load_as(
        self,
        dir: Option<&Path>,
        draw: Option<DrawSpec>,
        images: &ImageSpec,
    ) -> Result<Dataset> {
        images.validate()?;
        if images.skip_damaged && !self.0.image_files {
            return Err(TrainError::Parameter {
                what: "skip_damaged",
                found: format!("'{self}'"),
                expected: "a set of image files".to_owned(),
            });
        }
        let Dataset { name, classes, train, test, notes, statistics: own } =
            self.read(dir, draw, images)?;
        let (train, test) = (images.converted(train)?, images.converted(test)?);
        let own = own.filter(|own| own.len() == train.shape()[0]);
        let statistics = images.statistics(&train)?.or(own);
        Ok(Dataset { statistics, notes, ..Dataset::new(&name, classes, train, test)? })
    }

    fn read(
        self,
        dir: Option<&Path>,
        draw: Option<DrawSpec>,
        images: &ImageSpec,
    ) -> Result<Dataset> {
        let wrong = |what, found, expected: &str| {
            Err(TrainError::Parameter { what, found, expected: expected.to_owned() })
        };
        match (&self.0.source, dir, draw) {
            (Source::Drawn(_), Some(dir), _) => {
                let expected = "nothing: the built-in digits need no folder";
                wrong("data.dir", dir.display().to_string(), expected)
            }
            (Source::Drawn(make), None, draw) => make(draw.unwrap_or_default()),
            (_, _, Some(_)) => {
                let expected = "nothing: only the built-in digits are drawn";
                wrong("data.draw", "numbers of digits".to_owned(), expected)
            }
            (_, None, _) => wrong("data.dir", "nothing".to_owned(), "the folder of the data set"),
            (Source::Folder(load) | Source::Files { load, .. }, Some(dir), None) => {
                load(dir, images)
            }
        }
    }

    /// Downloads it into `dir`, checks the sums and unpacks archives. What is there already is not fetched again.
    ///
    /// `progress` is told the name of the file, the bytes that are there and its size.
    ///
    /// # Errors
    /// See [`fetch`](crate::fetch); [`TrainError::Corrupt`] if an archive cannot be unpacked, [`TrainError::Parameter`]
    /// if it is not published.
    pub fn fetch(self, dir: &Path, progress: &mut dyn FnMut(&str, u64, u64)) -> Result<()> {
        self.expect_published()?.fetch(dir, progress)
    }

    /// Reads all of it from `dir` and holds it against what was published: sums of the downloaded files that are still
    /// there, sizes and classes.
    ///
    /// # Errors
    /// The first file or number that is not as published; [`TrainError::Parameter`] if it is not published.
    pub fn check(self, dir: &Path) -> Result<Dataset> {
        let published = self.expect_published()?;
        published.check_files(dir)?;
        let set = self.load(Some(dir), None)?;
        published.check_sizes(&set, dir)?;
        Ok(set)
    }

    fn expect_published(self) -> Result<&'static Published> {
        self.published().ok_or_else(|| TrainError::Parameter {
            what: "data set",
            found: format!("'{self}'"),
            expected: "one that is published".to_owned(),
        })
    }
}

impl PartialEq for Set {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Set {}

impl fmt::Debug for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Set").field(&self.name()).finish()
    }
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for Set {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
