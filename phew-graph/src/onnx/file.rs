//! An ONNX file as a whole: its program, and its tensors by the names that they have in it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use prost::Message;

use super::graph::{Converted, Failure, convert, tensors_of};
use super::model::{Model, Tensor};
use super::tensors::{Change, Tensors};
use super::{names, operators};
use crate::error::{GraphError, list};
use crate::pt2::Program;
use crate::safetensors::{Bytes, Entry};

/// The tensors of a file by name, and the files that they lie in.
type Weights = (BTreeMap<String, Entry>, Vec<Arc<Bytes>>);

/// The oldest set of operators that is read: from here on axes are inputs, and softmax is over one axis.
const OLDEST: i64 = 13;

/// A file that was decoded.
#[derive(Debug)]
pub(crate) struct OnnxFile {
    path: PathBuf,
    map: Arc<Bytes>,
    model: Model,
}

/// The bytes of a file, for tensors that are parts of them.
struct Owner(Arc<Bytes>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl OnnxFile {
    /// Whether a path is that of such a file: the format has no mark of its own.
    pub(crate) fn is_name(path: &Path) -> bool {
        path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("onnx"))
    }

    /// Decodes a mapped file.
    ///
    /// # Errors
    /// [`GraphError::Archive`] if it is no such file, or of an older set of operators.
    pub(crate) fn decode(path: &Path, map: &Arc<Bytes>) -> Result<Self, GraphError> {
        let wrong = |reason: String| GraphError::Archive { path: path.to_path_buf(), reason };
        let bytes = prost::bytes::Bytes::from_owner(Owner(map.clone()));
        let model = Model::decode(bytes)
            .map_err(|e| wrong(format!("not a whole ONNX file: {e}; was it copied to its end?")))?;
        if model.graph.as_ref().is_none_or(|graph| graph.nodes.is_empty()) {
            return Err(wrong("not an ONNX file: it has no graph".into()));
        }
        let own = |domain: &str| matches!(domain, "" | "ai.onnx");
        let version = model.opset_import.iter().find(|set| own(&set.domain)).map(|s| s.version);
        match version {
            Some(OLDEST..) => {}
            _ => {
                return Err(wrong(format!(
                    "of version {} of the operators, expected {OLDEST} or later: export it again \
                     with opset_version=20",
                    version.unwrap_or(0)
                )));
            }
        }
        Ok(Self { path: path.to_path_buf(), map: map.clone(), model })
    }

    fn converted(&self) -> Result<Converted, GraphError> {
        let Some(graph) = &self.model.graph else { unreachable!("a decoded file has a graph") };
        let tensors = RefCell::new(Tensors::new(&self.path, &self.map, Bytes::read_or_map));
        let external = |tensor: &Tensor| {
            let entry = tensors.borrow_mut().entry(tensor, Change::None).ok()?;
            Some(prost::bytes::Bytes::copy_from_slice(entry.data.as_slice()))
        };
        convert(graph, &external, operators::convert).map_err(|Failure { node, reason }| {
            let module = |(path, class): (String, String)| {
                let class = class.rsplit('.').next().unwrap_or_default().to_owned();
                let path = if path.is_empty() { "the model".to_owned() } else { path };
                if class.is_empty() { path } else { format!("{path} ({class})") }
            };
            let modules = node.map(names::modules).unwrap_or_default();
            let modules: Vec<String> = modules.into_iter().map(module).collect();
            GraphError::Import {
                origin: self.path.display().to_string(),
                node: node.map_or_else(
                    || "the graph".to_owned(),
                    |node| format!("`{}` ({})", node.label(), node.operator),
                ),
                module: modules.join(" > ").into(),
                reason: reason.into(),
            }
        })
    }

    /// Its graph as a program of `ATen`'s operators, and a sentence about weights that may be others'.
    ///
    /// # Errors
    /// [`GraphError::Import`] with the node that phew does not understand.
    pub(crate) fn program(&self) -> Result<(Program, Vec<String>), GraphError> {
        let Converted { program, apart, .. } = self.converted()?;
        let said = (!apart.is_empty()).then(|| {
            let names: Vec<&str> = apart.iter().map(String::as_str).collect();
            format!(
                "{} may be tied to weights before them, or equal to them, which the file does not tell: taken as weights of \
                 their own; export the model as a .pt2 if it has tied weights",
                list(&names)
            )
        });
        Ok((program, said.into_iter().collect()))
    }

    /// The names of the tensors that the program reads.
    ///
    /// # Errors
    /// As [`OnnxFile::program`].
    pub(crate) fn tensor_names(&self) -> Result<Vec<String>, GraphError> {
        Ok(self.converted()?.tensors.into_keys().collect())
    }

    /// The tensors that the program reads, by their names in it, and the files beside this one that they lie in.
    ///
    /// # Errors
    /// As [`OnnxFile::program`]; [`GraphError::Archive`] and [`GraphError::Io`] for tensors that cannot be read.
    pub(crate) fn weights(
        &self,
        read: fn(&Path) -> Result<Bytes, GraphError>,
    ) -> Result<Weights, GraphError> {
        let Some(graph) = &self.model.graph else { unreachable!("a decoded file has a graph") };
        let all = tensors_of(graph);
        let mut tensors = Tensors::new(&self.path, &self.map, read);
        let mut entries = BTreeMap::new();
        for (name, found) in self.converted()?.tensors {
            entries.insert(name, tensors.entry(all[found.tensor], found.change)?);
        }
        Ok((entries, tensors.others.into_values().collect()))
    }
}
