//! Which data set, where it lies, and what is made of its images.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use phew_train::{DataSpec, Dataset, ImageSpec, Set, TrainError, TransformSpec};

use super::first_given;
use crate::data_cache;

/// Which data set, of commands that always look at one.
#[derive(Debug, Args)]
#[command(next_help_heading = "Data")]
pub(crate) struct DataArgs {
    /// Data set (`phew data list` shows them)
    #[arg(long, value_name = "SET", value_parser = data_set, default_value = "digits")]
    data: Set,

    /// Folder of the data set; by default where `phew data fetch` puts it
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Make of it the image transformation task of this seed: the loss is then the mean square, not the cross-entropy
    #[arg(long, value_name = "SEED")]
    transform: Option<u64>,

    #[command(flatten)]
    images: ImageArgs,
}

impl DataArgs {
    /// The set.
    pub(crate) fn load(&self) -> anyhow::Result<Arc<Dataset>> {
        load_data(self.data, self.data_dir.as_deref(), self.transform, &self.images)
    }

    /// The seed of the image transformation task, if that is made of it.
    #[cfg(feature = "train")]
    pub(crate) fn transform(&self) -> Option<u64> {
        self.transform
    }
}

/// What is made of the images of a set.
#[derive(Debug, Args)]
#[command(next_help_heading = "Images")]
pub(crate) struct ImageArgs {
    /// Channels that images are brought to: 1 or 3; by default those that the files have
    #[arg(long, value_name = "N", value_parser = ["1", "3"])]
    channels: Option<String>,

    /// Rows and columns that images are brought to; by default all must have one size
    #[arg(long, value_name = "ROWSxCOLUMNS", value_parser = size)]
    resize: Option<[usize; 2]>,

    /// Leave out image files that are damaged, and say how many
    #[arg(long)]
    skip_damaged: bool,

    /// Mean of each channel that images are normalised by, of pixels from 0 to 1; by default that of the training images
    #[arg(long, value_name = "A,B,C", value_delimiter = ',', allow_hyphen_values = true)]
    mean: Vec<f64>,

    /// Deviation of each channel, likewise
    #[arg(long, value_name = "A,B,C", value_delimiter = ',')]
    deviation: Vec<f64>,
}

impl ImageArgs {
    /// The first option that was given.
    pub(crate) fn given(&self) -> Option<&'static str> {
        first_given([
            ("--channels", self.channels.is_some()),
            ("--resize", self.resize.is_some()),
            ("--skip-damaged", self.skip_damaged),
            ("--mean", !self.mean.is_empty()),
            ("--deviation", !self.deviation.is_empty()),
        ])
    }

    /// A specification with what the options say otherwise.
    pub(crate) fn over(&self, spec: &ImageSpec) -> ImageSpec {
        let given = |values: &[f64]| (!values.is_empty()).then(|| values.to_vec());
        ImageSpec {
            channels: self.channels.as_deref().and_then(|n| n.parse().ok()).or(spec.channels),
            size: self.resize.or(spec.size),
            skip_damaged: self.skip_damaged || spec.skip_damaged,
            mean: given(&self.mean).or_else(|| spec.mean.clone()),
            deviation: given(&self.deviation).or_else(|| spec.deviation.clone()),
        }
    }

    /// What the options say.
    pub(crate) fn spec(&self) -> ImageSpec {
        self.over(&ImageSpec::default())
    }
}

/// Two sides, as in 32x32.
fn size(text: &str) -> Result<[usize; 2], String> {
    let sides = text.split_once(['x', '×']).and_then(|(rows, columns)| {
        Some([rows.trim().parse().ok()?, columns.trim().parse().ok()?])
    });
    sides.ok_or_else(|| "expected rows and columns, as in 32x32".to_owned())
}

/// A set by its name.
pub(crate) fn data_set(name: &str) -> Result<Set, TrainError> {
    name.parse()
}

/// The folder of a set where none was named: one in `$PHEW_DATA` or `~/.cache/phew`.
pub(crate) fn usual_dir(set: Set) -> Option<PathBuf> {
    let folder = set.folder()?;
    let root = std::env::var_os("PHEW_DATA").map(PathBuf::from).or_else(|| {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
        Some(cache.or_else(home)?.join("phew"))
    })?;
    Some(root.join(folder))
}

/// A set from its folder, or from where `phew data fetch` puts it, as it is or as the transformation task of a seed.
pub(crate) fn load_data(
    set: Set,
    dir: Option<&Path>,
    transform: Option<u64>,
    images: &ImageArgs,
) -> anyhow::Result<Arc<Dataset>> {
    let dir = dir.map(Path::to_owned).or_else(|| usual_dir(set));
    let transform = transform.map(|seed| TransformSpec { seed, per_class: None });
    data_cache::images(&DataSpec { dir, transform, images: images.spec(), ..DataSpec::new(set) })
}
