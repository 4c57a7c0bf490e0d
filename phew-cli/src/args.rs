//! Arguments that several commands share: the architecture, the weights, the output.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use phew_graph::{Arch, Extra, GraphError, Init, Mask, MaskInfo, Network, Overwrite, Shape, zoo};

use crate::failure::usage;

/// Which architecture.
#[derive(Debug, Args)]
pub(crate) struct ArchArgs {
    /// A network of the zoo (vgg19, resnet20, lenet-5, mlp-784-300-10, …) or a TOML file
    #[arg(long, value_name = "NAME|FILE.toml")]
    pub(crate) arch: String,

    /// Number of classes (zoo networks only)
    #[arg(long, value_name = "N")]
    classes: Option<usize>,

    /// Input shape: features, or channels×height×width as in 3x32x32 (zoo networks only)
    #[arg(long, value_name = "SHAPE", value_parser = shape)]
    input: Option<Shape>,
}

impl ArchArgs {
    /// The architecture itself.
    pub(crate) fn load(&self) -> anyhow::Result<Arc<Arch>> {
        let path = Path::new(&self.arch);
        if path.extension().is_some_and(|e| e == "toml") {
            if self.classes.is_some() || self.input.is_some() {
                return Err(usage(format!(
                    "{}: --classes and --input are for networks of the zoo; a TOML file states its own",
                    self.arch
                )));
            }
            return Ok(Arch::load(path)?.into());
        }
        let mut template = zoo::by_name(&self.arch).map_err(|e| match e {
            GraphError::Zoo(text) => usage(format!("{text}; or name a file that ends in .toml")),
            other => other.into(),
        })?;
        if let Some(classes) = self.classes {
            template = template.classes(classes);
        }
        if let Some(input) = self.input {
            template = template.input(input);
        }
        let arch = template.build().with_context(|| format!("--arch {}", self.arch));
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

/// Which weights: from a file, or drawn.
#[derive(Debug, Args)]
pub(crate) struct WeightArgs {
    /// Weights: safetensors with the architecture's names and shapes
    #[arg(long, value_name = "FILE", conflicts_with = "init")]
    weights: Option<PathBuf>,

    /// Draw the weights instead: kaiming-normal (by default), kaiming-uniform (each also -fan-out),
    /// xavier-normal, xavier-uniform, normal:STD, orthogonal
    #[arg(long, value_name = "NAME")]
    init: Option<Init>,

    /// Seed of drawn weights; that of `phew init`. By default the value of --seed, or 0 where there is none
    #[arg(long, value_name = "SEED", conflicts_with = "weights")]
    init_seed: Option<u64>,

    /// Pass over tensors of the file that the architecture does not have
    #[arg(long, requires = "weights")]
    ignore_extra: bool,
}

impl WeightArgs {
    /// The network, and where its weights come from.
    pub(crate) fn load(
        &self,
        arch: Arc<Arch>,
        seed: u64,
    ) -> anyhow::Result<(Network, WeightSource)> {
        if let Some(path) = &self.weights {
            let extra = if self.ignore_extra { Extra::Ignore } else { Extra::Refuse };
            let network = Network::load(path, arch, extra).map_err(|e| match e {
                GraphError::Extra { .. } => {
                    anyhow::anyhow!("{e} (--ignore-extra passes over them)")
                }
                other => other.into(),
            })?;
            return Ok((network, WeightSource::File(path.clone())));
        }
        let (init, seed) = (self.init.unwrap_or_default(), self.init_seed.unwrap_or(seed));
        let network = Network::initialise(arch, init, seed)?;
        Ok((network, WeightSource::Drawn { init, seed }))
    }

    /// The first option that was given, for commands that may have no use for weights.
    pub(crate) fn given(&self) -> Option<&'static str> {
        first_given([
            ("--weights", self.weights.is_some()),
            ("--init", self.init.is_some()),
            ("--init-seed", self.init_seed.is_some()),
        ])
    }
}

/// The first option that was given.
pub(crate) fn first_given<const N: usize>(
    options: [(&'static str, bool); N],
) -> Option<&'static str> {
    options.into_iter().find_map(|(name, given)| given.then_some(name))
}

/// Where weights come from.
#[derive(Clone, Debug)]
pub(crate) enum WeightSource {
    /// A file.
    File(PathBuf),
    /// An initialiser and its seed.
    Drawn {
        /// The initialiser.
        init: Init,
        /// Its seed.
        seed: u64,
    },
}

impl std::fmt::Display for WeightSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            WeightSource::File(path) => write!(f, "{}", path.display()),
            WeightSource::Drawn { init, seed } => write!(f, "{init}, seed {seed}"),
        }
    }
}

/// A mask in the order of the architecture, and what its file says of it.
pub(crate) fn load_mask(path: &Path, arch: &Arch) -> anyhow::Result<(Mask, Option<MaskInfo>)> {
    let (mask, info) = Mask::load(path)?;
    Ok((mask.in_order_of(arch, &path.display().to_string())?, info))
}

/// Where the result goes.
#[derive(Debug, Args)]
pub(crate) struct OutputArgs {
    /// File to write
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,

    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
}

impl OutputArgs {
    /// What to do with an existing file.
    pub(crate) fn overwrite(&self) -> Overwrite {
        if self.force { Overwrite::Replace } else { Overwrite::Refuse }
    }

    /// Refuses before the work what would be refused after it.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        self.check_path(&self.output)
    }

    /// As [`OutputArgs::check`], for another file of the same command.
    pub(crate) fn check_path(&self, path: &Path) -> anyhow::Result<()> {
        check_output(path, self.force)
    }
}

/// Refuses a file that cannot be written, or must not be.
pub(crate) fn check_output(path: &Path, force: bool) -> anyhow::Result<()> {
    if path.is_dir() {
        return Err(usage(format!("{}: is a folder, expected a file", path.display())));
    }
    // Files are written by renaming, which would put one in the place of a device.
    if path.exists() && !path.is_file() {
        return Err(usage(format!("{}: is not a regular file", path.display())));
    }
    if !force && path.exists() {
        return Err(usage(format!("{}: already exists (--force replaces it)", path.display())));
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    match folder {
        Some(folder) if !folder.is_dir() => {
            Err(usage(format!("{}: no such folder {}", path.display(), folder.display())))
        }
        _ => Ok(()),
    }
}
