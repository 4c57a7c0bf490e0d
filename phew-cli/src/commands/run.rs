//! `phew run`: what a network makes of inputs, without libtorch.

use std::path::PathBuf;

use clap::Args;
use phew_graph::execute::Program;
use phew_graph::ndarray::ArrayD;
use phew_graph::{TensorFile, write_arrays};
use serde::Serialize;

use crate::args::{ArchArgs, OutputArgs, WeightArgs, load_mask};
use crate::command::{Command, Example, Report};
use crate::failure::usage;
use crate::interrupt;
use crate::output::{counted, grouped};

/// What the tensor of results is called.
const OUTPUT: &str = "output";

/// Run a network on inputs, under its mask, with the kept weights alone.
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
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    inputs: PathBuf,

    /// Which tensor of that file, if it has several
    #[arg(long, value_name = "NAME", help_heading = "Data")]
    tensor: Option<String>,

    #[command(flatten)]
    output: OutputArgs,
}

/// What was run.
#[derive(Clone, Debug, Serialize)]
pub struct RunReport {
    /// Name of the architecture.
    pub arch: String,
    /// Weights that were computed with.
    pub kept: usize,
    /// Prunable weights.
    pub prunable: usize,
    /// Inputs.
    pub inputs: usize,
    /// The shape of the tensor of results.
    pub shape: Vec<usize>,
    /// The file, in which it is called `output`.
    pub output: PathBuf,
}

impl Run {
    fn read(&self) -> anyhow::Result<ArrayD<f32>> {
        let file = TensorFile::open(&self.inputs)?;
        let names = file.names();
        let name = match (&self.tensor, &names[..]) {
            (Some(name), _) if file.contains(name) => name,
            (None, [only]) => only,
            (found, _) => {
                let wanted = match found {
                    Some(name) => format!("no tensor `{name}`"),
                    None => "several tensors: --tensor says which".to_owned(),
                };
                let names = names.join(", ");
                return Err(usage(format!("{}: {wanted}; it has {names}", self.inputs.display())));
            }
        };
        Ok(file.array(name)?)
    }
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
    ];
    type Report = RunReport;

    fn run(&self) -> anyhow::Result<RunReport> {
        self.output.check()?;
        let arch = self.arch.load()?;
        let mask = match &self.mask {
            Some(path) => Some(load_mask(path, &arch)?.0),
            None => None,
        };
        let inputs = self.read()?;
        let (network, _) = self.weights.load(arch.clone(), self.arch.own_weights(), 0)?;
        let outputs = interrupt::at_once(|| {
            let program = Program::new(&network, mask.as_ref())?;
            program.run(inputs.view())
        })??;
        write_arrays(
            &self.output.output,
            [(OUTPUT, outputs.view())],
            None,
            self.output.overwrite(),
        )?;
        Ok(RunReport {
            arch: arch.name().to_owned(),
            kept: mask.map_or(arch.prunable_len(), |mask| mask.kept()),
            prunable: arch.prunable_len(),
            inputs: inputs.shape()[0],
            shape: outputs.shape().to_vec(),
            output: self.output.output.clone(),
        })
    }
}

impl Report for RunReport {
    fn text(&self) -> String {
        format!(
            "{}: {} of {} weights, {}\noutput {:?} in {}\n",
            self.arch,
            grouped(self.kept),
            grouped(self.prunable),
            counted(self.inputs, "input"),
            self.shape,
            self.output.display()
        )
    }
}
