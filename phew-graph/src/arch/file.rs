//! Architectures as TOML: a name and one `[[op]]` table for each operator.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::op::Op;
use super::op::fields::{Fields, Written};
use super::op::operator::Arity;
use super::{Arch, NodeSpec, TensorNames};
use crate::error::GraphError;
use crate::files::read_text;
use crate::hash::content_hash;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ArchFile {
    name: String,
    #[serde(default)]
    op: Vec<toml::Table>,
}

#[derive(Serialize)]
struct WrittenArch<'a> {
    name: &'a str,
    op: Vec<Written>,
}

/// Reads one table; `place` is its place in the file, and `previous` what it reads if it does not say.
fn read(table: toml::Table, place: usize, previous: Option<&str>) -> Result<NodeSpec, String> {
    let mut fields = Fields::new(table, place)?;
    let inputs: Option<Vec<String>> = fields.take("inputs")?;
    let tensors = fields.take("tensors")?.unwrap_or_default();
    let op = Op::read(&mut fields)?.ok_or_else(|| {
        let known: Vec<_> = Op::types().collect();
        let (kind, known) = (fields.kind(), known.join(", "));
        fields.wrong(&format!("unknown type `{kind}`, expected one of {known}"))
    })?;
    fields.finish()?;
    let inputs = inputs.unwrap_or_else(|| match op.operator().arity() {
        Arity::Zero | Arity::Three | Arity::Many => Vec::new(),
        Arity::One => previous.map(str::to_owned).into_iter().collect(),
    });
    Ok(NodeSpec { name: fields.name().to_owned(), op, inputs, tensors })
}

/// The table of an operator; an operator that reads the one before it does not say so.
fn write(spec: &NodeSpec, previous: Option<&str>) -> Written {
    let head = Written::new().with("name", spec.name.as_str()).with("type", spec.op.kind());
    let follows = matches!(spec.inputs.as_slice(), [one] if Some(one.as_str()) == previous);
    let head = match spec.inputs.is_empty() || follows {
        true => head,
        false => head.with("inputs", spec.inputs.clone()),
    };
    let fields = head.and(spec.op.operator().write());
    match spec.tensors.is_empty() {
        true => fields,
        // Last: TOML writes it as a table of its own.
        false => fields.with("tensors", tensor_names(&spec.tensors)),
    }
}

fn tensor_names(names: &TensorNames) -> toml::Table {
    names.iter().map(|(tensor, name)| (tensor.clone(), name.as_str().into())).collect()
}

impl Arch {
    /// Parses TOML: `name = "…"`, then one `[[op]]` for each operator with `name`, `type` and the fields of
    /// that type. `inputs` may be left out where an operator reads the one above it. A tensor that is not called
    /// `<operator>.weight`, `.bias` and so on in the state dict has its name in `tensors`, as in
    /// `tensors = { weight = "head" }`. Operators that name the same tensor share it.
    ///
    /// # Errors
    /// [`GraphError::Toml`] naming `origin` and the line or operator; otherwise as [`Arch::new`].
    ///
    /// # Examples
    /// ```
    /// let arch = phew_graph::Arch::from_toml(
    ///     r#"
    ///     name = "tiny"
    ///     [[op]]
    ///     name = "input"
    ///     type = "input"
    ///     shape = [4]
    ///     [[op]]
    ///     name = "fc"
    ///     type = "linear"
    ///     out = 2
    ///     "#,
    ///     "example",
    /// )?;
    /// assert_eq!(arch.prunable_len(), 8);
    /// # Ok::<(), phew_graph::GraphError>(())
    /// ```
    pub fn from_toml(text: &str, origin: &str) -> Result<Self, GraphError> {
        let wrong = |reason: String| GraphError::Toml { origin: origin.to_owned(), reason };
        let file: ArchFile =
            toml::from_str(text).map_err(|e| wrong(e.to_string().trim_end().to_owned()))?;
        let mut specs: Vec<NodeSpec> = Vec::with_capacity(file.op.len());
        for (place, table) in file.op.into_iter().enumerate() {
            let previous = specs.last().map(|spec| spec.name.as_str());
            specs.push(read(table, place, previous).map_err(wrong)?);
        }
        Self::new(file.name, specs)
    }

    /// The TOML that [`Arch::from_toml`] reads back to an equal value.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let specs = self.specs();
        let previous = |i: usize| i.checked_sub(1).map(|i| specs[i].name.as_str());
        let op = specs.iter().enumerate().map(|(i, spec)| write(spec, previous(i))).collect();
        let file = WrittenArch { name: &self.name, op };
        toml::to_string(&file)
            .unwrap_or_else(|e| unreachable!("plain tables always serialise: {e}"))
    }

    /// BLAKE3 hash of [`Arch::to_toml`], in hexadecimal: it tells architectures of one name apart.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        content_hash(self.to_toml().as_bytes())
    }

    /// Reads a TOML file.
    ///
    /// # Errors
    /// [`GraphError::Io`] if it cannot be read; [`GraphError::Toml`], naming the file, for all that [`Arch::from_toml`]
    /// refuses.
    pub fn load(path: &Path) -> Result<Self, GraphError> {
        let text = read_text(path).map_err(|e| GraphError::io(path, e))?;
        let origin = path.display().to_string();
        Self::from_toml(&text, &origin).map_err(|error| match error {
            GraphError::Toml { .. } => error,
            error => GraphError::Toml { origin, reason: error.to_string() },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The operators' sources: their docs are the reference of the format.
    const SOURCES: [&str; 28] = [
        include_str!("op/input.rs"),
        include_str!("op/conv2d.rs"),
        include_str!("op/conv1d.rs"),
        include_str!("op/conv_transpose2d.rs"),
        include_str!("op/conv_transpose1d.rs"),
        include_str!("op/linear.rs"),
        include_str!("op/batch_norm.rs"),
        include_str!("op/layer_norm.rs"),
        include_str!("op/scale.rs"),
        include_str!("op/shift.rs"),
        include_str!("op/affine.rs"),
        include_str!("op/activation.rs"),
        include_str!("op/softmax.rs"),
        include_str!("op/max_pool.rs"),
        include_str!("op/avg_pool.rs"),
        include_str!("op/adaptive_avg_pool.rs"),
        include_str!("op/pad.rs"),
        include_str!("op/add.rs"),
        include_str!("op/concat.rs"),
        include_str!("op/multiply.rs"),
        include_str!("op/positions_as_units.rs"),
        include_str!("op/slice.rs"),
        include_str!("op/shuffle.rs"),
        include_str!("op/flatten.rs"),
        include_str!("op/channel_mean.rs"),
        include_str!("op/attention.rs"),
        include_str!("op/tokens.rs"),
        include_str!("op/crop.rs"),
    ];

    #[derive(Deserialize)]
    struct Tables {
        op: Vec<toml::Table>,
    }

    #[derive(Serialize)]
    struct WrittenTables {
        op: Vec<Written>,
    }

    /// The fenced TOML of a source's docs.
    fn documented(source: &str) -> Option<String> {
        let lines = source.lines().filter_map(|line| line.strip_prefix("///"));
        let block = lines.map(str::trim).skip_while(|line| *line != "```toml").skip(1);
        let block: Vec<&str> = block.take_while(|line| *line != "```").collect();
        (!block.is_empty()).then(|| block.join("\n") + "\n")
    }

    #[test]
    fn every_operator_documents_toml_that_is_read_and_written_as_it_stands() {
        let mut shown = Vec::new();
        for source in SOURCES {
            let text = documented(source).expect("a block of TOML");
            let tables: Tables = toml::from_str(&text).expect(&text);
            let specs: Vec<NodeSpec> = (tables.op.into_iter().enumerate())
                .map(|(place, table)| read(table, place, Some("before")).expect(&text))
                .collect();
            let op = specs.iter().map(|spec| write(spec, Some("before"))).collect();
            assert_eq!(toml::to_string(&WrittenTables { op }).as_ref(), Ok(&text));
            shown.extend(specs.iter().map(|spec| spec.op.kind()));
        }
        let unseen = |kind: &&str| !shown.contains(kind);
        let others: Vec<&str> = Op::types().filter(unseen).collect();
        let plain = [
            "silu",
            "mish",
            "softplus",
            "hard_swish",
            "sigmoid",
            "hard_sigmoid",
            "tanh",
            "identity",
        ];
        assert_eq!(others, plain, "types without an example of their own");
    }

    #[test]
    fn every_type_belongs_to_one_operator_which_calls_itself_by_it() {
        let mut types: Vec<&str> = Op::types().collect();
        for kind in &types {
            let text = format!(
                "name = 'a'\ntype = '{kind}'\nshape = [1]\nout = 1\nkernel = 1\n\
                 min = 0.0\nmax = 1.0\nfirst = 0\nunits = 1\nrows = 1\ngroups = 1\nheads = 1\npositions = 1\nheight = [0, 0]\nwidth = [0, 0]\n"
            );
            let mut table: toml::Table = toml::from_str(&text).expect("TOML");
            // Takes away what the operator does not know.
            let spec = loop {
                match read(table.clone(), 0, None) {
                    Ok(spec) => break spec,
                    Err(error) => {
                        let field = error.split('`').nth(3).expect("a field");
                        assert!(table.remove(field).is_some(), "{error}");
                    }
                }
            };
            assert_eq!(spec.op.kind(), *kind);
        }
        let all = types.len();
        types.sort_unstable();
        types.dedup();
        assert_eq!(types.len(), all);
    }
}
