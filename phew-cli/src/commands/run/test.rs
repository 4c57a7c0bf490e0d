//! A network on the test images of a data set: how much of what it makes of them is right.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use phew_graph::Arch;
use phew_graph::execute::Program;
use phew_graph::ndarray::{Array2, ArrayD, ArrayView2};
use phew_train::{Dataset, Quality, Set, test_quality};

use super::report::TestReport;
use crate::args::{ImageArgs, data_set, load_data};
use crate::failure::usage;
use crate::{interrupt, progress};

/// A set to test on.
#[derive(Debug, Args)]
#[command(next_help_heading = "Data")]
pub(super) struct TestArgs {
    /// Take the test images of a data set instead (`phew data list` shows them), normalised as for training, and say how
    /// much is right; a network of the zoo is made to fit them
    #[arg(long, value_name = "SET", value_parser = data_set, conflicts_with = "inputs")]
    data: Option<Set>,

    /// Folder of the data set; by default where `phew data fetch` puts it
    #[arg(long, value_name = "DIR", requires = "data")]
    data_dir: Option<PathBuf>,

    /// Make of it the image transformation task of this seed: the loss is then the mean square
    #[arg(long, value_name = "SEED", requires = "data")]
    transform: Option<u64>,

    #[command(flatten)]
    images: ImageArgs,
}

impl TestArgs {
    /// The set, if there is to be one.
    pub(super) fn load(&self) -> anyhow::Result<Option<Arc<Dataset>>> {
        match (self.data, self.images.given()) {
            (None, Some(option)) => Err(usage(format!("{option} is for the images of --data"))),
            (None, None) => Ok(None),
            (Some(set), _) => {
                load_data(set, self.data_dir.as_deref(), self.transform, &self.images).map(Some)
            }
        }
    }
}

/// What a network makes of the test images, and how much of it is right.
pub(super) fn run(
    program: &Program,
    arch: &Arch,
    data: &Dataset,
) -> anyhow::Result<(ArrayD<f32>, TestReport)> {
    let bar = progress::bar(data.test.len() as u64, arch.name(), "images");
    let mut all = Vec::new();
    let outputs = |images: ArrayView2<'_, f32>| {
        interrupt::check()?;
        let n = images.nrows();
        let sizes = |sizes: Vec<usize>| -> Vec<usize> { std::iter::once(n).chain(sizes).collect() };
        let inputs = images.to_shape(sizes(arch.input_shape().sizes()))?;
        let outputs = program.run(inputs.view())?.into_raw_vec_and_offset().0;
        all.extend_from_slice(&outputs);
        bar.inc(n as u64);
        Ok::<_, anyhow::Error>(Array2::from_shape_vec((n, outputs.len() / n), outputs)?)
    };
    let Quality { loss, top1, top5 } = test_quality(data, outputs)?;
    bar.finish_and_clear();
    let shape: Vec<usize> =
        std::iter::once(data.test.len()).chain(arch.output_shape().sizes()).collect();
    let test = TestReport { data: data.name.clone(), loss, top1, top5 };
    Ok((ArrayD::from_shape_vec(shape, all)?, test))
}
