//! Masks in the conventions in use: as phew writes them, and as `torch.nn.utils.prune` keeps them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use safetensors::tensor::Dtype;

use super::{LayerMask, Mask};
use crate::arch::{Arch, TensorShape, TensorSpec};
use crate::atomic::Overwrite;
use crate::error::GraphError;
use crate::provenance::Provenance;
use crate::safetensors::{Tensor, TensorFile, write_tensors};

/// How a mask lies in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MaskForm {
    /// Under the weights' names.
    #[default]
    Plain,
    /// Beside the weights, as `torch.nn.utils.prune` keeps both.
    Pruned,
    /// As buffers alone.
    Buffers,
}

crate::choice! {
    MaskForm, "form":
    Plain => "plain", "BOOL tensors under the weights' names, as phew writes masks",
    Pruned => "pruned", "A whole state dict with weight_orig and weight_mask for each weight, as torch.nn.utils.prune has it",
    Buffers => "buffers", "F32 tensors weight_mask of 0 and 1, without the weights",
}

impl Mask {
    /// Reads a mask of an architecture in any form of [`MaskForm`], in the architecture's order; and how it was made, where
    /// phew wrote it.
    ///
    /// In the forms of PyTorch a weight without a mask of its own is kept whole.
    ///
    /// # Errors
    /// As [`Mask::load`] and [`Mask::in_order_of`]; [`GraphError::TensorShape`] for a mask of another shape than its weight.
    pub fn load_for(
        path: &Path,
        arch: &Arch,
    ) -> Result<(Self, Option<Provenance>, MaskForm), GraphError> {
        let file = TensorFile::open(path)?;
        let specs = arch.prunable();
        if !specs.iter().any(|spec| file.contains(&buffer(&spec.name))) {
            let (mask, info) = Self::load(path)?;
            return Ok((mask.in_order_of(arch, &file.origin())?, info, MaskForm::Plain));
        }
        let layer = |spec: &TensorSpec| match file.stored(&buffer(&spec.name)) {
            None => Ok(LayerMask::dense(&spec.name, &spec.shape)),
            Some(stored) => {
                let kept = stored.held_bools(&spec.shape)?;
                Ok(LayerMask::from_fn(&spec.name, &spec.shape, |i| kept[i] == 1))
            }
        };
        let layers = specs.iter().map(layer).collect::<Result<_, GraphError>>()?;
        let whole = specs.iter().any(|spec| file.contains(&format!("{}_orig", spec.name)));
        let form = if whole { MaskForm::Pruned } else { MaskForm::Buffers };
        Ok((Self::from_layers(layers), None, form))
    }

    /// Writes the mask as buffers: F32 tensors of 0 and 1, called as `torch.nn.utils.prune` calls masks.
    ///
    /// # Errors
    /// [`GraphError::Exists`] and [`GraphError::Io`]; nothing half-written remains.
    pub fn save_buffers(&self, path: &Path, overwrite: Overwrite) -> Result<(), GraphError> {
        let tensors: BTreeMap<String, Floats<'_>> =
            self.layers().iter().map(|layer| (buffer(layer.name()), Floats(layer))).collect();
        write_tensors(path, tensors, None, overwrite)
    }
}

/// The name under which PyTorch keeps the mask of a weight.
fn buffer(weight: &str) -> String {
    format!("{weight}_mask")
}

/// An f32 for each bit.
struct Floats<'a>(&'a LayerMask);

impl Tensor for Floats<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }
    fn shape(&self) -> Cow<'_, TensorShape> {
        Cow::Borrowed(self.0.shape())
    }
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let value = |i| if self.0.get(i) { 1.0_f32 } else { 0.0 };
        (0..self.0.len()).try_for_each(|i| out.write_all(&value(i).to_le_bytes()))
    }
}
