//! Reading: the header is checked once; tensors are windows onto the file's bytes.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ndarray::ArrayD;
use safetensors::tensor::{Dtype, SafeTensors};

use super::NOTE;
use super::bytes::Bytes;
use super::entry::{Data, Entry, Window};
use super::{packed, shards};
use crate::arch::TensorShape;
use crate::error::GraphError;
use crate::onnx::OnnxFile;
use crate::pt2;

/// A file of named tensors, with its header read and checked: safetensors, the index of several such files, an archive of
/// PyTorch's exports (`.pt2`), or an ONNX file (`.onnx`).
///
/// Files of up to 256 MiB are read into memory: whatever others do with them later changes nothing. Larger ones are mapped,
/// so that nothing is copied: they must stay as they are while the value lives. To replace one by renaming, as phew does,
/// leaves it intact; one that is written to is found out by [`TensorFile::check_unchanged`], and one that is cut short
/// ends the process. [`TensorFile::read`] reads files of any size, and [`map_files_above`](crate::map_files_above) has all
/// files read.
///
/// ```
/// use phew_graph::{Overwrite, TensorFile, ndarray, write_arrays};
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("x.safetensors");
/// let values = ndarray::array![[1.0_f32, 2.0], [3.0, 4.0]].into_dyn();
/// write_arrays(&path, [("fc.weight", values.view())], Some("{}".into()), Overwrite::Refuse)?;
/// let file = TensorFile::open(&path)?;
/// assert_eq!(file.names(), ["fc.weight"]);
/// assert_eq!(file.note(), Some("{}"));
/// assert_eq!(file.array("fc.weight")?, values);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TensorFile {
    path: PathBuf,
    metadata: HashMap<String, String>,
    entries: BTreeMap<String, Entry>,
    /// The files that the entries lie in.
    files: Vec<Arc<Bytes>>,
}

impl TensorFile {
    /// Reads a file, or maps a large one, and checks that its header describes all of it.
    ///
    /// Of a JSON index of shards (`model.safetensors.index.json`) it reads the files beside it that it names, of an archive
    /// of `torch.export.save` the weights.
    ///
    /// # Errors
    /// [`GraphError::Io`] if it cannot be read or is no regular file, [`GraphError::Safetensors`] if it is not a whole
    /// safetensors file, [`GraphError::Archive`] if it is an archive that cannot be read.
    pub fn open(path: &Path) -> Result<Self, GraphError> {
        Self::of(path, Bytes::read_or_map)
    }

    /// As [`TensorFile::open`], into memory however large the file is.
    ///
    /// # Errors
    /// As [`TensorFile::open`], and if there is no room.
    pub fn read(path: &Path) -> Result<Self, GraphError> {
        Self::of(path, Bytes::read)
    }

    fn of(path: &Path, read: fn(&Path) -> Result<Bytes, GraphError>) -> Result<Self, GraphError> {
        let bytes = Arc::new(read(path)?);
        if shards::is_index(&bytes) {
            return Self::of_shards(path, &bytes, read);
        }
        if OnnxFile::is_name(path) {
            let (entries, others) = OnnxFile::decode(path, &bytes)?.weights(read)?;
            let files = std::iter::once(bytes).chain(others).collect();
            return Ok(Self { path: path.to_path_buf(), metadata: HashMap::new(), entries, files });
        }
        if let Some(archive) = pt2::Archive::recognise(path, &bytes)? {
            let entries = pt2::weights(&archive)?;
            let (path, metadata) = (path.to_path_buf(), HashMap::new());
            return Ok(Self { path, metadata, entries, files: vec![bytes] });
        }
        Self::of_safetensors(path, bytes)
    }

    fn of_safetensors(path: &Path, bytes: Arc<Bytes>) -> Result<Self, GraphError> {
        let (length, header) = SafeTensors::read_metadata(&bytes).map_err(|e| {
            let reason = kind_of(&bytes).map_or_else(|| e.to_string(), str::to_owned);
            GraphError::Safetensors { path: path.to_path_buf(), reason }
        })?;
        let start = size_of::<u64>() + length;
        let metadata = header.metadata().clone().unwrap_or_default();
        let entry = |(name, info): (String, &safetensors::tensor::TensorInfo)| {
            let (from, to) = info.data_offsets;
            let window = Window::new(bytes.clone(), start + from..start + to);
            let (dtype, shape) = (info.dtype, info.shape.clone());
            (name, Entry { dtype, shape, data: window.into(), kept: None })
        };
        let entries = header.tensors().into_iter().map(entry).collect();
        let mut file = Self { path: path.to_path_buf(), metadata, entries, files: vec![bytes] };
        if let Some(header) = file.metadata.remove(packed::KEY) {
            packed::unpack(&header, &mut file.entries).map_err(|reason| file.wrong(reason))?;
        }
        Ok(file)
    }

    /// The tensors of the files that an index names.
    fn of_shards(
        path: &Path,
        index: &[u8],
        read: fn(&Path) -> Result<Bytes, GraphError>,
    ) -> Result<Self, GraphError> {
        let (mut entries, mut files) = (BTreeMap::new(), Vec::new());
        for (file, names) in shards::files(path, index)? {
            let bytes = read(&file).map_err(|e| shards::named_by(path, e))?;
            let mut shard = Self::of_safetensors(&file, Arc::new(bytes))?;
            for name in names {
                let Some(entry) = shard.entries.remove(&name) else {
                    return Err(GraphError::Absent { origin: shard.origin(), name });
                };
                entries.insert(name, entry);
            }
            files.append(&mut shard.files);
        }
        Ok(Self { path: path.to_path_buf(), metadata: HashMap::new(), entries, files })
    }

    /// Refuses a mapped file that somebody has written to since it was opened; one in memory cannot change.
    ///
    /// # Errors
    /// [`GraphError::Io`].
    pub fn check_unchanged(&self) -> Result<(), GraphError> {
        self.files.iter().try_for_each(|bytes| bytes.check_unchanged())
    }

    /// Whether some of its tensors are packed.
    pub(crate) fn is_packed(&self) -> bool {
        self.entries.values().any(|entry| entry.kept.is_some())
    }

    /// Where it lies, for messages.
    pub(crate) fn origin(&self) -> String {
        self.path.display().to_string()
    }

    /// An error about the file as a whole.
    pub(crate) fn wrong(&self, reason: String) -> GraphError {
        GraphError::Safetensors { path: self.path.clone(), reason }
    }

    /// What phew noted in it: the metadata entry `phew`.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.metadata(NOTE)
    }

    /// The names of its tensors in lexicographic order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.entries.keys().cloned().collect()
    }

    /// Whether it holds a tensor of this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// A tensor of floating-point numbers in its shape, copied, as F32.
    ///
    /// # Errors
    /// [`GraphError::Absent`] if there is none of this name, [`GraphError::Dtype`] if it holds no such numbers.
    pub fn array(&self, name: &str) -> Result<ArrayD<f32>, GraphError> {
        let stored = self.expect(name)?;
        let values = stored.f32s()?.into_owned();
        let array = ArrayD::from_shape_vec(stored.shape(), values);
        array.map_err(|e| self.wrong(format!("tensor `{name}`: {e}")))
    }

    /// The shape of a tensor; `None` if there is none of this name.
    #[must_use]
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        Some(&self.entries.get(name)?.shape)
    }

    /// A tensor of bytes, copied; `None` if it is of another type.
    ///
    /// # Errors
    /// [`GraphError::Absent`] if there is none of this name.
    pub fn bytes(&self, name: &str) -> Result<Option<Vec<u8>>, GraphError> {
        let stored = self.expect(name)?;
        Ok((stored.entry.dtype == Dtype::U8).then(|| stored.bytes().to_vec()))
    }

    /// A tensor of integers, copied; `None` if it is of floating-point numbers.
    ///
    /// # Errors
    /// [`GraphError::Absent`] if there is none of this name.
    pub fn integers(&self, name: &str) -> Result<Option<Vec<i64>>, GraphError> {
        let stored = self.expect(name)?;
        let bytes = stored.bytes();
        Ok(match stored.entry.dtype {
            Dtype::BOOL | Dtype::U8 => Some(bytes.iter().map(|&byte| byte.into()).collect()),
            Dtype::I8 => Some(bytes.iter().map(|&byte| i8::from_le_bytes([byte]).into()).collect()),
            Dtype::I16 => Some(integers(bytes, |bytes| i16::from_le_bytes(bytes).into())),
            Dtype::I32 => Some(integers(bytes, |bytes| i32::from_le_bytes(bytes).into())),
            Dtype::I64 => Some(integers(bytes, i64::from_le_bytes)),
            _ => None,
        })
    }

    /// An entry of the metadata.
    #[must_use]
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(String::as_str)
    }

    fn expect<'a>(&'a self, name: &'a str) -> Result<Stored<'a>, GraphError> {
        let absent = || GraphError::Absent { origin: self.origin(), name: name.to_owned() };
        self.stored(name).ok_or_else(absent)
    }

    /// All tensors by their names, copied.
    ///
    /// # Errors
    /// As [`TensorFile::array`].
    pub fn arrays(&self) -> Result<BTreeMap<String, ArrayD<f32>>, GraphError> {
        let named = |name: String| Ok((name.clone(), self.array(&name)?));
        self.names().into_iter().map(named).collect()
    }

    /// A tensor as it lies in the file.
    pub(crate) fn stored<'a>(&'a self, name: &'a str) -> Option<Stored<'a>> {
        Some(Stored { file: self, name, entry: self.entries.get(name)? })
    }
}

/// A tensor as it lies in a file.
#[derive(Debug)]
pub(crate) struct Stored<'a> {
    file: &'a TensorFile,
    name: &'a str,
    entry: &'a Entry,
}

impl<'a> Stored<'a> {
    pub(crate) fn name(&self) -> &'a str {
        self.name
    }

    pub(crate) fn shape(&self) -> &'a [usize] {
        &self.entry.shape
    }

    /// Refuses any other shape.
    pub(crate) fn expect_shape(&self, shape: &TensorShape) -> Result<(), GraphError> {
        let expected = shape.in_files();
        if self.entry.shape == expected {
            return Ok(());
        }
        let (origin, name) = (self.file.origin(), self.name.to_owned());
        Err(GraphError::TensorShape { origin, name, found: self.entry.shape.clone(), expected })
    }

    /// The floating-point numbers of a tensor of this shape, in the order of memory.
    pub(crate) fn held_f32s(&self, shape: &TensorShape) -> Result<Vec<f32>, GraphError> {
        self.expect_shape(shape)?;
        Ok(shape.to_memory(&self.f32s()?).into_owned())
    }

    /// The scalars of a mask of this shape, 0 or 1, in the order of memory.
    pub(crate) fn held_bools(&self, shape: &TensorShape) -> Result<Vec<u8>, GraphError> {
        self.expect_shape(shape)?;
        Ok(shape.to_memory(&self.bools()?).into_owned())
    }

    fn unexpected(&self, expected: &'static str) -> GraphError {
        let (origin, name) = (self.file.origin(), self.name.to_owned());
        GraphError::Dtype { origin, name, found: self.entry.dtype.to_string(), expected }
    }

    fn bytes(&self) -> &'a [u8] {
        self.entry.data.as_slice()
    }

    /// The values of a tensor of floating-point numbers, rounded to F32 where they are wider.
    pub(crate) fn f32s(&self) -> Result<Cow<'a, [f32]>, GraphError> {
        let bytes = self.bytes();
        Ok(match self.entry.dtype {
            Dtype::F32 => match bytemuck::try_cast_slice(bytes) {
                Ok(values) => Cow::Borrowed(values),
                // A file whose header is not padded to four bytes: rare, and worth a copy rather than a refusal.
                Err(_) => Cow::Owned(bytemuck::allocation::pod_collect_to_vec(bytes)),
            },
            Dtype::F16 => numbers(bytes, |bits| half::f16::from_le_bytes(bits).to_f32()),
            Dtype::BF16 => numbers(bytes, |bits| half::bf16::from_le_bytes(bits).to_f32()),
            Dtype::F64 => numbers(bytes, |bits| f64::from_le_bytes(bits) as f32),
            _ => return Err(self.unexpected("F32, F16, BF16 or F64")),
        })
    }

    /// Whether it was packed.
    pub(crate) fn is_packed(&self) -> bool {
        self.entry.kept.is_some()
    }

    /// The type of a tensor of floating-point numbers, if it is not F32.
    pub(crate) fn other_float(&self) -> Option<String> {
        matches!(self.entry.dtype, Dtype::F16 | Dtype::BF16 | Dtype::F64)
            .then(|| self.entry.dtype.to_string())
    }

    /// The window onto the values of a tensor of F32 of this shape; `None` if they are of another type or in another order, or
    /// do not begin where an f32 may begin.
    pub(crate) fn window(&self, shape: &TensorShape) -> Result<Option<Window>, GraphError> {
        // The number type first: a tensor of another one is the likelier mistake.
        let lies = matches!(self.f32s()?, Cow::Borrowed(_)) && self.entry.dtype == Dtype::F32;
        self.expect_shape(shape)?;
        let lies = lies && shape.is_plain();
        match &self.entry.data {
            Data::Window(window) if lies => Ok(Some(window.clone())),
            _ => Ok(None),
        }
    }

    /// The values of a tensor of F64; `None` if it is one of another type.
    pub(crate) fn f64s(&self) -> Option<Vec<f64>> {
        (self.entry.dtype == Dtype::F64)
            .then(|| bytemuck::allocation::pod_collect_to_vec(self.bytes()))
    }

    /// A byte for each scalar of a mask: 0 or 1. Masks are of BOOL, or of numbers that are all 0 or 1; a packed tensor is a
    /// mask too.
    pub(crate) fn bools(&self) -> Result<Cow<'a, [u8]>, GraphError> {
        if let Some(kept) = &self.entry.kept {
            return Ok(Cow::Borrowed(kept));
        }
        if self.entry.dtype != Dtype::BOOL {
            return Ok(self.binary()?.iter().map(|&value| u8::from(value > 0.0)).collect());
        }
        let bytes = self.bytes();
        match bytes.iter().position(|&byte| byte > 1) {
            None => Ok(Cow::Borrowed(bytes)),
            Some(index) => Err(self.not_binary(index, bytes[index].into())),
        }
    }

    /// The values of a tensor of numbers that are all 0 or 1.
    pub(crate) fn binary(&self) -> Result<Cow<'a, [f32]>, GraphError> {
        let bytes = self.bytes();
        let values = match self.entry.dtype {
            Dtype::BOOL | Dtype::U8 => numbers(bytes, |[byte]: [u8; 1]| byte.into()),
            Dtype::I8 => numbers(bytes, |byte| i8::from_le_bytes(byte).into()),
            Dtype::I16 => numbers(bytes, |bytes| i16::from_le_bytes(bytes).into()),
            Dtype::I32 => numbers(bytes, |bytes| i32::from_le_bytes(bytes) as f32),
            Dtype::I64 => numbers(bytes, |bytes| i64::from_le_bytes(bytes) as f32),
            _ => self.f32s().map_err(|_| self.unexpected("BOOL, or numbers that are 0 or 1"))?,
        };
        match values.iter().position(|value| ![0.0, 1.0].contains(value)) {
            None => Ok(values),
            Some(index) => Err(self.not_binary(index, values[index])),
        }
    }

    fn not_binary(&self, index: usize, value: f32) -> GraphError {
        let (origin, name) = (self.file.origin(), self.name.to_owned());
        GraphError::NotBinary { origin, name, index, value }
    }
}

/// Numbers of so many bytes each as f32.
fn numbers<'a, const SIZE: usize>(
    bytes: &'a [u8],
    value: impl Fn([u8; SIZE]) -> f32,
) -> Cow<'a, [f32]> {
    bytes.as_chunks().0.iter().map(|&bytes| value(bytes)).collect()
}

/// Integers of so many bytes each.
fn integers<const SIZE: usize>(bytes: &[u8], value: impl Fn([u8; SIZE]) -> i64) -> Vec<i64> {
    bytes.as_chunks().0.iter().map(|&bytes| value(bytes)).collect()
}

/// What a file is that is no safetensors file, and what to do, as far as its beginning tells.
fn kind_of(bytes: &[u8]) -> Option<&'static str> {
    const PICKLE: &str = "it is what `torch.save` writes: load it in PyTorch and save it with `safetensors.torch.save_file`";
    let text = bytes.trim_ascii_start();
    let begins = |start: &[u8]| bytes.starts_with(start);
    Some(match bytes {
        [] => "it is empty",
        _ if begins(b"PK\x03\x04") || begins(b"\x80\x02") || begins(b"\x80\x04") => PICKLE,
        _ if begins(b"version https://git-lfs") => {
            "it is a Git LFS pointer, not the file itself: `git lfs pull` fetches it"
        }
        _ if begins(b"\x93NUMPY") => {
            "it is an array of NumPy's: save it with `safetensors.numpy.save_file`"
        }
        _ if begins(b"\x89HDF") => {
            "it is an HDF5 file, as Keras writes: save the weights with safetensors"
        }
        _ if begins(b"GGUF") => "it is a GGUF file",
        _ if begins(b"\x1f\x8b") => "it is compressed by gzip: unpack it first",
        _ if begins(b"BM") || begins(b"\x89PNG") || begins(b"\xff\xd8") => "it is an image",
        _ if text.starts_with(b"<") => {
            "it is a web page or XML: a download that did not give the file"
        }
        _ if text.starts_with(b"{") || text.starts_with(b"[") => "it is a text file, JSON or TOML",
        _ => return None,
    })
}
