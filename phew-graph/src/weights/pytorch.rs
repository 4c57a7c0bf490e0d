//! PyTorch's pruning convention: `<name>_orig` holds the weights and `<name>_mask` 0 or 1, both F32.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use safetensors::tensor::{Dtype, View};

use super::Network;
use super::file::{Values, check_header, map, parse, write_safetensors};
use super::network::{Data, check_finite, initial};
use crate::arch::{Arch, TensorSpec};
use crate::atomic::Overwrite;
use crate::error::{GraphError, list};
use crate::mask::{LayerMask, Mask};

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
    let mut tensors: BTreeMap<String, Tensor<'_>> = BTreeMap::new();
    let prunable = network.arch().prunable().len();
    for (i, (spec, values)) in network.tensors().enumerate() {
        let values = Tensor::Values(Values { shape: &spec.shape, values });
        if i < prunable {
            tensors.insert(format!("{}_orig", spec.name), values);
            tensors.insert(format!("{}_mask", spec.name), Tensor::Mask(mask.layer(i)));
        } else {
            tensors.insert(spec.name.clone(), values);
        }
    }
    write_safetensors(path, tensors, None, overwrite)
}

/// Reads weights and mask from a file that follows PyTorch's pruning convention.
///
/// A weight that was never pruned may stand under its plain name. Tensors that are not the architecture's
/// are refused; normalisation that is absent takes its initial values.
///
/// # Errors
/// As [`Network::load`], and [`GraphError::NotBinary`] if a mask holds anything but 0 and 1.
pub fn read_pytorch_pruned(
    path: &Path,
    arch: impl Into<Arc<Arch>>,
) -> Result<(Network, Mask), GraphError> {
    let arch = arch.into();
    let map = map(path)?;
    let file = parse(path, &map)?;
    let origin = path.display().to_string();
    let values = |name: &str, spec: &TensorSpec| -> Result<Option<Vec<f32>>, GraphError> {
        let Ok(view) = file.tensor(name) else { return Ok(None) };
        check_header(&origin, name, &view, &spec.shape, Dtype::F32, "F32")?;
        let values: Vec<f32> = bytemuck::allocation::pod_collect_to_vec(view.data());
        check_finite(&origin, name, &values)?;
        Ok(Some(values))
    };
    let missing = |name: &str| GraphError::Missing {
        origin: origin.clone(),
        names: list(&[name]),
        arch: arch.name().to_owned(),
    };
    let mut known: Vec<String> = Vec::new();
    let mut weights = Vec::new();
    let mut layers = Vec::new();
    for spec in arch.prunable() {
        let (orig, mask) = (format!("{}_orig", spec.name), format!("{}_mask", spec.name));
        if let Some(plain) = values(&spec.name, spec)? {
            weights.push(Data::Owned(plain.into()));
            layers.push(LayerMask::dense(&spec.name, &spec.shape));
            known.push(spec.name.clone());
            continue;
        }
        let kept = values(&mask, spec)?.ok_or_else(|| missing(&mask))?;
        if let Some(index) = kept.iter().position(|v| ![0.0, 1.0].contains(v)) {
            let (origin, name, value) = (origin.clone(), mask, kept[index]);
            return Err(GraphError::NotBinary { origin, name, index, value });
        }
        weights.push(Data::Owned(values(&orig, spec)?.ok_or_else(|| missing(&orig))?.into()));
        layers.push(LayerMask::from_fn(&spec.name, &spec.shape, |i| kept[i] > 0.0));
        known.extend([orig, mask]);
    }
    let mut auxiliary = Vec::new();
    for spec in arch.auxiliary() {
        auxiliary.push(match values(&spec.name, spec)? {
            Some(found) => Data::Owned(found.into()),
            None if spec.role.is_norm() => initial(spec),
            None => return Err(missing(&spec.name)),
        });
        known.push(spec.name.clone());
    }
    let extra: Vec<&str> = file
        .names()
        .into_iter()
        .filter(|n| !known.iter().any(|k| k == n) && !n.ends_with(".num_batches_tracked"))
        .collect();
    if !extra.is_empty() {
        let names = list(&extra);
        return Err(GraphError::Extra { origin, names, arch: arch.name().to_owned() });
    }
    Ok((Network::from_parts(arch, weights, auxiliary), Mask::from_layers(layers)))
}

enum Tensor<'a> {
    Values(Values<'a>),
    Mask(&'a LayerMask),
}

impl View for Tensor<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }
    fn shape(&self) -> &[usize] {
        match self {
            Tensor::Values(values) => values.shape,
            Tensor::Mask(mask) => mask.shape(),
        }
    }
    fn data(&self) -> Cow<'_, [u8]> {
        match self {
            Tensor::Values(values) => bytemuck::cast_slice(values.values).into(),
            Tensor::Mask(mask) => {
                let kept: Vec<f32> =
                    (0..mask.len()).map(|i| if mask.get(i) { 1.0 } else { 0.0 }).collect();
                bytemuck::cast_slice(&kept).to_vec().into()
            }
        }
    }
    fn data_len(&self) -> usize {
        self.shape().iter().product::<usize>() * size_of::<f32>()
    }
}
