//! A call of an operator in an exported program: its arguments by name, and what it belongs to.

use std::collections::BTreeMap;

use crate::pt2::{Argument, Node, TensorMeta};

/// Why a call cannot be imported, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) String);

impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Self(reason)
    }
}

impl From<&str> for Refusal {
    fn from(reason: &str) -> Self {
        Self(reason.to_owned())
    }
}

/// A call of an operator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub(super) node: &'a Node,
    pub(super) metas: &'a BTreeMap<String, TensorMeta>,
}

impl<'a> Call<'a> {
    /// The operator without its name space: `conv2d.default`.
    pub(super) fn operator(&self) -> &'a str {
        let target = self.node.target.as_str();
        target.strip_prefix("torch.ops.aten.").unwrap_or(target)
    }

    /// The operator as the file calls it, for messages.
    pub(super) fn shown(&self) -> &'a str {
        self.node.metadata.get("operator").map_or_else(|| self.operator(), String::as_str)
    }

    /// The operator without its overload: `conv2d`.
    pub(super) fn name(&self) -> &'a str {
        let operator = self.operator();
        operator.split_once('.').map_or(operator, |(name, _)| name)
    }

    /// Whether it is one of `ATen`'s.
    pub(super) fn is_aten(&self) -> bool {
        self.node.target.starts_with("torch.ops.aten.")
    }

    /// An argument; `None` if it has its default or is Python's `None`.
    pub(super) fn argument(&self, name: &str) -> Option<&'a Argument> {
        let named = self.node.inputs.iter().find(|argument| argument.name == name)?;
        (!named.arg.is_none()).then_some(&named.arg)
    }

    /// An argument by its place, whatever the operator's schema calls it.
    pub(super) fn place(&self, place: usize) -> Option<&'a Argument> {
        self.node.inputs.get(place).map(|argument| &argument.arg)
    }

    /// A number.
    pub(super) fn number(&self, name: &str, default: f64) -> Result<f64, Refusal> {
        self.read(name, default, "a number", Argument::number)
    }

    /// Whether a number is this one.
    pub(super) fn is(&self, name: &str, default: f64, number: f64) -> Result<bool, Refusal> {
        Ok(self.number(name, default)?.total_cmp(&number).is_eq())
    }

    /// A truth value.
    pub(super) fn bool(&self, name: &str, default: bool) -> Result<bool, Refusal> {
        self.read(name, default, "true or false", Argument::bool)
    }

    /// A whole number, which may be negative.
    pub(super) fn int(&self, name: &str, default: i64) -> Result<i64, Refusal> {
        self.read(name, default, "a fixed whole number", Argument::int)
    }

    /// A size.
    pub(super) fn size(&self, name: &str, default: usize) -> Result<usize, Refusal> {
        let size = |argument: &Argument| usize::try_from(argument.int()?).ok();
        self.read(name, default, "a fixed size", size)
    }

    /// Fixed sizes for so many axes: a list of as many, or one for all.
    pub(super) fn sizes(
        &self,
        name: &str,
        axes: usize,
        default: usize,
    ) -> Result<Vec<usize>, Refusal> {
        let sizes = |argument: &Argument| {
            let sizes: Vec<usize> = fixed(argument)?;
            match sizes[..] {
                [one] => Some(vec![one; axes]),
                _ => (sizes.len() == axes).then_some(sizes),
            }
        };
        self.read(name, vec![default; axes], "fixed sizes", sizes)
    }

    /// Fixed sizes for rows and columns.
    pub(super) fn pair(&self, name: &str, default: usize) -> Result<[usize; 2], Refusal> {
        let sizes = self.sizes(name, 2, default)?;
        Ok([sizes[0], sizes[1]])
    }

    /// An axis, counted from the first.
    pub(super) fn axis(&self, name: &str, default: i64, rank: usize) -> Result<usize, Refusal> {
        from_first(self.int(name, default)?, rank)
    }

    /// Several axes, counted from the first.
    pub(super) fn axes(&self, name: &str, rank: usize) -> Result<Vec<usize>, Refusal> {
        let ints = |argument: &Argument| argument.ints()?.into_iter().collect::<Option<Vec<_>>>();
        let axes: Vec<i64> = self.read(name, Vec::new(), "fixed axes", ints)?;
        axes.into_iter().map(|axis| from_first(axis, rank)).collect()
    }

    /// What it gives: the names of tensors.
    pub(super) fn outputs(&self) -> Vec<&'a str> {
        let names = |output: &'a Argument| match output.tensors() {
            Some(names) => names,
            None => output.tensor().into_iter().collect(),
        };
        self.node.outputs.iter().flat_map(names).collect()
    }

    /// The name of its first output: also that of the node in PyTorch's listing.
    pub(super) fn output(&self) -> &'a str {
        self.outputs().first().copied().unwrap_or_default()
    }

    /// The shape of its first output, batch and all.
    pub(super) fn shape(&self) -> Result<Vec<usize>, Refusal> {
        let meta = self.metas.get(self.output()).and_then(TensorMeta::shape);
        meta.ok_or_else(|| "the shape of its output is not in the file".into())
    }

    /// The modules that it was called in, outermost first: path and class.
    pub(super) fn modules(&self) -> Vec<(&'a str, &'a str)> {
        let Some(stack) = self.node.metadata.get("nn_module_stack") else { return Vec::new() };
        let entry = |entry: &'a str| {
            let (_, rest) = entry.split_once(',')?;
            let (path, class) = rest.rsplit_once(',')?;
            Some((path, class))
        };
        stack.split(';').filter_map(entry).collect()
    }

    /// The path of the innermost module that it was called in; empty if that is the whole model.
    pub(super) fn module(&self) -> String {
        let path = self.modules().last().map_or("", |(path, _)| path);
        plain_path(path)
    }

    fn read<T>(
        &self,
        name: &str,
        default: T,
        expected: &str,
        value: impl Fn(&'a Argument) -> Option<T>,
    ) -> Result<T, Refusal> {
        match self.argument(name) {
            None => Ok(default),
            Some(argument) => value(argument)
                .ok_or_else(|| Refusal(format!("its argument `{name}` is not {expected}"))),
        }
    }
}

/// The sizes of a list without symbolic ones.
pub(super) fn fixed(argument: &Argument) -> Option<Vec<usize>> {
    argument.ints()?.into_iter().map(|n| usize::try_from(n?).ok()).collect()
}

/// An axis that may be counted from the last.
pub(super) fn from_first(axis: i64, rank: usize) -> Result<usize, Refusal> {
    let rank_signed = rank as i64;
    let first = if axis < 0 { axis + rank_signed } else { axis };
    match usize::try_from(first) {
        Ok(axis) if axis < rank => Ok(axis),
        _ => Err(Refusal(format!("there is no axis {axis} of {rank}"))),
    }
}

/// A module's path as a state dict has it: exports of torch's tracer write `L['self'].layer1[0]` for `layer1.0`.
fn plain_path(path: &str) -> String {
    let path = path.strip_prefix("L['self']").unwrap_or(path);
    let path = path.replace("['", ".").replace("']", "").replace('[', ".").replace(']', "");
    path.trim_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_count_from_either_end() {
        assert_eq!(from_first(-1, 4), Ok(3));
        assert_eq!(from_first(2, 4), Ok(2));
        assert!(from_first(4, 4).is_err() && from_first(-5, 4).is_err());
    }

    #[test]
    fn paths_of_modules_are_those_of_the_state_dict() {
        assert_eq!(plain_path("L['self'].layer1[0].conv1"), "layer1.0.conv1");
        assert_eq!(plain_path("layer1.0.conv1"), "layer1.0.conv1");
        assert_eq!(plain_path(""), "");
    }
}
