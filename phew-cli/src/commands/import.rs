//! `phew import`: a model exported by PyTorch, or to ONNX, as phew's own files.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use phew_graph::{TensorSpec, import, write_atomically};
use serde::Serialize;

use crate::args::OutputArgs;
use crate::command::{Command, Example, Report};
use crate::interrupt;
use crate::output::grouped;
use crate::stderr;

/// Write a model exported by PyTorch or to ONNX as TOML and safetensors.
///
/// The model is what `torch.export.save(torch.export.export(model, (x,)), "model.pt2")` or `torch.onnx.export` writes. Every command takes such a
/// file as it is; this is for reading it and changing it.
#[derive(Debug, Args)]
pub struct Import {
    /// The exported model
    #[arg(value_name = "FILE.pt2|FILE.onnx")]
    model: PathBuf,

    /// File for the weights, biases and buffers: safetensors
    #[arg(long, value_name = "FILE", help_heading = "Weights")]
    weights: Option<PathBuf>,

    #[command(flatten)]
    output: OutputArgs,
}

/// What was read.
#[derive(Clone, Debug, Serialize)]
pub struct ImportReport {
    /// Name of the architecture: that of the file.
    pub arch: String,
    /// Shape of an input.
    pub input: Vec<usize>,
    /// Shape of an output.
    pub output: Vec<usize>,
    /// Operators.
    pub operators: usize,
    /// Prunable tensors.
    pub layers: usize,
    /// Prunable weights.
    pub prunable: usize,
    /// Biases and normalisation.
    pub others: usize,
    /// The file of the architecture.
    pub toml: PathBuf,
    /// The file of the weights.
    pub weights: Option<PathBuf>,
    /// What was read otherwise than as it stands, or left out.
    pub notes: Vec<String>,
}

impl Command for Import {
    const NAME: &'static str = "import";
    const EXAMPLES: &'static [Example] = &[
        (
            "architecture and weights of a model of one's own",
            "phew import model.pt2 -o model.toml --weights model.safetensors",
        ),
        ("the architecture alone, to change it", "phew import model.pt2 -o net.toml"),
    ];
    type Report = ImportReport;

    fn run(&self) -> anyhow::Result<ImportReport> {
        self.output.check()?;
        self.weights.iter().try_for_each(|path| self.output.check_path(path))?;
        let imported = interrupt::at_once(|| import(&self.model))??;
        for note in &imported.notes {
            stderr::warn(format_args!("{}: {note}", self.model.display()));
        }
        let (network, toml) = (imported.network, &self.output.output);
        let arch = network.arch();
        write_atomically(toml, self.output.overwrite(), |out| {
            let text = arch.to_toml();
            out.write_all(text.as_bytes())
                .map_err(|source| phew_graph::GraphError::Io { path: toml.clone(), source })
        })?;
        if let Some(path) = &self.weights {
            network.save(path, self.output.overwrite())?;
        }
        Ok(ImportReport {
            arch: arch.name().to_owned(),
            input: arch.input_shape().sizes(),
            output: arch.output_shape().sizes(),
            operators: arch.nodes().len(),
            layers: arch.prunable().len(),
            prunable: arch.prunable_len(),
            others: arch.auxiliary().iter().map(TensorSpec::len).sum(),
            toml: toml.clone(),
            weights: self.weights.clone(),
            notes: imported.notes,
        })
    }
}

impl Report for ImportReport {
    fn text(&self) -> String {
        let (prunable, others) = (grouped(self.prunable), grouped(self.others));
        let weights = self
            .weights
            .iter()
            .map(|path| format!(", weights {}", path.display()))
            .collect::<String>();
        format!(
            "{}: input {:?}, output {:?}, {} operators\n{prunable} prunable weights in {} tensors, {others} other \
             parameters and buffers\narchitecture {}{weights}\n",
            self.arch,
            self.input,
            self.output,
            self.operators,
            self.layers,
            self.toml.display()
        )
    }
}
