//! The tensors of a network as files are written of them.

use std::borrow::Cow;
use std::io::{self, Write};

use safetensors::tensor::Dtype;

use super::Network;
use crate::arch::TensorShape;
use crate::safetensors::Tensor;

/// A tensor of a network, in the order of memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held<'a> {
    pub(super) name: &'a str,
    pub(super) shape: &'a TensorShape,
    pub(super) values: &'a [f32],
}

impl Network {
    /// Every tensor as it is written: the prunable ones first.
    pub(super) fn held(&self) -> impl Iterator<Item = Held<'_>> {
        self.tensors().map(|(spec, values)| Held { name: &spec.name, shape: &spec.shape, values })
    }
}

impl Tensor for Held<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }
    fn shape(&self) -> Cow<'_, TensorShape> {
        Cow::Borrowed(self.shape)
    }
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(bytemuck::cast_slice(self.values))
    }
}
