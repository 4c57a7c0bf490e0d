//! Masks: one bit for each prunable scalar, counts kept as bits change.

mod arrays;
#[cfg(feature = "files")]
mod conventions;
#[cfg(feature = "files")]
mod file;
mod layer;

#[cfg(feature = "files")]
pub use conventions::MaskForm;
pub use layer::LayerMask;

use std::collections::BTreeSet;

use rayon::prelude::*;

use crate::arch::{Arch, TensorSpec};
use crate::by_id::ByTensor;
use crate::error::{GraphError, list};
#[cfg(feature = "files")]
use crate::hash;
use crate::ids::TensorId;

/// Which prunable weights are kept, tensor by tensor, in the order of [`Arch::prunable`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    layers: ByTensor<LayerMask>,
}

impl Mask {
    /// Nothing kept.
    #[must_use]
    pub fn empty(arch: &Arch) -> Self {
        let empty = |spec: &TensorSpec| LayerMask::empty(&spec.name, &spec.shape);
        Self { layers: arch.prunable().par_iter().map(empty).collect() }
    }

    /// Everything kept.
    #[must_use]
    pub fn dense(arch: &Arch) -> Self {
        let dense = |spec: &TensorSpec| LayerMask::dense(&spec.name, &spec.shape);
        Self { layers: arch.prunable().par_iter().map(dense).collect() }
    }

    /// From its tensors.
    #[must_use]
    pub fn from_layers(layers: Vec<LayerMask>) -> Self {
        Self { layers: layers.into() }
    }

    /// The tensors.
    #[must_use]
    pub fn layers(&self) -> &ByTensor<LayerMask> {
        &self.layers
    }

    /// The tensors, to change.
    #[must_use]
    pub fn layers_mut(&mut self) -> &mut ByTensor<LayerMask> {
        &mut self.layers
    }

    /// One of the tensors.
    ///
    /// # Panics
    /// If there is no such tensor.
    #[must_use]
    pub fn layer(&self, tensor: TensorId) -> &LayerMask {
        &self.layers[tensor]
    }

    /// One of the tensors, to change.
    ///
    /// # Panics
    /// If there is no such tensor.
    #[must_use]
    pub fn layer_mut(&mut self, tensor: TensorId) -> &mut LayerMask {
        &mut self.layers[tensor]
    }

    /// Weights kept.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.layers.iter().map(LayerMask::kept).sum()
    }

    /// Prunable weights.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "an architecture has at least one weight")]
    pub fn len(&self) -> usize {
        self.layers.iter().map(LayerMask::len).sum()
    }

    /// Kept over prunable.
    #[must_use]
    pub fn density(&self) -> f64 {
        self.kept() as f64 / self.len() as f64
    }

    /// BLAKE3 hash of the bits with their tensors' names and shapes, as files have them, in hexadecimal.
    #[cfg(feature = "files")]
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let words = |layer: &LayerMask| -> Vec<u8> {
            layer.words().iter().flat_map(|word| word.to_le_bytes()).collect()
        };
        let filed: Vec<_> = self.layers.iter().map(LayerMask::in_files).collect();
        hash::tensors(filed.iter().map(|layer| (layer.name(), &layer.shape()[..], words(layer))))
    }

    /// Checks names and shapes against an architecture; `origin` is named in the error.
    ///
    /// # Errors
    /// [`GraphError::Missing`], [`GraphError::Extra`], [`GraphError::TensorShape`]; [`GraphError::Parameter`] for bits that
    /// are still in the order of files.
    pub fn check(&self, arch: &Arch, origin: &str) -> Result<(), GraphError> {
        let has = |name: &str| self.layers.iter().any(|l| l.name() == name);
        let (origin, arch_name) = (origin.to_owned(), arch.name().to_owned());
        let missing: Vec<&str> =
            arch.prunable().iter().map(|s| s.name.as_str()).filter(|n| !has(n)).collect();
        if !missing.is_empty() {
            return Err(GraphError::Missing {
                origin,
                names: list(&missing),
                arch: arch_name,
                has: Box::default(),
            });
        }
        let known = |name: &str| arch.prunable().iter().any(|s| s.name == name);
        let mut seen = BTreeSet::new();
        let extra: Vec<&str> = self
            .layers
            .iter()
            .map(LayerMask::name)
            .filter(|n| !known(n) || !seen.insert(*n))
            .collect();
        if !extra.is_empty() {
            return Err(GraphError::Extra { origin, names: list(&extra), arch: arch_name });
        }
        for (layer, spec) in self.layers.iter().zip(arch.prunable()) {
            if layer.name() != spec.name || layer.shape().in_files() != spec.shape.in_files() {
                return Err(GraphError::TensorShape {
                    origin,
                    name: layer.name().to_owned(),
                    found: layer.shape().in_files(),
                    expected: spec.shape.in_files(),
                });
            }
            if *layer.shape() != spec.shape {
                return Err(GraphError::Parameter {
                    name: "mask",
                    found: format!("the bits of `{}` as files have them", layer.name()),
                    expected: "the order of the architecture (Mask::in_order_of)",
                });
            }
        }
        Ok(())
    }

    /// Puts the tensors into the order of an architecture, and the bits of each into that of its weight in memory, and checks
    /// them. Bits of a plain shape are taken as files have them.
    ///
    /// # Errors
    /// As [`Mask::check`].
    pub fn in_order_of(mut self, arch: &Arch, origin: &str) -> Result<Self, GraphError> {
        let place = |name: &str| arch.prunable().iter().position(|s| s.name == name);
        self.layers.sort_by_key(|l| place(l.name()));
        for (layer, spec) in self.layers.iter_mut().zip(arch.prunable()) {
            if *layer.shape() != spec.shape
                && let Some(held) = layer.to_memory(&spec.shape)
            {
                *layer = held;
            }
        }
        self.check(arch, origin)?;
        Ok(self)
    }

    /// Kept by both.
    ///
    /// # Errors
    /// [`GraphError::Parameter`] if the masks are not of one architecture.
    pub fn and(&self, other: &Self) -> Result<Self, GraphError> {
        self.zip(other, |a, b| a & b)
    }

    /// Kept by either.
    ///
    /// # Errors
    /// [`GraphError::Parameter`] if the masks are not of one architecture.
    pub fn or(&self, other: &Self) -> Result<Self, GraphError> {
        self.zip(other, |a, b| a | b)
    }

    /// Kept exactly where this mask prunes.
    #[must_use]
    pub fn not(&self) -> Self {
        Self { layers: self.layers.iter().map(LayerMask::not).collect() }
    }

    fn zip(&self, other: &Self, f: impl Fn(u64, u64) -> u64 + Copy) -> Result<Self, GraphError> {
        self.same_shape(other)?;
        let pairs = self.layers.iter().zip(&other.layers);
        Ok(Self { layers: pairs.map(|(a, b)| a.zip(b, f)).collect() })
    }

    fn same_shape(&self, other: &Self) -> Result<(), GraphError> {
        let differs =
            |(a, b): (&LayerMask, &LayerMask)| a.name() != b.name() || a.shape() != b.shape();
        let different = self.layers.iter().zip(&other.layers).find(|&(a, b)| differs((a, b)));
        if let Some((a, b)) = different {
            return Err(GraphError::Parameter {
                name: "other mask",
                found: format!(
                    "`{}` {:?} beside `{}` {:?}",
                    b.name(),
                    b.shape(),
                    a.name(),
                    a.shape()
                ),
                expected: "the same tensors in both masks",
            });
        }
        if self.layers.len() != other.layers.len() {
            return Err(GraphError::Parameter {
                name: "other mask",
                found: format!("{} tensors beside {}", other.layers.len(), self.layers.len()),
                expected: "the same tensors in both masks",
            });
        }
        Ok(())
    }

    /// Jaccard similarity `|A ∩ B| / |A ∪ B|`; 1 for two empty masks.
    ///
    /// # Errors
    /// [`GraphError::Parameter`] if the masks are not of one architecture.
    pub fn jaccard(&self, other: &Self) -> Result<f64, GraphError> {
        self.same_shape(other)?;
        let pairs = || self.layers.iter().zip(&other.layers);
        let both: usize = pairs().map(|(a, b)| a.common(b)).sum();
        let either = self.kept() + other.kept() - both;
        Ok(if either == 0 { 1.0 } else { both as f64 / either as f64 })
    }

    /// Whether every weight kept here is kept by `other` too.
    ///
    /// # Errors
    /// [`GraphError::Parameter`] if the masks are not of one architecture.
    pub fn is_subset(&self, other: &Self) -> Result<bool, GraphError> {
        self.same_shape(other)?;
        let mut pairs = self.layers.iter().zip(&other.layers);
        Ok(pairs.all(|(a, b)| a.common(b) == a.kept()))
    }
}

/// Weights to keep at a density: `⌊density · prunable⌋`, where a product that is whole up to rounding counts as
/// whole (0.29 · 100 is 29, not 28).
///
/// # Errors
/// [`GraphError::Parameter`] unless `0 < density ≤ 1` and at least one weight is kept.
pub fn kept_at(density: f64, prunable: usize) -> Result<usize, GraphError> {
    let wrong =
        |found: String, expected| GraphError::Parameter { name: "density", found, expected };
    if !(density > 0.0 && density <= 1.0) {
        return Err(wrong(density.to_string(), "a number above 0 and at most 1"));
    }
    let kept = (density * prunable as f64 * (1.0 + 4.0 * f64::EPSILON)).floor() as usize;
    match kept.min(prunable) {
        0 => Err(wrong(
            format!("{density}, which keeps none of {prunable} weights"),
            "at least one weight kept",
        )),
        kept => Ok(kept),
    }
}
