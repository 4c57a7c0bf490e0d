//! Weights in safetensors files: mapped, checked against the architecture, never copied when aligned.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use memmap2::Mmap;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, View};

use super::Network;
use super::network::{Data, check_finite, check_variance, initial};
use crate::arch::{Arch, Op, TensorSpec};
use crate::atomic::{Overwrite, write_atomically};
use crate::error::{GraphError, list};

/// What to do with tensors that the architecture does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extra {
    /// Refuse the file: it is probably another network's.
    Refuse,
    /// Leave them alone.
    Ignore,
}

impl Network {
    /// Maps a safetensors file and checks every tensor: name, dtype (F32), shape, finite values.
    ///
    /// A batch normalisation of which the file has no tensor at all takes its initial values; PyTorch's
    /// `num_batches_tracked` is passed over.
    ///
    /// # Errors
    /// [`GraphError::Io`], [`GraphError::Safetensors`], [`GraphError::Missing`], [`GraphError::Extra`],
    /// [`GraphError::TensorShape`], [`GraphError::Dtype`], [`GraphError::NotFinite`]: each with the file and
    /// the tensor.
    ///
    /// # Complexity
    /// One parallel pass over the file, which stays on disk: tensors are windows onto it. Do not truncate
    /// the file while the network lives.
    pub fn load(path: &Path, arch: impl Into<Arc<Arch>>, extra: Extra) -> Result<Self, GraphError> {
        let arch = arch.into();
        let map = Arc::new(map(path)?);
        let origin = path.display().to_string();
        let file = parse(path, &map)?;
        check_names(&origin, &arch, &file, extra)?;
        let tensor = |spec: &TensorSpec| match file.tensor(&spec.name) {
            Ok(view) => read(&origin, spec, &view, &map),
            Err(_) => Ok(initial(spec)),
        };
        let weights = arch.prunable().iter().map(tensor).collect::<Result<_, _>>()?;
        let auxiliary = arch.auxiliary().iter().map(tensor).collect::<Result<_, _>>()?;
        Ok(Self::from_parts(arch, weights, auxiliary))
    }

    /// Writes every tensor to a safetensors file that PyTorch opens under the same names.
    ///
    /// # Errors
    /// [`GraphError::Exists`] and [`GraphError::Io`]; nothing half-written remains.
    pub fn save(&self, path: &Path, overwrite: Overwrite) -> Result<(), GraphError> {
        let tensors = self
            .tensors()
            .map(|(spec, values)| (spec.name.clone(), Values { shape: &spec.shape, values }));
        write_safetensors(path, tensors.collect(), None, overwrite)
    }
}

/// Maps a file for reading.
pub(crate) fn map(path: &Path) -> Result<Mmap, GraphError> {
    let file = File::open(path).map_err(|e| GraphError::io(path, e))?;
    let metadata = file.metadata().map_err(|e| GraphError::io(path, e))?;
    if !metadata.is_file() {
        let kind = std::io::Error::other("is not a regular file");
        return Err(GraphError::io(path, kind));
    }
    #[allow(unsafe_code, reason = "a weight file must be usable without a copy")]
    // SAFETY: the map is read-only. Rust asks that nobody changes the file meanwhile; phew itself replaces
    // files by renaming, which leaves a mapped one intact, and the documentation of `load` says so.
    let map = unsafe { Mmap::map(&file) };
    map.map_err(|e| GraphError::io(path, e))
}

pub(crate) fn parse<'a>(path: &Path, map: &'a Mmap) -> Result<SafeTensors<'a>, GraphError> {
    SafeTensors::deserialize(map)
        .map_err(|e| GraphError::Safetensors { path: path.to_path_buf(), reason: e.to_string() })
}

fn check_names(
    origin: &str,
    arch: &Arch,
    file: &SafeTensors<'_>,
    extra: Extra,
) -> Result<(), GraphError> {
    let found: BTreeSet<&str> = file.names().into_iter().collect();
    let specs = || arch.prunable().iter().chain(arch.auxiliary());
    let has_any = |node| specs().any(|s| s.node == node && found.contains(s.name.as_str()));
    let missing: Vec<&str> = specs()
        .filter(|s| !found.contains(s.name.as_str()) && (!s.role.is_norm() || has_any(s.node)))
        .map(|s| s.name.as_str())
        .collect();
    if !missing.is_empty() {
        let (origin, names) = (origin.to_owned(), list(&missing));
        return Err(GraphError::Missing { origin, names, arch: arch.name().to_owned() });
    }
    if extra == Extra::Ignore {
        return Ok(());
    }
    let known: BTreeSet<&str> = specs().map(|s| s.name.as_str()).collect();
    let counters: BTreeSet<String> = arch
        .nodes()
        .iter()
        .filter(|n| matches!(n.op, Op::BatchNorm { .. }))
        .map(|n| format!("{}.num_batches_tracked", n.name))
        .collect();
    let unknown: Vec<&str> =
        found.into_iter().filter(|&n| !known.contains(n) && !counters.contains(n)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let (origin, names) = (origin.to_owned(), list(&unknown));
    Err(GraphError::Extra { origin, names, arch: arch.name().to_owned() })
}

fn read(
    origin: &str,
    spec: &TensorSpec,
    view: &TensorView<'_>,
    map: &Arc<Mmap>,
) -> Result<Data, GraphError> {
    check_header(origin, &spec.name, view, &spec.shape, Dtype::F32, "F32")?;
    let bytes = view.data();
    let data = match bytemuck::try_cast_slice::<u8, f32>(bytes) {
        Ok(_) => {
            let start = bytes.as_ptr().addr() - map.as_ptr().addr();
            Data::Mapped { map: map.clone(), start, end: start + bytes.len() }
        }
        // A file whose header is not padded to four bytes: rare, and worth a copy rather than a refusal.
        Err(_) => Data::Owned(bytemuck::allocation::pod_collect_to_vec::<u8, f32>(bytes).into()),
    };
    check_finite(origin, &spec.name, data.values())?;
    check_variance(spec, data.values())?;
    Ok(data)
}

/// Dtype and shape of a stored tensor against what is expected.
pub(crate) fn check_header(
    origin: &str,
    name: &str,
    view: &TensorView<'_>,
    shape: &[usize],
    dtype: Dtype,
    expected: &'static str,
) -> Result<(), GraphError> {
    if view.dtype() != dtype {
        let (origin, name) = (origin.to_owned(), name.to_owned());
        return Err(GraphError::Dtype { origin, name, found: view.dtype().to_string(), expected });
    }
    if view.shape() != shape {
        return Err(GraphError::TensorShape {
            origin: origin.to_owned(),
            name: name.to_owned(),
            found: view.shape().to_vec(),
            expected: shape.to_vec(),
        });
    }
    Ok(())
}

/// f32 values as safetensors wants them.
pub(super) struct Values<'a> {
    pub(super) shape: &'a [usize],
    pub(super) values: &'a [f32],
}

impl View for Values<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }
    fn shape(&self) -> &[usize] {
        self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        bytemuck::cast_slice(self.values).into()
    }
    fn data_len(&self) -> usize {
        size_of_val(self.values)
    }
}

/// An entry of the header. Fields are written in the order in which they stand here.
#[derive(serde::Serialize)]
#[serde(untagged)]
enum Entry {
    Note { phew: String },
    Tensor { dtype: Dtype, shape: Vec<usize>, data_offsets: [usize; 2] },
}

/// Writes a safetensors file tensor by tensor, so that no second copy of the network is ever in memory.
///
/// The names are in lexicographic order and the header is padded to eight bytes: the same tensors give the
/// same bytes. `note` becomes the metadata entry `phew`.
pub(crate) fn write_safetensors<V: View>(
    path: &Path,
    tensors: BTreeMap<String, V>,
    note: Option<String>,
    overwrite: Overwrite,
) -> Result<(), GraphError> {
    let mut header: BTreeMap<&str, Entry> = BTreeMap::new();
    if let Some(phew) = note {
        header.insert("__metadata__", Entry::Note { phew });
    }
    let mut offset = 0;
    for (name, view) in &tensors {
        let data_offsets = [offset, offset + view.data_len()];
        offset = data_offsets[1];
        let (dtype, shape) = (view.dtype(), view.shape().to_vec());
        header.insert(name, Entry::Tensor { dtype, shape, data_offsets });
    }
    let mut header = serde_json::to_vec(&header)
        .unwrap_or_else(|e| unreachable!("string keys and plain fields serialise: {e}"));
    header.resize(header.len().next_multiple_of(8), b' ');
    write_atomically(path, overwrite, |out| {
        let io = |e| GraphError::io(path, e);
        out.write_all(&(header.len() as u64).to_le_bytes()).map_err(io)?;
        out.write_all(&header).map_err(io)?;
        for view in tensors.values() {
            out.write_all(&view.data()).map_err(io)?;
        }
        Ok(())
    })
}
