//! Everything that can be wrong with an architecture, a weight file or a mask.

use std::path::PathBuf;

use crate::arch::Shape;

/// What went wrong, with the value found and what was expected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// The architecture has no operators.
    #[error("architecture `{arch}` has no operators")]
    Empty {
        /// Name of the architecture.
        arch: String,
    },
    /// The architecture has no convolution and no linear layer.
    #[error("architecture `{arch}` has no weights to prune: it needs a conv2d or linear operator")]
    NoWeights {
        /// Name of the architecture.
        arch: String,
    },
    /// Two operators share a name.
    #[error("two operators are named `{name}`")]
    DuplicateOperator {
        /// The name.
        name: String,
    },
    /// An operator reads from one that does not exist.
    #[error("operator `{operator}` reads from `{input}`, which does not exist")]
    UnknownInput {
        /// The reader.
        operator: String,
        /// The missing name.
        input: String,
    },
    /// An operator has the wrong number of inputs.
    #[error("operator `{operator}` ({kind}) has {found} inputs, expected {expected}")]
    Arity {
        /// The operator.
        operator: String,
        /// Its kind.
        kind: &'static str,
        /// Inputs found.
        found: usize,
        /// Inputs expected.
        expected: &'static str,
    },
    /// Operators feed each other in a circle.
    #[error("the operators {operators} form a cycle")]
    Cycle {
        /// Their names.
        operators: String,
    },
    /// There must be one input operator.
    #[error("architecture `{arch}` has {found} input operators, expected exactly one")]
    InputCount {
        /// Name of the architecture.
        arch: String,
        /// Number found.
        found: usize,
    },
    /// There must be one operator that nothing reads: the output.
    #[error("nothing reads the operators {operators}: expected exactly one output")]
    OutputCount {
        /// Their names.
        operators: String,
    },
    /// A shape does not fit.
    #[error("operator `{operator}`: found shape {found}, wanted {wanted}")]
    Shape {
        /// The operator.
        operator: String,
        /// The shape found.
        found: Shape,
        /// What was wanted.
        wanted: String,
    },
    /// A field of an operator has a value that makes no sense.
    #[error("operator `{operator}`: {field} is {found}, expected {expected}")]
    Field {
        /// The operator.
        operator: String,
        /// The field.
        field: &'static str,
        /// The value.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// A network whose tensors together have too many scalars, or whose forward pass is too much arithmetic.
    #[error("architecture `{arch}` has {found} {what}, expected at most {maximum}")]
    TooLarge {
        /// Name of the architecture.
        arch: String,
        /// What there is too much of.
        what: &'static str,
        /// How much there is.
        found: u128,
        /// The most that is allowed.
        maximum: u64,
    },
    /// A TOML architecture that does not parse.
    #[error("{origin}: {reason}")]
    Toml {
        /// File or other origin.
        origin: String,
        /// What the parser or the check said.
        reason: String,
    },
    /// A name that the zoo does not know, or a parameter that it refuses.
    #[error("{0}")]
    Zoo(String),
    /// Reading or writing failed.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's word.
        source: std::io::Error,
    },
    /// The output exists and overwriting was not asked for.
    #[error("{path}: already exists")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Somebody works there.
    #[error("{path}: {holder} works there; wait for its end, or name another folder")]
    Locked {
        /// The locked file.
        path: PathBuf,
        /// Who has the lock.
        holder: String,
    },
    /// Not a (whole) safetensors file.
    #[error("{path}: not a valid safetensors file: {reason}")]
    Safetensors {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An archive of PyTorch's that cannot be read.
    #[error("{path}: {reason}")]
    Archive {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// A network in another format of which phew does not understand a part.
    #[error(
        "{origin}: {node}{}: {reason}",
        if module.is_empty() { String::new() } else { format!(" in {module}") }
    )]
    Import {
        /// The file.
        origin: String,
        /// The part: the name of a node and its operator, say.
        node: String,
        /// The module that it belongs to, as the file tells; may be empty.
        module: Box<str>,
        /// What is wrong with it, and what to do.
        reason: Box<str>,
    },
    /// Tensors that the architecture has and the file lacks.
    #[error(
        "{origin}: missing {names}, which architecture `{arch}` needs{}",
        if has.is_empty() { String::new() } else { format!("; it has {has} instead") }
    )]
    Missing {
        /// The file or value.
        origin: String,
        /// The tensors.
        names: String,
        /// The architecture.
        arch: String,
        /// What is there and not in the architecture; empty if there is nothing such.
        has: Box<str>,
    },
    /// A tensor that was asked for by name and is not there.
    #[error("{origin}: has no tensor `{name}`")]
    Absent {
        /// The file.
        origin: String,
        /// The tensor.
        name: String,
    },
    /// Tensors that the file has and the architecture lacks.
    #[error("{origin}: {names} do not belong to architecture `{arch}`")]
    Extra {
        /// The file or value.
        origin: String,
        /// The tensors.
        names: String,
        /// The architecture.
        arch: String,
    },
    /// A file with different values under the names of a tensor that operators share.
    #[error(
        "{origin}: `{name}` and `{other}` are one tensor of the architecture, and hold different values"
    )]
    Untied {
        /// The file.
        origin: String,
        /// The tensor.
        name: String,
        /// Its other name.
        other: String,
    },
    /// A tensor of the wrong shape.
    #[error("{origin}: tensor `{name}` has shape {found:?}, expected {expected:?}")]
    TensorShape {
        /// The file or value.
        origin: String,
        /// The tensor.
        name: String,
        /// Shape found.
        found: Vec<usize>,
        /// Shape expected.
        expected: Vec<usize>,
    },
    /// A weight beyond the range of F16.
    #[error("tensor `{name}`: {value} does not fit f16 (bf16 has the range of f32)")]
    NotHalf {
        /// The tensor.
        name: String,
        /// The weight.
        value: f32,
    },
    /// A tensor of the wrong element type.
    #[error("{origin}: tensor `{name}` has dtype {found}, expected {expected}")]
    Dtype {
        /// The file or value.
        origin: String,
        /// The tensor.
        name: String,
        /// Type found.
        found: String,
        /// Type expected.
        expected: &'static str,
    },
    /// A weight that is NaN or infinite.
    #[error(
        "{origin}: tensor `{name}` holds {value} at flat index {index}, expected finite values"
    )]
    NotFinite {
        /// The file or value.
        origin: String,
        /// The tensor.
        name: String,
        /// Row-major index.
        index: usize,
        /// The value.
        value: f32,
    },
    /// A score below 0.
    #[error(
        "{origin}: tensor `{name}` holds {value} at flat index {index}, expected scores of at least 0"
    )]
    Negative {
        /// The file or value.
        origin: String,
        /// The tensor.
        name: String,
        /// Row-major index.
        index: usize,
        /// The value.
        value: f32,
    },
    /// A variance below 0.
    #[error(
        "{origin}: tensor `{name}` holds {value} at flat index {index}, expected variances of at least 0"
    )]
    Variance {
        /// The file or value.
        origin: String,
        /// The tensor.
        name: String,
        /// Row-major index.
        index: usize,
        /// The value.
        value: f32,
    },
    /// A stored mask holds something other than 0 and 1.
    #[error("{origin}: mask `{name}` holds {value} at flat index {index}, expected 0 or 1")]
    NotBinary {
        /// The file or value.
        origin: String,
        /// The tensor.
        name: String,
        /// Row-major index.
        index: usize,
        /// The value.
        value: f32,
    },
    /// Layers that cannot keep the shares that they were given.
    #[error("layers: {reason}")]
    Layers {
        /// Why not.
        reason: String,
    },
    /// A parameter outside its range.
    #[error("{name} is {found}, expected {expected}")]
    Parameter {
        /// The parameter.
        name: &'static str,
        /// Its value.
        found: String,
        /// What was expected.
        expected: &'static str,
    },
}

impl GraphError {
    #[cfg(feature = "files")]
    pub(crate) fn io(path: &std::path::Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_path_buf(), source }
    }
}

/// Joins names for a message, and stops after eight so that a wrong file gives a line, not a page.
pub(crate) fn list(names: &[impl AsRef<str>]) -> String {
    let shown: Vec<String> = names.iter().take(8).map(|n| format!("`{}`", n.as_ref())).collect();
    match names.len() {
        n if n > 8 => format!("{} and {} more", shown.join(", "), n - 8),
        _ => shown.join(", "),
    }
}
