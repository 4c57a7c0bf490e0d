//! `phew run`: what a network makes of inputs, without libtorch.

mod report;
mod test;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use phew_graph::execute::Program;
use phew_graph::ndarray::ArrayD;
use phew_graph::{Arch, TensorFile, write_arrays};

use crate::args::{ArchArgs, WeightArgs, check_output, load_mask, overwrite};
use crate::command::{Command, Example};
use crate::failure::usage;
use crate::interrupt;
use test::TestArgs;

pub use report::{RunReport, TestReport};

/// What the tensor of results is called.
const OUTPUT: &str = "output";

/// Run a network on inputs or on a data set, under its mask, with the kept weights alone.
///
/// Normalisations take their running statistics, as in evaluation. Sums are in f32; the same network and inputs give the
/// same bytes on any number of threads and in batches of any size.
#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    arch: ArchArgs,

    /// Mask of the architecture; by default all weights are kept
    #[arg(long, value_name = "FILE", help_heading = "Network")]
    mask: Option<PathBuf>,

    #[command(flatten)]
    weights: WeightArgs,

    /// Safetensors with the inputs, [n, …] with the sizes of the network's input
    // `--input` is the network's shape.
    #[arg(long, value_name = "FILE", help_heading = "Data", required_unless_present = "data")]
    inputs: Option<PathBuf>,

    /// Which tensor of that file, if it has several
    #[arg(long, value_name = "NAME", requires = "inputs", help_heading = "Data")]
    tensor: Option<String>,

    #[command(flatten)]
    test: TestArgs,

    /// File to write: safetensors with the tensor `output`
    #[arg(
        short,
        long,
        value_name = "FILE",
        help_heading = "Output",
        required_unless_present = "data"
    )]
    output: Option<PathBuf>,

    /// Replace the file if it exists
    #[arg(long, requires = "output", help_heading = "Output")]
    force: bool,
}

/// One tensor of a file.
fn read(path: &Path, tensor: Option<&str>) -> anyhow::Result<ArrayD<f32>> {
    let file = TensorFile::open(path)?;
    let names = file.names();
    let name = match (tensor, &names[..]) {
        (Some(name), _) if file.contains(name) => name,
        (None, [only]) => only,
        (found, _) => {
            let wanted = match found {
                Some(name) => format!("no tensor `{name}`"),
                None => "several tensors: --tensor says which".to_owned(),
            };
            let names = names.join(", ");
            return Err(usage(format!("{}: {wanted}; it has {names}", path.display())));
        }
    };
    Ok(file.array(name)?)
}

impl Run {
    /// The network under its mask, compiled, and the number of its weights.
    fn program(&self, arch: &Arc<Arch>) -> anyhow::Result<(Program, usize)> {
        let mask = match &self.mask {
            Some(path) => Some(load_mask(path, arch)?.0),
            None => None,
        };
        let (network, _) = self.weights.load(arch.clone(), self.arch.own_weights(), 0)?;
        let program = interrupt::at_once(|| Program::new(&network, mask.as_ref()))??;
        Ok((program, mask.map_or(arch.prunable_len(), |mask| mask.kept())))
    }

    /// What the network makes of the inputs.
    fn outputs(&self) -> anyhow::Result<Outputs> {
        if let Some(data) = self.test.load()? {
            let arch = self.arch.load_for(&data)?;
            data.fits(&arch)?;
            let (program, kept) = self.program(&arch)?;
            let (outputs, test) = test::run(&program, &arch, &data)?;
            return Ok(Outputs { arch, kept, outputs, test: Some(test) });
        }
        let Some(path) = &self.inputs else { unreachable!("the parser asks for it") };
        let arch = self.arch.load()?;
        let inputs = read(path, self.tensor.as_deref())?;
        let (program, kept) = self.program(&arch)?;
        let outputs = interrupt::at_once(|| program.run(inputs.view()))??;
        Ok(Outputs { arch, kept, outputs, test: None })
    }
}

/// What a run gave.
struct Outputs {
    arch: Arc<Arch>,
    kept: usize,
    outputs: ArrayD<f32>,
    test: Option<TestReport>,
}

impl Command for Run {
    const NAME: &'static str = "run";
    const EXAMPLES: &'static [Example] = &[
        (
            "what a trained network makes of inputs, under its mask",
            "phew run --arch lenet-5 --weights w.safetensors --mask m.safetensors --inputs x.safetensors \\\n      -o y.safetensors",
        ),
        (
            "one of several tensors of a file, by new weights",
            "phew run --arch lenet-5 --inputs x.safetensors --tensor images -o z.safetensors",
        ),
        (
            "its accuracy on the test images of a data set",
            "phew run --arch lenet-5 --weights w.safetensors --mask m.safetensors --data digits",
        ),
    ];
    type Report = RunReport;

    fn run(&self) -> anyhow::Result<RunReport> {
        if let Some(file) = &self.output {
            check_output(file, self.force)?;
        }
        let Outputs { arch, kept, outputs, test } = self.outputs()?;
        if let Some(file) = &self.output {
            write_arrays(file, [(OUTPUT, outputs.view())], None, overwrite(self.force))?;
        }
        Ok(RunReport {
            arch: arch.name().to_owned(),
            kept,
            prunable: arch.prunable_len(),
            inputs: outputs.shape()[0],
            shape: outputs.shape().to_vec(),
            test,
            output: self.output.clone(),
        })
    }
}
