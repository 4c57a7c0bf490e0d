//! The zip: which entries there are, and where in the mapped file their bytes lie.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zip::read::{ArchiveOffset, Config};
use zip::{CompressionMethod, ZipArchive};

use super::program::Program;
use crate::error::GraphError;
use crate::safetensors::Bytes;

/// What to do about archives of other versions.
const AGAIN: &str = "save it again with torch 2.9 to 2.11: torch.export.save(torch.export.export(model, (x,)), \"model.pt2\")";

/// An archive of exported programs, mapped.
#[derive(Debug)]
pub(crate) struct Archive {
    path: PathBuf,
    map: Arc<Bytes>,
    /// By name within the archive's root folder.
    entries: BTreeMap<String, Range<usize>>,
}

impl Archive {
    /// The archive that a mapped file is; `None` if it is something else.
    ///
    /// # Errors
    /// [`GraphError::Archive`] if it is one that cannot be read, or one of an older layout.
    pub(crate) fn recognise(path: &Path, map: &Arc<Bytes>) -> Result<Option<Self>, GraphError> {
        if !map.starts_with(b"PK\x03\x04") {
            return Ok(None);
        }
        let wrong = |reason: String| GraphError::Archive { path: path.to_path_buf(), reason };
        let broken = |e: zip::result::ZipError| {
            wrong(format!("not a whole zip archive: {e}; was it copied to its end?"))
        };
        // Not to be looked for: an archive holds others (sample inputs, as torch.save writes them).
        let config = Config { archive_offset: ArchiveOffset::Known(0) };
        let mut zip = match ZipArchive::with_config(config, Cursor::new(&map[..])) {
            Ok(zip) => zip,
            // By another name it is more likely a broken file of torch.save's.
            Err(_) if path.extension().is_none_or(|extension| extension != "pt2") => {
                return Ok(None);
            }
            Err(error) => return Err(broken(error)),
        };
        let mut all = BTreeMap::new();
        for index in 0..zip.len() {
            let entry = zip.by_index_raw(index).map_err(broken)?;
            let name = entry.name().map_err(broken)?.into_owned();
            let stored = entry.compression() == CompressionMethod::Stored;
            let range = entry.data_start().filter(|_| stored).and_then(|start| {
                let start = usize::try_from(start).ok()?;
                let end = start.checked_add(usize::try_from(entry.size()).ok()?)?;
                (end <= map.len()).then_some(start..end)
            });
            all.insert(name, range);
        }
        let ends_with = |end: &str| all.keys().find(|name| name.ends_with(end));
        if ends_with("serialized_exported_program.json").is_some() {
            return Err(wrong(format!(
                "an export of torch 2.7 or older, whose weights are a pickle: {AGAIN}"
            )));
        }
        // Every entry lies in a folder that is named after the file.
        let Some(root) = ends_with("archive_format")
            .and_then(|name| name.strip_suffix("archive_format"))
            .map(str::to_owned)
        else {
            return Ok(None);
        };
        let mut entries = BTreeMap::new();
        for (name, range) in all {
            let Some(inner) = name.strip_prefix(&root) else { continue };
            match range {
                Some(range) => _ = entries.insert(inner.to_owned(), range),
                None => {
                    return Err(wrong(format!(
                        "its entry `{name}` is compressed: PyTorch stores entries as they are; {AGAIN}"
                    )));
                }
            }
        }
        let archive = Self { path: path.to_path_buf(), map: map.clone(), entries };
        let format = archive.bytes("archive_format").map(<[u8]>::trim_ascii);
        match format {
            Some(b"pt2") => Ok(Some(archive)),
            _ => Err(archive.wrong("its archive_format is not pt2".to_owned())),
        }
    }

    /// An error about the archive.
    pub(crate) fn wrong(&self, reason: String) -> GraphError {
        GraphError::Archive { path: self.path.clone(), reason }
    }

    /// The map that it lies in.
    pub(super) fn map(&self) -> &Arc<Bytes> {
        &self.map
    }

    /// Where an entry lies.
    pub(super) fn range(&self, name: &str) -> Option<Range<usize>> {
        self.entries.get(name).cloned()
    }

    /// The bytes of an entry.
    pub(super) fn bytes(&self, name: &str) -> Option<&[u8]> {
        Some(&self.map[self.range(name)?])
    }

    /// The name of its one exported program.
    ///
    /// # Errors
    /// [`GraphError::Archive`] if there is none, or several.
    pub(crate) fn model(&self) -> Result<&str, GraphError> {
        let name =
            |entry: &'_ String| entry.strip_prefix("models/")?.strip_suffix(".json").map(str::len);
        let models: Vec<&str> = self
            .entries
            .keys()
            .filter_map(|entry| name(entry).map(|len| &entry["models/".len()..][..len]))
            .collect();
        match models[..] {
            [model] => Ok(model),
            [] => Err(self.wrong(
                "holds no exported program (models/*.json): was it written for AOTInductor?"
                    .to_owned(),
            )),
            _ => Err(self.wrong(format!(
                "holds several programs, {}: save each in a file of its own",
                models.join(", ")
            ))),
        }
    }

    /// Its exported program.
    ///
    /// # Errors
    /// [`GraphError::Archive`] if it is no JSON of the schema, or of an unknown major version of it.
    pub(crate) fn program(&self) -> Result<Program, GraphError> {
        let name = format!("models/{}.json", self.model()?);
        let program = self.json::<Program>(&name)?;
        if program.schema_version.major != Program::MAJOR {
            return Err(self.wrong(format!(
                "written by torch {} in version {} of the schema, expected version {}: {AGAIN}",
                program.torch_version,
                program.schema_version.major,
                Program::MAJOR
            )));
        }
        Ok(program)
    }

    /// An entry that is JSON.
    pub(super) fn json<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<T, GraphError> {
        let bytes = self
            .bytes(name)
            .ok_or_else(|| self.wrong(format!("its entry `{name}` is missing: {AGAIN}")))?;
        // The version first: an unknown one may lack fields.
        serde_json::from_slice(bytes)
            .map_err(|e| self.wrong(format!("its entry `{name}` is not as the schema has it: {e}")))
    }

    /// Refuses archives whose weights are a pickle.
    pub(super) fn refuse_pickle(&self, model: &str) -> Result<(), GraphError> {
        match self.entries.contains_key(&format!("data/weights/{model}.pt")) {
            false => Ok(()),
            true => {
                Err(self
                    .wrong(format!("its weights are a pickle, as torch 2.8 wrote them: {AGAIN}")))
            }
        }
    }
}
