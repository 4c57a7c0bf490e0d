//! Packed weights: the kept ones and where they stand, as small as a masked network can be in a file.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use half::{bf16, f16};
use safetensors::tensor::Dtype;

use super::Network;
use super::held::Held;
use crate::arch::{TensorShape, TensorSpec};
use crate::atomic::Overwrite;
use crate::error::GraphError;
use crate::mask::{LayerMask, Mask};
use crate::provenance::Provenance;
use crate::safetensors::{Header, Parts, Positions, Tensor, write_packed};

/// The type of the numbers that packed weights are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PackedType {
    /// As they are.
    #[default]
    F32,
    /// IEEE half precision.
    F16,
    /// The upper half of an f32.
    Bf16,
}

crate::choice! {
    PackedType, "type":
    F32 => "f32", "Four bytes a weight, as they are",
    F16 => "f16", "Two bytes, rounded to 11 bits; weights of 65,520 and more are refused",
    Bf16 => "bf16", "Two bytes, rounded to 8 bits",
}

impl Network {
    /// Writes what a mask keeps of the weights, and all of biases, scales, shifts and statistics.
    ///
    /// The file is safetensors: of each prunable tensor the kept values and their places, as gaps (one byte for most kept
    /// weights) or as bits, whichever is shorter; `docs/formats.md` describes it. [`Network::load`] reads it back with zeros
    /// in place of what is pruned, and [`Mask::load`] reads the mask. Weights are rounded to `to`, the rest stays F32.
    /// `from` is where the mask comes from.
    ///
    /// # Errors
    /// [`GraphError::Missing`] and [`GraphError::TensorShape`] if the mask is not one of this architecture,
    /// [`GraphError::NotHalf`] for a weight that F16 cannot hold, [`GraphError::Exists`], [`GraphError::Io`]; nothing
    /// half-written remains.
    ///
    /// # Examples
    /// ```
    /// use phew_graph::{Extra, Init, Mask, Network, Overwrite, PackedType, zoo};
    ///
    /// let network = Network::initialise(zoo::mlp(&[40, 30, 2]).build()?, Init::default(), 0)?;
    /// let mut mask = Mask::empty(network.arch());
    /// mask.layers_mut().iter_mut().for_each(|layer| _ = layer.insert(7));
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("small.safetensors");
    /// network.save_packed(&mask, &path, PackedType::F32, None, Overwrite::Refuse)?;
    /// let back = Network::load(&path, network.arch().clone(), Extra::Refuse)?;
    /// assert_eq!(back.weights().iter().next().unwrap()[7], network.weights().iter().next().unwrap()[7]);
    /// assert_eq!(Mask::load(&path)?.0.in_order_of(network.arch(), "")?, mask);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn save_packed(
        &self,
        mask: &Mask,
        path: &Path,
        to: PackedType,
        from: Option<&Provenance>,
        overwrite: Overwrite,
    ) -> Result<(), GraphError> {
        mask.check(self.arch(), "mask")?;
        let (mut tensors, mut shapes) = (BTreeMap::new(), BTreeMap::new());
        let mut layers = mask.layers().iter();
        for held in self.held() {
            // The prunable tensors come first.
            match layers.next() {
                Some(layer) => {
                    // Places are those in files.
                    let values = held.shape.to_files(held.values);
                    tensors.extend(packed(&layer.in_files(), &values, to)?);
                    shapes.insert(held.name.to_owned(), held.shape.in_files());
                }
                None => _ = tensors.insert(held.name.to_owned(), Part::Whole(held)),
            }
        }
        write_packed(path, &tensors, &Header::new(shapes), from.map(Provenance::to_json), overwrite)
    }

    /// Bytes of the values of all tensors as F32: what a file of them whole takes, but for its header.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.tensors().map(|(spec, _): (&TensorSpec, _)| 4 * spec.len() as u64).sum()
    }
}

/// The parts of a packed tensor, by their names: of its mask and its values in the order of files.
fn packed<'a>(
    layer: &LayerMask,
    values: &[f32],
    to: PackedType,
) -> Result<Vec<(String, Part<'a>)>, GraphError> {
    let places: Vec<usize> = layer.iter().collect();
    let kept = places.iter().map(|&i| values[i]);
    let parts = Parts::of(layer.name());
    let kept = match to {
        PackedType::F32 => Part::new(Dtype::F32, kept.flat_map(f32::to_le_bytes).collect(), 4),
        PackedType::Bf16 => {
            let halves = kept.flat_map(|value| bf16::from_f32(value).to_le_bytes());
            Part::new(Dtype::BF16, halves.collect(), 2)
        }
        PackedType::F16 => {
            let half = |value: f32| match f16::from_f32(value) {
                half if half.is_finite() => Ok(half.to_le_bytes()),
                _ => Err(GraphError::NotHalf { name: layer.name().to_owned(), value }),
            };
            let halves = kept.map(half).collect::<Result<Vec<_>, _>>()?;
            Part::new(Dtype::F16, halves.concat(), 2)
        }
    };
    let mut tensors = vec![(parts.kept, kept)];
    match Positions::of(layer.len(), &places) {
        Positions::All => {}
        Positions::Gaps(bytes) => tensors.push((parts.gaps, Part::new(Dtype::U8, bytes, 1))),
        Positions::Bits(bytes) => tensors.push((parts.bits, Part::new(Dtype::U8, bytes, 1))),
    }
    Ok(tensors)
}

/// A tensor of the file.
enum Part<'a> {
    Whole(Held<'a>),
    Bytes { dtype: Dtype, len: usize, bytes: Vec<u8> },
}

impl Part<'_> {
    /// Of numbers of so many bytes.
    fn new(dtype: Dtype, bytes: Vec<u8>, size: usize) -> Self {
        Self::Bytes { dtype, len: bytes.len() / size, bytes }
    }
}

impl Tensor for Part<'_> {
    fn dtype(&self) -> Dtype {
        match self {
            Self::Whole(held) => held.dtype(),
            Self::Bytes { dtype, .. } => *dtype,
        }
    }
    fn shape(&self) -> Cow<'_, TensorShape> {
        match self {
            Self::Whole(held) => held.shape(),
            Self::Bytes { len, .. } => Cow::Owned(vec![*len].into()),
        }
    }
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Whole(held) => held.write(out),
            Self::Bytes { bytes, .. } => out.write_all(bytes),
        }
    }
}
