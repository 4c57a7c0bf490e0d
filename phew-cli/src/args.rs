//! Arguments that several commands share: the architecture, the weights, the output.

mod data;
mod density;
#[cfg(feature = "train")]
mod device;
mod masked;
mod network;
mod output;
mod seeds;
mod weights;

use std::path::Path;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use phew_graph::{Arch, Choice, Mask, Provenance};

pub(crate) use data::{DataArgs, ImageArgs, data_set, load_data, usual_dir};
pub(crate) use density::{DensityArgs, HEADING as PRUNING};
#[cfg(feature = "train")]
pub(crate) use device::{DeviceArgs, device};
pub(crate) use masked::{Masked, MaskedArgs};
pub(crate) use network::{ArchArgs, ModelArgs, NetworkArgs};
#[cfg(feature = "train")]
pub(crate) use network::{architecture, own_weights};
pub(crate) use output::{OutputArgs, check_output, overwrite};
pub(crate) use seeds::{Seeds, all as all_seeds, seeds};
pub(crate) use weights::{WeightArgs, WeightSource, drawn, load_own_weights, load_weights};

/// The first option that was given.
pub(crate) fn first_given<const N: usize>(
    options: [(&'static str, bool); N],
) -> Option<&'static str> {
    options.into_iter().find_map(|(name, given)| given.then_some(name))
}

/// A mask in the order of the architecture, and what its file says of it.
pub(crate) fn load_mask(path: &Path, arch: &Arch) -> anyhow::Result<(Mask, Option<Provenance>)> {
    let (mask, info, _) = Mask::load_for(path, arch)?;
    Ok((mask, info))
}

/// Reads one of a few named values; help lists them with their meanings.
pub(crate) fn choice<C: Choice + Clone + Send + Sync>() -> impl TypedValueParser<Value = C> {
    let values = C::ALL.iter().map(|c| PossibleValue::new(c.name()).help(c.summary()));
    let parser: PossibleValuesParser = values.collect::<Vec<_>>().into();
    parser.map(|name: String| match C::ALL.iter().find(|c| c.name() == name) {
        Some(choice) => *choice,
        None => unreachable!("the parser lets through these names only"),
    })
}
