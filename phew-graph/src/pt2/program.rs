//! An exported program as its JSON has it: as much of the schema as an import reads.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

/// An exported program.
#[derive(Debug, Deserialize)]
pub(crate) struct Program {
    pub(crate) graph_module: GraphModule,
    pub(crate) schema_version: SchemaVersion,
    #[serde(default)]
    pub(crate) torch_version: String,
}

impl Program {
    /// The major version of the schema that this describes.
    pub(crate) const MAJOR: u64 = 8;

    /// A program that was put together from another format, with what inputs and outputs are as the schema has it.
    pub(crate) fn new(
        nodes: Vec<Node>,
        tensor_values: BTreeMap<String, TensorMeta>,
        input_specs: Vec<Value>,
        output_specs: Vec<Value>,
    ) -> Self {
        Self {
            graph_module: GraphModule {
                graph: Graph { nodes, tensor_values },
                signature: Signature { input_specs, output_specs, shared: BTreeMap::new() },
            },
            schema_version: SchemaVersion { major: Self::MAJOR },
            torch_version: String::new(),
        }
    }
}

/// The version of the schema.
#[derive(Debug, Deserialize)]
pub(crate) struct SchemaVersion {
    pub(crate) major: u64,
}

/// The graph, and what its inputs and outputs are.
#[derive(Debug, Deserialize)]
pub(crate) struct GraphModule {
    pub(crate) graph: Graph,
    pub(crate) signature: Signature,
}

/// Operators in the order in which they run.
#[derive(Debug, Deserialize)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) tensor_values: BTreeMap<String, TensorMeta>,
}

/// A call of an operator.
#[derive(Debug, Deserialize)]
pub(crate) struct Node {
    pub(crate) target: String,
    pub(crate) inputs: Vec<NamedArgument>,
    pub(crate) outputs: Vec<Argument>,
    #[serde(default)]
    pub(crate) metadata: BTreeMap<String, String>,
}

impl Node {
    pub(crate) fn new<'a>(
        target: String,
        arguments: &[(&str, Argument)],
        outputs: impl Iterator<Item = &'a str>,
        metadata: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let named = |(name, arg): &(&str, Argument)| NamedArgument {
            name: (*name).to_owned(),
            arg: arg.clone(),
        };
        Self {
            target,
            inputs: arguments.iter().map(named).collect(),
            outputs: outputs.map(Argument::of_tensor).collect(),
            metadata: metadata.into_iter().collect(),
        }
    }
}

/// An argument under the name that the operator's schema gives it.
#[derive(Debug, Deserialize)]
pub(crate) struct NamedArgument {
    pub(crate) name: String,
    pub(crate) arg: Argument,
}

/// A value of one of many kinds: `{"as_int": 3}`, `{"as_tensor": {"name": "x"}}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Argument(Value);

impl Argument {
    /// A tensor by its name.
    pub(crate) fn of_tensor(name: &str) -> Self {
        Self(json!({ "as_tensor": { "name": name } }))
    }

    /// Several tensors by their names.
    pub(crate) fn of_tensors(names: &[String]) -> Self {
        let named: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
        Self(json!({ "as_tensors": named }))
    }

    /// A number.
    pub(crate) fn of_number(number: f64) -> Self {
        // What JSON has no number for is no number here either.
        Self(json!({ "as_float": number }))
    }

    /// A whole number.
    pub(crate) fn of_int(int: i64) -> Self {
        Self(json!({ "as_int": int }))
    }

    /// Several sizes.
    pub(crate) fn of_sizes(sizes: &[usize]) -> Self {
        Self(json!({ "as_ints": sizes }))
    }

    /// A truth value.
    pub(crate) fn of_bool(bool: bool) -> Self {
        Self(json!({ "as_bool": bool }))
    }

    /// A text.
    pub(crate) fn of_text(text: &str) -> Self {
        Self(json!({ "as_string": text }))
    }

    fn of_kind(&self, kind: &str) -> Option<&Value> {
        self.0.get(kind).filter(|value| !value.is_null())
    }

    /// The name of a tensor.
    pub(crate) fn tensor(&self) -> Option<&str> {
        let tensor = self
            .of_kind("as_tensor")
            .or_else(|| self.of_kind("as_optional_tensor")?.get("as_tensor"));
        tensor?.get("name")?.as_str()
    }

    /// The names of several tensors.
    pub(crate) fn tensors(&self) -> Option<Vec<&str>> {
        let list = self.of_kind("as_tensors")?.as_array()?;
        list.iter().map(|tensor| tensor.get("name")?.as_str()).collect()
    }

    /// A number, whole or not.
    pub(crate) fn number(&self) -> Option<f64> {
        self.of_kind("as_int").or_else(|| self.of_kind("as_float")).and_then(Value::as_f64)
    }

    /// A whole number.
    pub(crate) fn int(&self) -> Option<i64> {
        let sym = || self.of_kind("as_sym_int")?.get("as_int");
        self.of_kind("as_int").or_else(sym)?.as_i64()
    }

    /// Several whole numbers, each `None` if it is symbolic.
    pub(crate) fn ints(&self) -> Option<Vec<Option<i64>>> {
        if let Some(list) = self.of_kind("as_ints") {
            return list.as_array()?.iter().map(|n| Some(n.as_i64())).collect();
        }
        let list = self.of_kind("as_sym_ints")?.as_array()?;
        Some(list.iter().map(|n| n.get("as_int").and_then(Value::as_i64)).collect())
    }

    /// A truth value.
    pub(crate) fn bool(&self) -> Option<bool> {
        self.of_kind("as_bool")?.as_bool()
    }

    /// A text.
    pub(crate) fn text(&self) -> Option<&str> {
        self.of_kind("as_string")?.as_str()
    }

    /// Whether it is Python's `None`.
    pub(crate) fn is_none(&self) -> bool {
        self.0.get("as_none").is_some()
            || self.0.get("as_optional_tensor").is_some_and(|inner| inner.get("as_none").is_some())
    }
}

/// What the graph's inputs and outputs are.
#[derive(Debug, Deserialize)]
pub(crate) struct Signature {
    pub(crate) input_specs: Vec<Value>,
    pub(crate) output_specs: Vec<Value>,
    /// Names of tensors that are another's too, and that other's.
    #[serde(skip)]
    pub(crate) shared: BTreeMap<String, String>,
}

impl Signature {
    /// The tensors that the user gives.
    pub(crate) fn inputs(&self) -> Vec<&str> {
        self.input_specs.iter().filter_map(|spec| user(spec.get("user_input")?)).collect()
    }

    /// The tensors that the user gets.
    pub(crate) fn outputs(&self) -> Vec<&str> {
        self.output_specs.iter().filter_map(|spec| user(spec.get("user_output")?)).collect()
    }

    /// Name in the graph and name in the state dict of each parameter and buffer, and whether a state dict holds it. One that
    /// has several names has the first.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = (&str, &str, bool)> {
        const KINDS: [(&str, &str); 3] = [
            ("parameter", "parameter_name"),
            ("buffer", "buffer_name"),
            ("tensor_constant", "tensor_constant_name"),
        ];
        self.input_specs.iter().filter_map(|spec| {
            KINDS.iter().find_map(|(kind, name)| {
                let spec = spec.get(kind)?;
                let persistent = spec.get("persistent").and_then(Value::as_bool).unwrap_or(true);
                let inner = spec.get("arg")?.get("name")?.as_str()?;
                let name = spec.get(name)?.as_str()?;
                let name = self.shared.get(name).map_or(name, String::as_str);
                Some((inner, name, persistent && *kind != "tensor_constant"))
            })
        })
    }
}

/// The tensor of an input or output that is the user's.
fn user(spec: &Value) -> Option<&str> {
    spec.get("arg")?.get("as_tensor")?.get("name")?.as_str()
}

/// Type, shape and layout of a tensor.
#[derive(Debug, Deserialize)]
pub(crate) struct TensorMeta {
    pub(crate) dtype: u32,
    sizes: Vec<Value>,
    strides: Vec<Value>,
    storage_offset: Value,
}

impl TensorMeta {
    /// That of a row-major tensor, with a number type's code.
    pub(crate) fn new(dtype: u32, sizes: &[usize]) -> Self {
        let mut strides = vec![1; sizes.len()];
        for axis in (1..sizes.len()).rev() {
            strides[axis - 1] = strides[axis] * sizes[axis];
        }
        let ints = |sizes: &[usize]| sizes.iter().map(|size| json!({ "as_int": size })).collect();
        let storage_offset = json!({ "as_int": 0 });
        Self { dtype, sizes: ints(sizes), strides: ints(&strides), storage_offset }
    }

    /// Its shape; of a symbolic size the one that it was exported with.
    pub(crate) fn shape(&self) -> Option<Vec<usize>> {
        self.sizes.iter().map(size).collect()
    }

    /// Whether a size is symbolic.
    pub(crate) fn is_symbolic(&self, axis: usize) -> bool {
        self.sizes.get(axis).is_some_and(|size| size.get("as_expr").is_some())
    }

    /// Its strides, in scalars.
    pub(super) fn strides(&self) -> Option<Vec<usize>> {
        self.strides.iter().map(size).collect()
    }

    /// Its first scalar.
    pub(super) fn offset(&self) -> Option<usize> {
        size(&self.storage_offset)
    }
}

/// A size, or the value with which a symbolic one was exported.
fn size(value: &Value) -> Option<usize> {
    let fixed = value.get("as_int");
    let hint = || value.get("as_expr")?.get("hint")?.get("as_int");
    usize::try_from(fixed.or_else(hint)?.as_u64()?).ok()
}
