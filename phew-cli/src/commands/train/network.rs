//! What is trained: the network that a run begins with, and its mask.

use std::path::{Path, PathBuf};

use clap::Args;
use phew_graph::{Init, Mask, Network, NormScale, Provenance};
use phew_train::{Dataset, Recipe};

use crate::args::{
    WeightSource, architecture, choice, load_mask, load_own_weights, load_weights, own_weights,
};
use crate::stderr;

/// Which network.
#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
pub(super) struct NetworkArgs {
    /// A network of the zoo, made to fit the data, a TOML file, or a model exported by PyTorch, whose own weights are then
    /// the default; the recipe's by default
    #[arg(long, value_name = "NAME|FILE.toml|FILE.pt2|FILE.onnx")]
    arch: Option<String>,

    /// Initial weights: safetensors with the architecture's names and shapes; {seed} stands for the run's seed
    #[arg(long, value_name = "FILE", conflicts_with_all = ["init", "norm_scale", "init_seed"])]
    weights: Option<PathBuf>,

    /// Pass over tensors of the file that the architecture does not have
    #[arg(long, requires = "weights")]
    ignore_extra: bool,

    /// Draw the initial weights so instead; the recipe says how by default
    #[arg(long, value_name = "NAME")]
    init: Option<Init>,

    /// Scales of batch normalisations of drawn weights; the recipe says how by default
    #[arg(long, value_name = "SCALE", value_parser = choice::<NormScale>())]
    norm_scale: Option<NormScale>,

    /// Seed of drawn weights; that of `phew init`. By default the value of --seed
    #[arg(long, value_name = "SEED")]
    init_seed: Option<u64>,

    /// Mask of `phew prune`; without one the network is dense; {seed} stands for the run's seed
    #[arg(long, value_name = "FILE")]
    mask: Option<PathBuf>,
}

impl NetworkArgs {
    /// The recipe with what these options say otherwise.
    pub(super) fn apply(&self, recipe: &mut Recipe) {
        if let Some(arch) = &self.arch {
            recipe.arch.clone_from(arch);
        }
        if let Some(init) = self.init {
            recipe.init = init.to_string();
        }
        recipe.norm_scale = self.norm_scale.unwrap_or(recipe.norm_scale);
    }

    /// The network of a run, before its mask.
    pub(super) fn network(
        &self,
        recipe: &Recipe,
        data: &Dataset,
        seed: u64,
    ) -> anyhow::Result<(Network, WeightSource)> {
        let arch = architecture(&recipe.arch, data)?;
        if let Some(path) = &self.weights {
            let path = of_seed(path, seed);
            return Ok((load_weights(&path, arch, self.ignore_extra)?, WeightSource::File(path)));
        }
        let drawn = self.init.is_some() || self.norm_scale.is_some() || self.init_seed.is_some();
        if let Some(path) = own_weights(&recipe.arch).filter(|_| !drawn) {
            let network = load_own_weights(path, arch)?;
            return Ok((network, WeightSource::File(path.to_path_buf())));
        }
        let (init, norm_scale): (Init, _) = (recipe.init.parse()?, recipe.norm_scale);
        let seed = self.init_seed.unwrap_or(seed);
        let network = Network::initialise(arch, init, seed)?.with_norm_scale(norm_scale, seed);
        Ok((network, WeightSource::Drawn { init, norm_scale, seed }))
    }

    /// The mask of a run, and what its file says of it.
    pub(super) fn mask(
        &self,
        network: &Network,
        seed: u64,
    ) -> anyhow::Result<Option<(Mask, Option<Provenance>)>> {
        self.mask.as_deref().map(|path| mask_for(&of_seed(path, seed), network)).transpose()
    }

    /// What the mask's file says of it.
    pub(super) fn mask_provenance(&self, seed: u64) -> anyhow::Result<Option<Provenance>> {
        let Some(path) = &self.mask else { return Ok(None) };
        Ok(Mask::load(&of_seed(path, seed))?.1)
    }
}

/// Where a network and its mask come from.
pub(super) fn provenance(
    network: &Network,
    source: &WeightSource,
    mask: Option<&Provenance>,
) -> Provenance {
    let from = source.provenance(network);
    match mask.cloned() {
        None => from,
        Some(Provenance { method, density, seed, parameters, .. }) => {
            Provenance { method, density, seed, parameters, ..from }
        }
    }
}

/// A path with the run's seed in the place of `{seed}`.
fn of_seed(path: &Path, seed: u64) -> PathBuf {
    path.to_string_lossy().replace("{seed}", &seed.to_string()).into()
}

/// A mask for a network, with a word if it was made from other weights.
pub(in crate::commands) fn mask_for(
    path: &Path,
    network: &Network,
) -> anyhow::Result<(Mask, Option<Provenance>)> {
    let (mask, info) = load_mask(path, network.arch())?;
    let other = |made_from: &str| !made_from.is_empty() && made_from != network.fingerprint();
    if info.as_ref().is_some_and(|info| other(&info.weights)) {
        let path = path.display();
        stderr::warn(format_args!("{path}: made from other weights than those of the network"));
    }
    Ok((mask, info))
}

/// How a mask was made, in a line.
pub(super) fn describe(from: &Provenance) -> String {
    let method = from.method.as_deref().unwrap_or("unknown");
    let (density, seed) = (from.density.unwrap_or_default(), from.seed.unwrap_or_default());
    format!("{method}, density {density}, seed {seed}")
}
