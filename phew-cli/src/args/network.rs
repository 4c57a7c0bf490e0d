//! Which architecture: a network of the zoo, or a file.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use phew_graph::{Arch, GraphError, Shape, zoo};
use phew_train::Dataset;

use super::first_given;
use crate::failure::usage;
use crate::stderr;

/// Which architecture.
#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
pub(crate) struct ArchArgs {
    /// A network of the zoo (`phew archs` lists them), a TOML file, or a model exported by PyTorch (torch.export.save) or to
    /// ONNX
    #[arg(long, value_name = "NAME|FILE.toml|FILE.pt2|FILE.onnx")]
    arch: String,

    #[command(flatten)]
    network: NetworkArgs,
}

impl ArchArgs {
    /// The architecture; a network of the zoo is made to fit a data set, unless its sizes are given.
    pub(crate) fn load_for(&self, data: &Dataset) -> anyhow::Result<Arc<Arch>> {
        match self.network.given() {
            Some(_) => self.load(),
            None => architecture(&self.arch, data),
        }
    }

    /// The architecture itself.
    pub(crate) fn load(&self) -> anyhow::Result<Arc<Arch>> {
        self.network.load(&self.arch)
    }

    /// The file of its own weights, if it has one.
    pub(crate) fn own_weights(&self) -> Option<&Path> {
        own_weights(&self.arch)
    }
}

/// Which architecture, where a file of it may also stand first on the command line.
#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
pub(crate) struct ModelArgs {
    /// The network, as --arch names it
    #[arg(value_name = "NAME|FILE.toml|FILE.pt2|FILE.onnx")]
    model: Option<String>,

    /// A network of the zoo (`phew archs` lists them), a TOML file, or a model exported by PyTorch (torch.export.save) or to
    /// ONNX, whose own weights are then the default
    #[arg(
        long,
        value_name = "NAME|FILE.toml|FILE.pt2|FILE.onnx",
        required_unless_present = "model",
        conflicts_with = "model"
    )]
    arch: Option<String>,

    #[command(flatten)]
    network: NetworkArgs,
}

impl ModelArgs {
    fn name(&self) -> &str {
        self.arch.as_deref().or(self.model.as_deref()).unwrap_or_default()
    }

    /// The architecture itself.
    pub(crate) fn load(&self) -> anyhow::Result<Arc<Arch>> {
        self.network.load(self.name())
    }

    /// The file of its own weights, if it has one.
    pub(crate) fn own_weights(&self) -> Option<&Path> {
        own_weights(self.name())
    }
}

/// The file that holds the weights of a network beside its architecture: that of an exported model.
pub(crate) fn own_weights(arch: &str) -> Option<&Path> {
    Some(Path::new(arch)).filter(|path| is_export(path))
}

/// The architecture of a file; `None` if that is no file's name.
pub(crate) fn arch_of_file(name: &str) -> Option<anyhow::Result<Arc<Arch>>> {
    let path = Path::new(name);
    if has_extension(path, "toml") {
        return Some(Arch::load(path).map(Arc::new).map_err(Into::into));
    }
    if !is_export(path) {
        return None;
    }
    let imported = phew_graph::import_arch(path).map(|(arch, notes)| {
        for note in notes {
            stderr::warn(format_args!("{name}: {note}"));
        }
        arch
    });
    Some(imported.map_err(Into::into))
}

/// The architecture: a file as it is, a network of the zoo made to fit the data (where its name leaves that open).
pub(crate) fn architecture(name: &str, data: &Dataset) -> anyhow::Result<Arc<Arch>> {
    if let Some(arch) = arch_of_file(name) {
        return arch;
    }
    let mut template = zoo::by_name(name)?;
    if !name.starts_with("mlp-") {
        let [channels, height, width] = data.train.shape();
        template = template.classes(data.summary().outputs).input(Shape::Image {
            channels,
            height,
            width,
        });
    }
    let arch = template.build().with_context(|| format!("{name} on {}", data.name));
    Ok(arch.map_err(|e| usage(format!("{e:#}")))?.into())
}

/// Whether a file is called as exported models are, which hold architecture and weights.
fn is_export(path: &Path) -> bool {
    ["pt2", "onnx"].into_iter().any(|extension| has_extension(path, extension))
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|own| own == extension)
}

/// What can be changed of a network of the zoo.
#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
pub(crate) struct NetworkArgs {
    /// Number of classes (zoo networks only)
    #[arg(long, value_name = "N")]
    classes: Option<usize>,

    /// Input shape: features, channels×length, or channels×height×width as in 3x32x32 (zoo networks only)
    #[arg(long, value_name = "SHAPE", value_parser = shape)]
    input: Option<Shape>,
}

impl NetworkArgs {
    /// The first option that was given.
    pub(crate) fn given(&self) -> Option<&'static str> {
        first_given([("--classes", self.classes.is_some()), ("--input", self.input.is_some())])
    }

    /// The architecture of a name or of a file.
    pub(crate) fn load(&self, name: &str) -> anyhow::Result<Arc<Arch>> {
        if let Some(arch) = arch_of_file(name) {
            if self.given().is_some() {
                return Err(usage(format!(
                    "{name}: --classes and --input are for networks of the zoo; a file states its own"
                )));
            }
            return arch;
        }
        let mut template = zoo::by_name(name).map_err(|e| match e {
            GraphError::Zoo(text) => {
                usage(format!("{text}; or name a file that ends in .toml, .pt2 or .onnx"))
            }
            other => other.into(),
        })?;
        if let Some(classes) = self.classes {
            template = template.classes(classes);
        }
        if let Some(input) = self.input {
            template = template.input(input);
        }
        let arch = template.build().with_context(|| format!("--arch {name}"));
        Ok(arch.map_err(|e| usage(format!("{e:#}")))?.into())
    }
}

fn shape(text: &str) -> Result<Shape, String> {
    let sizes: Result<Vec<usize>, _> = text.split(['x', '×', ',']).map(str::parse).collect();
    let shape = sizes.ok().and_then(|s| Shape::from_slice(&s));
    shape.ok_or_else(|| {
        "expected a number of features, channels×length, or channels×height×width as in 3x32x32"
            .into()
    })
}
