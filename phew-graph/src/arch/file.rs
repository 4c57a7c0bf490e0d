//! Architectures as TOML: a name and one `[[op]]` table for each operator.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Activation, Arch, Conv2d, NodeSpec, Op, Pool, Shape};
use crate::error::GraphError;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ArchFile {
    name: String,
    #[serde(default)]
    op: Vec<OpTable>,
}

/// Every field that some operator has; which ones an operator takes is checked in [`OpTable::spec`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OpTable {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    inputs: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shape: Option<Vec<usize>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    out: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kernel: Option<Pair>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stride: Option<Pair>,
    #[serde(skip_serializing_if = "Option::is_none")]
    padding: Option<Pair>,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bias: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    eps: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    momentum: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    slope: Option<f64>,
}

/// `3` or `[3, 5]`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Pair {
    One(usize),
    Two([usize; 2]),
}

impl Pair {
    fn both(self) -> [usize; 2] {
        match self {
            Pair::One(n) => [n; 2],
            Pair::Two(pair) => pair,
        }
    }

    /// The short form where both are equal; nothing where they are the default.
    fn unless([a, b]: [usize; 2], default: [usize; 2]) -> Option<Self> {
        ([a, b] != default).then_some(if a == b { Pair::One(a) } else { Pair::Two([a, b]) })
    }
}

/// The kinds of operator and the fields that each takes besides `name`, `type` and `inputs`.
const FIELDS: &[(&str, &[&str])] = &[
    ("input", &["shape"]),
    ("conv2d", &["out", "kernel", "stride", "padding", "groups", "bias"]),
    ("linear", &["out", "bias"]),
    ("batch_norm", &["eps", "momentum"]),
    ("relu", &[]),
    ("leaky_relu", &["slope"]),
    ("tanh", &[]),
    ("identity", &[]),
    ("max_pool", &["kernel", "stride", "padding"]),
    ("avg_pool", &["kernel", "stride", "padding"]),
    ("add", &[]),
    ("flatten", &[]),
];

impl OpTable {
    fn set_fields(&self) -> impl Iterator<Item = &'static str> {
        [
            ("shape", self.shape.is_some()),
            ("out", self.out.is_some()),
            ("kernel", self.kernel.is_some()),
            ("stride", self.stride.is_some()),
            ("padding", self.padding.is_some()),
            ("groups", self.groups.is_some()),
            ("bias", self.bias.is_some()),
            ("eps", self.eps.is_some()),
            ("momentum", self.momentum.is_some()),
            ("slope", self.slope.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, set)| set.then_some(name))
    }

    /// `previous` is what an operator reads when `inputs` is left out.
    fn spec(self, previous: Option<&str>) -> Result<NodeSpec, String> {
        let kinds = || FIELDS.iter().map(|(kind, _)| *kind).collect::<Vec<_>>().join(", ");
        let (kind, fields) =
            FIELDS.iter().find(|(kind, _)| *kind == self.kind).ok_or_else(|| {
                format!(
                    "operator `{}`: unknown type `{}`, expected one of {}",
                    self.name,
                    self.kind,
                    kinds()
                )
            })?;
        if let Some(field) = self.set_fields().find(|f| !fields.contains(f)) {
            return Err(format!("operator `{}`: {kind} takes no `{field}`", self.name));
        }
        let need = |field: &str| format!("operator `{}`: {kind} needs `{field}`", self.name);
        let both = |pair: Option<Pair>, default| pair.map_or(default, Pair::both);
        let pool = || {
            let kernel = self.kernel.map(Pair::both);
            if kernel.is_none() && (self.stride.is_some() || self.padding.is_some()) {
                return Err(need("kernel"));
            }
            let stride = both(self.stride, kernel.unwrap_or([1; 2]));
            Ok(Pool { kernel, stride, padding: both(self.padding, [0; 2]) })
        };
        let op = match *kind {
            "input" => {
                let sizes = self.shape.as_deref().ok_or_else(|| need("shape"))?;
                let shape = Shape::from_slice(sizes).ok_or_else(|| {
                    format!(
                        "operator `{}`: shape is {sizes:?}, expected [features] or [channels, height, width]",
                        self.name
                    )
                })?;
                Op::Input { shape }
            }
            "conv2d" => Op::Conv2d(Conv2d {
                out: self.out.ok_or_else(|| need("out"))?,
                kernel: self.kernel.ok_or_else(|| need("kernel"))?.both(),
                stride: both(self.stride, [1; 2]),
                padding: both(self.padding, [0; 2]),
                groups: self.groups.unwrap_or(1),
                bias: self.bias.unwrap_or(false),
            }),
            "linear" => Op::Linear {
                out: self.out.ok_or_else(|| need("out"))?,
                bias: self.bias.unwrap_or(true),
            },
            "batch_norm" => Op::BatchNorm {
                eps: self.eps.unwrap_or(1e-5),
                momentum: self.momentum.unwrap_or(0.1),
            },
            "relu" => Op::Activation(Activation::Relu),
            "leaky_relu" => {
                Op::Activation(Activation::LeakyRelu { slope: self.slope.unwrap_or(0.01) })
            }
            "tanh" => Op::Activation(Activation::Tanh),
            "identity" => Op::Activation(Activation::Identity),
            "max_pool" => Op::MaxPool(pool()?),
            "avg_pool" => Op::AvgPool(pool()?),
            "add" => Op::Add,
            _ => Op::Flatten,
        };
        let inputs = match (self.inputs, &op) {
            (Some(inputs), _) => inputs,
            (None, Op::Input { .. } | Op::Add) => Vec::new(),
            (None, _) => previous.map(str::to_owned).into_iter().collect(),
        };
        Ok(NodeSpec { name: self.name, op, inputs })
    }

    fn from_spec(spec: &NodeSpec, previous: Option<&str>) -> Self {
        let follows = spec.inputs.len() == 1 && spec.inputs.first().map(String::as_str) == previous;
        let mut table = OpTable {
            name: spec.name.clone(),
            kind: spec.op.kind().to_owned(),
            inputs: (!spec.inputs.is_empty() && !follows).then(|| spec.inputs.clone()),
            ..Self::default()
        };
        match &spec.op {
            Op::Input { shape } => table.shape = Some(shape.sizes()),
            Op::Conv2d(conv) => {
                table.out = Some(conv.out);
                table.kernel = Pair::unless(conv.kernel, [0; 2]);
                table.stride = Pair::unless(conv.stride, [1; 2]);
                table.padding = Pair::unless(conv.padding, [0; 2]);
                table.groups = (conv.groups != 1).then_some(conv.groups);
                table.bias = conv.bias.then_some(true);
            }
            Op::Linear { out, bias } => {
                table.out = Some(*out);
                table.bias = (!bias).then_some(false);
            }
            Op::BatchNorm { eps, momentum } => {
                table.eps = Some(*eps);
                table.momentum = Some(*momentum);
            }
            Op::Activation(Activation::LeakyRelu { slope }) => table.slope = Some(*slope),
            Op::MaxPool(pool) | Op::AvgPool(pool) => {
                if let Some(kernel) = pool.kernel {
                    table.kernel = Pair::unless(kernel, [0; 2]);
                    table.stride = Pair::unless(pool.stride, kernel);
                    table.padding = Pair::unless(pool.padding, [0; 2]);
                }
            }
            Op::Activation(_) | Op::Add | Op::Flatten => {}
        }
        table
    }
}

impl Arch {
    /// Parses TOML: `name = "…"`, then one `[[op]]` for each operator with `name`, `type` and the fields of
    /// that type. `inputs` may be left out where an operator reads the one above it.
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
        for table in file.op {
            let previous = specs.last().map(|s| s.name.clone());
            specs.push(table.spec(previous.as_deref()).map_err(wrong)?);
        }
        Self::new(file.name, specs)
    }

    /// The TOML that [`Arch::from_toml`] reads back to an equal value.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let specs = self.specs();
        let previous = |i: usize| i.checked_sub(1).map(|i| specs[i].name.as_str());
        let op =
            specs.iter().enumerate().map(|(i, s)| OpTable::from_spec(s, previous(i))).collect();
        let file = ArchFile { name: self.name.clone(), op };
        toml::to_string(&file)
            .unwrap_or_else(|e| unreachable!("plain tables always serialise: {e}"))
    }

    /// Reads a TOML file.
    ///
    /// # Errors
    /// [`GraphError::Io`] if it cannot be read; otherwise as [`Arch::from_toml`].
    pub fn load(path: &Path) -> Result<Self, GraphError> {
        let text = std::fs::read_to_string(path).map_err(|e| GraphError::io(path, e))?;
        Self::from_toml(&text, &path.display().to_string())
    }
}
