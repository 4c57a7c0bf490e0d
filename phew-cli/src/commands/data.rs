//! `phew data`: fetch, check and describe data sets.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use phew_train::{DataSpec, Dataset, Images, Published, Set, TransformSpec};
use serde::Serialize;

use crate::output::{grouped, json, table, text};
use crate::progress;

/// Fetches, checks and describes data sets.
#[derive(Debug, Args)]
pub(crate) struct Data {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the data sets that phew knows
    List,
    /// Download a published data set, check its sums and unpack it; goes on where it was cut off
    Fetch {
        /// mnist, fashion-mnist, cifar10, cifar100 or tiny-imagenet
        name: Published,
        /// Folder to put it in; by default one of that name under `$PHEW_DATA` or `~/.cache/phew`
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
    /// Read all of a published data set and hold it against what was published
    Check {
        /// mnist, fashion-mnist, cifar10, cifar100 or tiny-imagenet
        name: Published,
        /// Its folder; by default as for `fetch`
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
    /// Show what a data set holds
    Describe {
        /// A set as `phew data list` names it
        #[arg(value_parser = set)]
        name: Set,
        /// Its folder; by default as for `fetch`
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

/// Every set that a recipe can name, with what it is.
const SETS: [(&str, Set, &str); 8] = [
    ("digits", Set::Digits, "built in: digits drawn from strokes, 28×28 grey, 10 classes"),
    ("mnist", Set::Mnist, "handwritten digits, 28×28 grey, 10 classes"),
    ("mnist-test-split", Set::MnistTestSplit, "the test files of mnist alone, split four to one"),
    ("fashion-mnist", Set::FashionMnist, "clothing, 28×28 grey, 10 classes"),
    ("cifar10", Set::Cifar10, "objects, 32×32 in colour, 10 classes"),
    ("cifar100", Set::Cifar100, "objects, 32×32 in colour, 100 classes"),
    ("tiny-imagenet", Set::TinyImagenet, "objects, 64×64 in colour, 200 classes"),
    ("folder", Set::Folder, "your own: a folder per class, under train/ and test/"),
];

/// A set by its name.
pub(crate) fn set(name: &str) -> Result<Set, String> {
    SETS.iter().find(|(known, ..)| *known == name).map(|(_, set, _)| *set).ok_or_else(|| {
        let known: Vec<&str> = SETS.iter().map(|(name, ..)| *name).collect();
        format!("expected one of {}", known.join(", "))
    })
}

/// The folder of a set where none was named: `$PHEW_DATA/<set>` or `~/.cache/phew/<set>`.
pub(crate) fn usual_dir(set: Set) -> Option<PathBuf> {
    let name = match set {
        Set::Digits | Set::Folder => return None,
        // It reads the files of the whole set.
        Set::MnistTestSplit => "mnist",
        _ => SETS.iter().find(|(_, known, _)| *known == set).map(|(name, ..)| *name)?,
    };
    let root = std::env::var_os("PHEW_DATA").map(PathBuf::from).or_else(|| {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
        Some(cache.or_else(home)?.join("phew"))
    })?;
    Some(root.join(name))
}

/// A set from its folder, or from where `phew data fetch` puts it, as it is or as the transformation task of a seed.
pub(crate) fn load(
    set: Set,
    dir: Option<&Path>,
    transform: Option<u64>,
) -> anyhow::Result<Dataset> {
    let dir = dir.map(Path::to_owned).or_else(|| usual_dir(set));
    let transform = transform.map(|seed| TransformSpec { seed, per_class: None });
    Ok(DataSpec { dir, transform, ..DataSpec::new(set) }.load()?)
}

/// Where a published set lies.
fn published_dir(name: Published, dir: Option<&PathBuf>) -> anyhow::Result<PathBuf> {
    let usual = || usual_dir(set(name.name()).ok()?);
    dir.cloned().or_else(usual).ok_or_else(|| crate::failure::usage("name a folder with --dir"))
}

/// What `describe --json` prints.
#[derive(Serialize)]
struct Description {
    name: String,
    shape: [usize; 3],
    classes: usize,
    train: usize,
    test: usize,
    train_per_class: Vec<usize>,
    test_per_class: Vec<usize>,
    mean: Vec<f64>,
    deviation: Vec<f64>,
}

impl Data {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        match &self.action {
            Action::List => {
                let rows: Vec<Vec<String>> = SETS
                    .iter()
                    .map(|(name, _, what)| vec![(*name).into(), (*what).into()])
                    .collect();
                text(&table(&["set", "what"], &rows, 2))
            }
            Action::Fetch { name, dir } => {
                let dir = published_dir(*name, dir.as_ref())?;
                fetch(*name, &dir)?;
                text(&format!("{name}: in {}\n", dir.display()))
            }
            Action::Check { name, dir } => {
                let dir = published_dir(*name, dir.as_ref())?;
                let set = name.check(&dir)?;
                let (train, test) = (grouped(set.train.len()), grouped(set.test.len()));
                let classes = set.classes.len();
                text(&format!("{name}: whole; {train} and {test} images, {classes} classes\n"))
            }
            Action::Describe { name, dir, json: as_json } => {
                let set = load(*name, dir.as_deref(), None)?;
                let description = Description::new(&set);
                if *as_json { json(&description) } else { text(&description.text(&set)) }
            }
        }
    }
}

fn fetch(name: Published, dir: &std::path::Path) -> anyhow::Result<()> {
    let bar = progress::bar(0, "fetching", "bytes");
    let done = name.fetch(dir, &mut |file, bytes, size| {
        bar.set_length(size);
        bar.set_position(bytes);
        bar.set_message(format!("· {file}"));
    });
    bar.finish_and_clear();
    Ok(done?)
}

impl Description {
    fn new(set: &Dataset) -> Self {
        let per_class = |images: &Images| {
            let mut counts = vec![0; set.classes.len()];
            for &label in images.labels() {
                counts[usize::from(label)] += 1;
            }
            counts
        };
        let (mean, deviation) = set.train.channel_statistics().into_iter().unzip();
        Self {
            name: set.name.clone(),
            shape: set.train.shape(),
            classes: set.classes.len(),
            train: set.train.len(),
            test: set.test.len(),
            train_per_class: per_class(&set.train),
            test_per_class: per_class(&set.test),
            mean,
            deviation,
        }
    }

    fn text(&self, set: &Dataset) -> String {
        let [channels, rows, columns] = self.shape;
        let mut out = format!(
            "{}: {} images to train on, {} to test on, {channels}×{rows}×{columns}, {} classes\n",
            self.name,
            grouped(self.train),
            grouped(self.test),
            self.classes
        );
        for (channel, (mean, deviation)) in self.mean.iter().zip(&self.deviation).enumerate() {
            out += &format!("channel {channel}: mean {mean:.4}, deviation {deviation:.4}\n");
        }
        let counts = self.train_per_class.iter().zip(&self.test_per_class);
        let rows: Vec<Vec<String>> = set
            .classes
            .iter()
            .zip(counts)
            .map(|(class, (train, test))| vec![class.clone(), grouped(*train), grouped(*test)])
            .collect();
        out + &table(&["class", "train", "test"], &rows, 1)
    }
}
