//! Networks from other formats: an architecture and its weights from one file.
//!
//! [`import`] reads what `torch.export.save` writes (`.pt2`), and ONNX, which `onnx` turns into the same calls. Each operator of the program is translated by a function of
//! the table in `translate.rs`; `axes.rs` follows what its reshapes and transposes do to units and positions, and
//! `builder.rs` puts together the operators of an [`Arch`]. Every shape that the result infers is compared with the one
//! that PyTorch wrote down.

mod axes;
mod builder;
mod call;
mod names;
mod program;
mod translate;
mod value;

use std::path::Path;
use std::sync::Arc;

use crate::arch::{Arch, Op};
use crate::error::{GraphError, list};
use crate::onnx::OnnxFile;
use crate::pt2;
use crate::safetensors::Bytes;
use crate::weights::{Extra, Network};

/// A network that was read from another format.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The architecture with the weights of the file.
    pub network: Network,
    /// A sentence for each thing that was read otherwise than as it stands, or left out.
    pub notes: Vec<String>,
}

/// Reads a network with its weights from an archive of `torch.export.save` (`.pt2`), or from an ONNX file (`.onnx`) of operator
/// set 13 or later, with the files beside it that hold its weights.
///
/// Tensors have the names of the model's state dict, of an ONNX file those of its initializers; where an exporter made up a
/// name (`onnx::MatMul_45`), that of the module it belongs to. Weights that ONNX stores as `[in, out]` are read as PyTorch has
/// them, `[out, in]`. Weights in F32 are windows onto the file, others are copied. What no
/// output depends on is left out, and so is dropout.
///
/// # Errors
/// [`GraphError::Import`] with the node and its module for what phew does not understand, [`GraphError::Archive`] for files
/// of another kind or of older layouts; otherwise as [`Network::load`].
///
/// # Complexity
/// One parallel pass over the weights; the program itself is small.
pub fn import(path: &Path) -> Result<Imported, GraphError> {
    let (arch, mut notes) = import_arch(path)?;
    let (network, more) = Network::load_with_notes(path, arch, Extra::Ignore)?;
    notes.extend(more);
    Ok(Imported { network, notes })
}

/// Reads the architecture alone, as [`import`] does; and a sentence for each thing that was left out.
///
/// # Errors
/// As [`import`].
pub fn import_arch(path: &Path) -> Result<(Arc<Arch>, Vec<String>), GraphError> {
    // The weights, which are nearly all of it, are another's business.
    let map = Arc::new(Bytes::glance(path)?);
    let (program, tensors, said) = if OnnxFile::is_name(path) {
        let file = OnnxFile::decode(path, &map)?;
        let (program, said) = file.program()?;
        (program, file.tensor_names()?, said)
    } else {
        let Some(archive) = pt2::Archive::recognise(path, &map)? else {
            let reason = kind_of(&map).into();
            return Err(GraphError::Archive { path: path.to_path_buf(), reason });
        };
        let mut program = archive.program()?;
        let signature = &mut program.graph_module.signature;
        let names: Vec<String> = signature.tensors().map(|(_, name, _)| name.to_owned()).collect();
        signature.shared = pt2::shared(&archive, &names)?;
        let mut tensors: Vec<String> = pt2::weights(&archive)?.into_keys().collect();
        tensors.retain(|name| !signature.shared.contains_key(name));
        (program, tensors, Vec::new())
    };
    map.check_unchanged()?;
    let name =
        path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let (arch, mut notes) = program::translate(&program, &path.display().to_string(), &name)?;
    notes.extend(said);
    if OnnxFile::is_name(path) {
        notes.extend(folded(&arch));
    }
    let unused: Vec<String> = tensors
        .into_iter()
        .filter(|tensor| {
            let known = |name: &str| arch.tensor_named(name).is_some();
            !known(tensor) && !is_part_of_known(tensor, &known)
        })
        .collect();
    if !unused.is_empty() {
        notes.push(format!("no output depends on {}: left out", list(&unused)));
    }
    Ok((arch.into(), notes))
}

/// Whether a tensor belongs to one that the architecture has: a counter of batches, or a part of a reparametrised weight.
fn is_part_of_known(tensor: &str, known: &impl Fn(&str) -> bool) -> bool {
    if tensor.ends_with("num_batches_tracked") {
        return true;
    }
    names::whole(tensor).is_some_and(|whole| known(&whole))
}

/// A word on batch normalisation that an exporter may have folded into convolutions: their weights are then others.
fn folded(arch: &Arch) -> Option<String> {
    // With biases, or without: the newer exporter leaves out those that are 0, as of a network that has not learnt yet.
    let convolves = |op: &Op| {
        matches!(
            op,
            Op::Conv2d(_) | Op::Conv1d(_) | Op::ConvTranspose2d(_) | Op::ConvTranspose1d(_)
        )
    };
    let any = |is: &dyn Fn(&Op) -> bool| arch.nodes().iter().any(|node| is(&node.op));
    let normalises = |op: &Op| matches!(op, Op::BatchNorm(_) | Op::LayerNorm(_));
    (any(&convolves) && !any(&normalises)).then(|| {
        "it has convolutions and no normalisation: PyTorch's exporters fold batch normalisation into the \
         convolution before it, whose weights are then scaled; export in training mode (training=TrainingMode.TRAINING), \
         or as a .pt2, or give the model's own weights by --weights"
            .into()
    })
}

/// What a file is that is no archive of exports, and what to do.
fn kind_of(bytes: &[u8]) -> &'static str {
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\x80\x02") {
        "is what torch.save or torch.jit.save writes: export the model itself, by \
         torch.export.save(torch.export.export(model, (x,)), \"model.pt2\")"
    } else {
        "is no archive of PyTorch's exports: write one by \
         torch.export.save(torch.export.export(model, (x,)), \"model.pt2\")"
    }
}
