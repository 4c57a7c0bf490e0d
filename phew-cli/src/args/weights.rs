//! Which weights: those of a file, or drawn ones.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use phew_graph::{Arch, Choice, Extra, GraphError, Init, Network, NormScale, Provenance};

use super::{choice, first_given};
use crate::stderr;

/// Which weights: from a file, or drawn.
#[derive(Debug, Args)]
#[command(next_help_heading = "Weights")]
pub(crate) struct WeightArgs {
    /// Weights: safetensors (also in shards, by their index) a .pt2 or .onnx, with the architecture's names and shapes
    #[arg(long, value_name = "FILE", conflicts_with = "init")]
    weights: Option<PathBuf>,

    /// Draw the weights instead: kaiming-normal (by default), kaiming-uniform (each also -fan-out),
    /// xavier-normal, xavier-uniform, normal:STD, orthogonal
    #[arg(long, value_name = "NAME")]
    init: Option<Init>,

    /// Scales of batch normalisations of drawn weights; one by default
    #[arg(long, value_name = "SCALE", value_parser = choice::<NormScale>(), conflicts_with = "weights")]
    norm_scale: Option<NormScale>,

    /// Seed of drawn weights; that of `phew init`. By default the value of --seed, or 0 where there is none
    #[arg(long, value_name = "SEED", conflicts_with = "weights")]
    init_seed: Option<u64>,

    /// Pass over tensors of the file that the architecture does not have
    #[arg(long, requires = "weights")]
    ignore_extra: bool,
}

impl WeightArgs {
    /// The network, and where its weights come from; `own` is the file of the architecture's own.
    pub(crate) fn load(
        &self,
        arch: Arc<Arch>,
        own: Option<&Path>,
        seed: u64,
    ) -> anyhow::Result<(Network, WeightSource)> {
        if let Some(path) = &self.weights {
            // Exporters to ONNX change weights, and add tensors that no state dict has.
            if let Some(own) = own.filter(|own| own.extension().is_some_and(|e| e == "onnx")) {
                let (network, notes) = load_own_weights(own, arch)?.with_weights_of(path)?;
                for note in notes {
                    stderr::warn(format!("{}: {note}", path.display()));
                }
                return Ok((network, WeightSource::File(path.clone())));
            }
            let network = load_weights(path, arch, self.ignore_extra)?;
            return Ok((network, WeightSource::File(path.clone())));
        }
        if let Some(path) = own.filter(|_| !self.drawn()) {
            return Ok((load_own_weights(path, arch)?, WeightSource::File(path.to_owned())));
        }
        let (init, seed) = (self.init.unwrap_or_default(), self.init_seed.unwrap_or(seed));
        let norm_scale = self.norm_scale.unwrap_or_default();
        let network = Network::initialise(arch, init, seed)?.with_norm_scale(norm_scale, seed);
        Ok((network, WeightSource::Drawn { init, norm_scale, seed }))
    }

    /// Whether another seed gives other weights, where `own` is the file of the architecture's own.
    pub(crate) fn follow_seed(&self, own: Option<&Path>) -> bool {
        self.weights.is_none() && self.init_seed.is_none() && (own.is_none() || self.drawn())
    }

    /// Whether an option asks for drawn weights.
    fn drawn(&self) -> bool {
        self.init.is_some() || self.norm_scale.is_some() || self.init_seed.is_some()
    }

    /// The first option that was given, for commands that may have no use for weights.
    pub(crate) fn given(&self) -> Option<&'static str> {
        first_given([
            ("--weights", self.weights.is_some()),
            ("--init", self.init.is_some()),
            ("--norm-scale", self.norm_scale.is_some()),
            ("--init-seed", self.init_seed.is_some()),
        ])
    }
}

/// The network of a model that was exported with its weights: what no output depends on was left out with a word
/// before.
pub(crate) fn load_own_weights(path: &Path, arch: Arc<Arch>) -> anyhow::Result<Network> {
    load_weights(path, arch, true)
}

/// The network of a file of weights, with a word on stderr for what is read otherwise than as it stands.
pub(crate) fn load_weights(
    path: &Path,
    arch: Arc<Arch>,
    ignore_extra: bool,
) -> anyhow::Result<Network> {
    let extra = if ignore_extra { Extra::Ignore } else { Extra::Refuse };
    let last = arch.prunable().iter().last().map(|spec| spec.name.clone());
    let (network, notes) = Network::load_with_notes(path, arch, extra).map_err(|e| match e {
        GraphError::Extra { .. } => anyhow::anyhow!("{e} (--ignore-extra passes over them)"),
        // The same layer for another number of classes.
        GraphError::TensorShape { ref name, ref found, ref expected, .. }
            if Some(name) == last.as_ref()
                && found.get(1..) == expected.get(1..)
                && !found.is_empty() =>
        {
            anyhow::anyhow!("{e} (--classes {} makes a network of the zoo fit)", found[0])
        }
        other => other.into(),
    })?;
    for note in notes {
        stderr::warn(format!("{}: {note}", path.display()));
    }
    Ok(network)
}

/// The scales of normalisations where they are not as usual: what a record says of them.
pub(crate) fn drawn(scale: NormScale) -> Option<NormScale> {
    (scale != NormScale::default()).then_some(scale)
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
        /// The scales of normalisations.
        norm_scale: NormScale,
        /// Seed of both.
        seed: u64,
    },
}

impl WeightSource {
    /// What a record says of the network, its weights among it.
    pub(crate) fn provenance(&self, network: &Network) -> Provenance {
        let from = Provenance::of(network);
        match self {
            WeightSource::File(_) => from,
            WeightSource::Drawn { init, norm_scale, seed } => Provenance {
                init: Some(init.to_string()),
                norm_scale: drawn(*norm_scale).map(|scale| scale.name().to_owned()),
                weights_seed: Some(*seed),
                ..from
            },
        }
    }
}

impl std::fmt::Display for WeightSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            WeightSource::File(path) => write!(f, "{}", path.display()),
            WeightSource::Drawn { init, norm_scale, seed } => {
                let scale = drawn(*norm_scale).map(|s| format!(", scales {s}")).unwrap_or_default();
                write!(f, "{init}{scale}, seed {seed}")
            }
        }
    }
}
