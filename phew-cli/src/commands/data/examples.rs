//! `phew data examples`: a few test images, and what a network is to make of them.

use std::path::PathBuf;

use clap::Args;
use phew_graph::ndarray::Array4;
use phew_graph::write_arrays;
use phew_train::Images;
use serde::Serialize;

use crate::args::{DataArgs, OutputArgs};
use crate::failure::usage;
use crate::interrupt;

/// Which images, and where they go.
#[derive(Debug, Args)]
pub(super) struct Examples {
    /// How many: the first test image of each class in turn, then the second of each
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,

    #[command(flatten)]
    data: DataArgs,

    #[command(flatten)]
    output: OutputArgs,
}

/// Images that were written.
#[derive(Clone, Debug, Serialize)]
pub struct WrittenExamples {
    /// The data set.
    pub name: String,
    /// The class of each image.
    pub classes: Vec<String>,
    /// Where they lie.
    pub output: PathBuf,
}

impl Examples {
    pub(super) fn run(&self) -> anyhow::Result<WrittenExamples> {
        self.output.check()?;
        let set = interrupt::at_once(|| self.data.load())??;
        let chosen = in_turn(&set.test, set.classes.len(), self.count as usize)?;
        let images = set.test.select(&chosen)?;
        let mut arrays: Vec<(&str, Array4<f32>)> = vec![("inputs", images.to_array())];
        if let Some(targets) = images.targets() {
            let targets = Images::new(images.shape(), targets.clone(), images.labels().to_vec())?;
            arrays.push(("outputs", targets.to_array()));
        }
        let views = arrays.iter().map(|(name, array)| (*name, array.view().into_dyn()));
        write_arrays(&self.output.output, views, None, self.output.overwrite())?;
        let class = |label: &u16| set.classes[usize::from(*label)].clone();
        Ok(WrittenExamples {
            name: set.name.clone(),
            classes: images.labels().iter().map(class).collect(),
            output: self.output.output.clone(),
        })
    }
}

/// The first image of each class, then the second of each, and so on.
fn in_turn(images: &Images, classes: usize, count: usize) -> anyhow::Result<Vec<usize>> {
    let chosen: Option<Vec<usize>> = (0..count)
        .map(|place| {
            let (turn, class) = (place / classes, place % classes);
            let labels = images.labels().iter().enumerate();
            labels.filter(|(_, label)| usize::from(**label) == class).nth(turn).map(|(i, _)| i)
        })
        .collect();
    chosen.ok_or_else(|| {
        usage(format!("--count {count}: a class has fewer test images than its share of that"))
    })
}
