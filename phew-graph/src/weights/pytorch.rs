//! PyTorch's pruning convention: `<name>_orig` holds the weights and `<name>_mask` 0 or 1, both F32.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use safetensors::tensor::Dtype;

use super::Network;
use super::check::{Extra, check_names};
use super::held::Held;
use super::network::initial;
use super::state_dict::values;
use crate::arch::{Arch, TensorShape, TensorSpec};
use crate::atomic::Overwrite;
use crate::error::{GraphError, list};
use crate::mask::{LayerMask, Mask};
use crate::safetensors::{Tensor, TensorFile, write_tensors};

/// Writes weights and mask as `torch.nn.utils.prune` names them in a state dict.
///
/// # Errors
/// [`GraphError::Missing`] and [`GraphError::TensorShape`] if the mask is not one of this architecture,
/// [`GraphError::Exists`], [`GraphError::Io`].
pub fn write_pytorch_pruned(
    path: &Path,
    network: &Network,
    mask: &Mask,
    overwrite: Overwrite,
) -> Result<(), GraphError> {
    mask.check(network.arch(), "mask")?;
    let mut tensors: BTreeMap<String, Part<'_>> = BTreeMap::new();
    let mut layers = mask.layers().iter();
    for held in network.held() {
        let name = held.name;
        // The prunable tensors come first.
        if let Some(layer) = layers.next() {
            tensors.insert(original(name), Part::Values(held));
            tensors.insert(kept(name), Part::Mask(layer));
        } else {
            tensors.insert(name.to_owned(), Part::Values(held));
        }
    }
    write_tensors(path, tensors, None, overwrite)
}

/// Reads weights and mask from a file that follows PyTorch's pruning convention.
///
/// A weight that was never pruned may stand under its plain name. Tensors that are not the architecture's
/// are refused; a batch normalisation that is absent altogether takes its initial values.
///
/// # Errors
/// As [`Network::load`], and [`GraphError::NotBinary`] if a mask holds anything but 0 and 1.
pub fn read_pytorch_pruned(
    path: &Path,
    arch: impl Into<Arc<Arch>>,
) -> Result<(Network, Mask), GraphError> {
    let arch = arch.into();
    let file = TensorFile::open(path)?;
    let origin = file.origin();
    let mut names: BTreeSet<String> = file.names().into_iter().collect();
    let mut pruned: BTreeSet<&str> = BTreeSet::new();
    for spec in arch.prunable().iter().filter(|spec| !file.contains(&spec.name)) {
        // The pair stands for the plain name.
        for part in [kept(&spec.name), original(&spec.name)] {
            if !names.remove(&part) {
                let (names, arch) = (list(&[part]), arch.name().to_owned());
                return Err(GraphError::Missing { origin, names, arch, has: Box::default() });
            }
        }
        names.insert(spec.name.clone());
        pruned.insert(&spec.name);
    }
    check_names(&origin, &arch, names.iter().map(String::as_str), Extra::Refuse)?;
    let tensor = |spec: &TensorSpec| {
        let orig = original(&spec.name);
        let name = if pruned.contains(spec.name.as_str()) { &orig } else { &spec.name };
        file.stored(name).map_or_else(|| Ok(initial(spec)), |stored| values(spec, &stored))
    };
    let layer = |spec: &TensorSpec| match file.stored(&kept(&spec.name)) {
        Some(stored) => {
            let kept = stored.held_bools(&spec.shape)?;
            Ok(LayerMask::from_fn(&spec.name, &spec.shape, |i| kept[i] == 1))
        }
        None => Ok(LayerMask::dense(&spec.name, &spec.shape)),
    };
    let layers = arch.prunable().iter().map(layer).collect::<Result<_, GraphError>>()?;
    let weights = arch.prunable().iter().map(tensor).collect::<Result<_, GraphError>>()?;
    let auxiliary = arch.auxiliary().iter().map(tensor).collect::<Result<_, GraphError>>()?;
    let network = Network::checked(arch, &origin, weights, auxiliary)?;
    Ok((network, Mask::from_layers(layers)))
}

/// The name under which a pruned tensor's weights stand.
fn original(name: &str) -> String {
    format!("{name}_orig")
}

/// The name under which a pruned tensor's mask stands.
fn kept(name: &str) -> String {
    format!("{name}_mask")
}

enum Part<'a> {
    Values(Held<'a>),
    Mask(&'a LayerMask),
}

impl Tensor for Part<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }
    fn shape(&self) -> Cow<'_, TensorShape> {
        match self {
            Self::Values(values) => values.shape(),
            Self::Mask(mask) => Cow::Borrowed(mask.shape()),
        }
    }
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Values(values) => values.write(out),
            Self::Mask(mask) => {
                let value = |i| if mask.get(i) { 1.0_f32 } else { 0.0 };
                (0..mask.len()).try_for_each(|i| out.write_all(&value(i).to_le_bytes()))
            }
        }
    }
}
