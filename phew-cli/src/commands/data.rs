//! `phew data`: fetch, check and describe data sets.

mod examples;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use phew_train::{Dataset, Images, Set};
use serde::Serialize;

use crate::args::{ImageArgs, data_set as set, load_data as load, usual_dir};
use crate::command::{Command, Example, Report};
use crate::output::{grouped, table};
use crate::{interrupt, progress};
use examples::Examples;

pub use examples::WrittenExamples;

/// Fetch, check and describe data sets.
#[derive(Debug, Args)]
pub struct Data {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the data sets that phew knows
    List,
    /// Download a published data set, check its sums and unpack it; goes on where it was cut off
    Fetch {
        /// A published set as `phew data list` names it
        #[arg(value_parser = published)]
        name: Set,
        /// Folder to put it in; by default one of that name under `$PHEW_DATA` or `~/.cache/phew`
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
    /// Read all of a published data set and hold it against what was published
    Check {
        /// A published set as `phew data list` names it
        #[arg(value_parser = published)]
        name: Set,
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
        #[command(flatten)]
        images: ImageArgs,
    },
    /// Write a few test images, and the images of the transformation task, as arrays `inputs` and `outputs` of numbers
    /// from 0 to 1
    Examples(Examples),
}

/// A published set by its name.
fn published(name: &str) -> Result<Set, String> {
    let all = || Set::all().iter().filter(|set| set.published().is_some());
    all().find(|set| set.name() == name).copied().ok_or_else(|| {
        let names: Vec<&str> = all().map(|set| set.name()).collect();
        format!("expected one of {}", names.join(", "))
    })
}

/// Where a published set lies.
fn published_dir(set: Set, dir: Option<&PathBuf>) -> anyhow::Result<PathBuf> {
    let usual = || usual_dir(set);
    dir.cloned().or_else(usual).ok_or_else(|| crate::failure::usage("name a folder with --dir"))
}

/// What was found of data sets.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum DataReport {
    /// The sets that phew knows.
    List {
        /// All of them.
        sets: Vec<KnownSet>,
    },
    /// A set was fetched.
    Fetched {
        /// Its name.
        name: String,
        /// Where it lies.
        folder: PathBuf,
    },
    /// A set was read as a whole and is what was published.
    Checked {
        /// Its name.
        name: String,
        /// Training images.
        train: usize,
        /// Test images.
        test: usize,
        /// Classes.
        classes: usize,
    },
    /// What a set holds.
    Described(Description),
    /// Images were written.
    Examples(WrittenExamples),
}

/// A set that phew knows.
#[derive(Clone, Debug, Serialize)]
pub struct KnownSet {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
}

/// What a set holds.
#[derive(Clone, Debug, Serialize)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// Channels, rows and columns of an image.
    pub shape: [usize; 3],
    /// How many classes.
    pub classes: usize,
    /// Their names.
    pub class_names: Vec<String>,
    /// Training images.
    pub train: usize,
    /// Test images.
    pub test: usize,
    /// Training images of each class.
    pub train_per_class: Vec<usize>,
    /// Test images of each class.
    pub test_per_class: Vec<usize>,
    /// Mean of each channel that images are normalised by.
    pub mean: Vec<f64>,
    /// Standard deviation of each channel, likewise.
    pub deviation: Vec<f64>,
    /// What was left out when it was read, a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

impl Command for Data {
    const NAME: &'static str = "data";
    const EXAMPLES: &'static [Example] = &[
        ("the sets that phew knows", "phew data list"),
        ("images and classes of a set", "phew data describe digits"),
        (
            "pairs of images of the transformation task",
            "phew data examples --transform 0 --count 10 -o pairs.safetensors",
        ),
        ("a published set, checked and unpacked", "phew data fetch cifar10"),
        ("every image of it read, and held against what was published", "phew data check cifar10"),
    ];
    type Report = DataReport;

    fn run(&self) -> anyhow::Result<DataReport> {
        Ok(match &self.action {
            Action::List => {
                let known = |set: &Set| KnownSet { name: set.name(), about: set.description() };
                DataReport::List { sets: Set::all().iter().map(known).collect() }
            }
            Action::Fetch { name, dir } => {
                let folder = published_dir(*name, dir.as_ref())?;
                fetch(*name, &folder)?;
                DataReport::Fetched { name: name.to_string(), folder }
            }
            Action::Check { name, dir } => {
                let folder = published_dir(*name, dir.as_ref())?;
                let set = interrupt::at_once(|| name.check(&folder))??;
                DataReport::Checked {
                    name: name.to_string(),
                    train: set.train.len(),
                    test: set.test.len(),
                    classes: set.classes.len(),
                }
            }
            Action::Describe { name, dir, images } => {
                let load = || load(*name, dir.as_deref(), None, images);
                let set = interrupt::at_once(load)??;
                DataReport::Described(Description::new(&set))
            }
            Action::Examples(examples) => DataReport::Examples(examples.run()?),
        })
    }
}

impl Report for DataReport {
    fn text(&self) -> String {
        match self {
            DataReport::List { sets } => {
                let row = |set: &KnownSet| vec![set.name.to_owned(), set.about.to_owned()];
                table(&["set", "what"], &sets.iter().map(row).collect::<Vec<_>>(), 2)
            }
            DataReport::Fetched { name, folder } => format!("{name}: in {}\n", folder.display()),
            DataReport::Checked { name, train, test, classes } => {
                let (train, test) = (grouped(*train), grouped(*test));
                format!("{name}: whole; {train} and {test} images, {classes} classes\n")
            }
            DataReport::Described(description) => description.text(),
            DataReport::Examples(WrittenExamples { name, classes, output }) => {
                let classes = classes.join(", ");
                format!("{name}: images of {classes} in {}\n", output.display())
            }
        }
    }
}

fn fetch(set: Set, dir: &Path) -> anyhow::Result<()> {
    let bar = progress::bar(0, "fetching", "bytes");
    let mut follow = |file: &str, bytes, size| {
        bar.set_length(size);
        bar.set_position(bytes);
        bar.set_message(format!("· {file}"));
    };
    let done = interrupt::at_once_downloading(|| set.fetch(dir, &mut follow));
    bar.finish_and_clear();
    Ok(done??)
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
        let (mean, deviation) = set.normalisation().into_iter().unzip();
        Self {
            name: set.name.clone(),
            shape: set.train.shape(),
            classes: set.classes.len(),
            class_names: set.classes.clone(),
            train: set.train.len(),
            test: set.test.len(),
            train_per_class: per_class(&set.train),
            test_per_class: per_class(&set.test),
            mean,
            deviation,
            left_out: set.notes.clone(),
        }
    }

    fn text(&self) -> String {
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
        let rows: Vec<Vec<String>> = self
            .class_names
            .iter()
            .zip(counts)
            .map(|(class, (train, test))| vec![class.clone(), grouped(*train), grouped(*test)])
            .collect();
        out + &table(&["class", "train", "test"], &rows, 1)
    }
}
