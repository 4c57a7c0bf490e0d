//! Which architecture: a network of the zoo, or a file.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use phew_graph::{Arch, GraphError, Shape, zoo};

use super::first_given;
use crate::failure::usage;

/// Which architecture.
#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
pub(crate) struct ArchArgs {
    /// A network of the zoo (`phew archs` lists them) or a TOML file
    #[arg(long, value_name = "NAME|FILE.toml")]
    arch: String,

    #[command(flatten)]
    network: NetworkArgs,
}

impl ArchArgs {
    /// The architecture itself.
    pub(crate) fn load(&self) -> anyhow::Result<Arc<Arch>> {
        self.network.load(&self.arch)
    }
}

/// What can be changed of a network of the zoo.
#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
pub(crate) struct NetworkArgs {
    /// Number of classes (zoo networks only)
    #[arg(long, value_name = "N")]
    classes: Option<usize>,

    /// Input shape: features, or channels×height×width as in 3x32x32 (zoo networks only)
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
        let path = Path::new(name);
        if path.extension().is_some_and(|e| e == "toml") {
            if self.given().is_some() {
                return Err(usage(format!(
                    "{name}: --classes and --input are for networks of the zoo; a TOML file states its own"
                )));
            }
            return Ok(Arch::load(path)?.into());
        }
        let mut template = zoo::by_name(name).map_err(|e| match e {
            GraphError::Zoo(text) => usage(format!("{text}; or name a file that ends in .toml")),
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
        "expected a number of features, or channels×height×width as in 3x32x32".into()
    })
}
