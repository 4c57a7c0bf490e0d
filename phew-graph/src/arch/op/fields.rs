//! The fields of an operator's table in TOML: taken one by one, and written in order.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::arch::tensor::TensorNames;

/// The table of an operator that is being read; what an operator does not take is an error.
#[derive(Debug)]
pub(crate) struct Fields {
    name: String,
    kind: String,
    table: Table,
}

impl Fields {
    /// Takes the operator's name and type; `place` is its place in the file, from 0.
    pub(crate) fn new(mut table: Table, place: usize) -> Result<Self, String> {
        let mut text = |field, whose: &str| {
            let value = table.remove(field).ok_or_else(|| format!("{whose} needs `{field}`"))?;
            take(value).map_err(|value| format!("{whose}: {field} is {value}, expected a string"))
        };
        let name: String = text("name", &format!("operator number {}", place + 1))?;
        let kind = text("type", &format!("operator `{name}`"))?;
        Ok(Self { name, kind, table })
    }

    /// Name of the operator.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its type.
    pub(crate) fn kind(&self) -> &str {
        &self.kind
    }

    /// The error that says something about the operator.
    pub(crate) fn wrong(&self, what: &str) -> String {
        format!("operator `{}`: {what}", self.name)
    }

    /// A field, if it is there.
    pub(crate) fn take<T: FieldType>(&mut self, field: &str) -> Result<Option<T>, String> {
        let Some(value) = self.table.remove(field) else { return Ok(None) };
        let wrong = |value| self.wrong(&format!("{field} is {value}, expected {}", T::EXPECTED));
        take(value).map(Some).map_err(wrong)
    }

    /// A field that must be there.
    pub(crate) fn need<T: FieldType>(&mut self, field: &str) -> Result<T, String> {
        self.take(field)?.ok_or_else(|| self.lacks(field))
    }

    /// The error for a field that is not there.
    pub(crate) fn lacks(&self, field: &str) -> String {
        self.wrong(&format!("{} needs `{field}`", self.kind))
    }

    /// Whether a field is there and not yet taken.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.table.contains_key(field)
    }

    /// Refuses what nothing has taken.
    pub(crate) fn finish(&self) -> Result<(), String> {
        match self.table.keys().next() {
            None => Ok(()),
            Some(field) => Err(self.wrong(&format!("{} takes no `{field}`", self.kind))),
        }
    }
}

fn take<T: DeserializeOwned>(value: Value) -> Result<T, Value> {
    value.clone().try_into().map_err(|_| value)
}

/// What a field can hold.
pub(crate) trait FieldType: DeserializeOwned {
    /// Its description in messages.
    const EXPECTED: &'static str;
}

impl FieldType for usize {
    const EXPECTED: &'static str = "a whole number of at least 0";
}

impl FieldType for bool {
    const EXPECTED: &'static str = "true or false";
}

impl FieldType for f64 {
    const EXPECTED: &'static str = "a number";
}

impl FieldType for TensorNames {
    const EXPECTED: &'static str = "a table of names by tensor, as in { weight = \"head\" }";
}

impl FieldType for Vec<usize> {
    const EXPECTED: &'static str = "a list of whole numbers";
}

impl FieldType for Vec<String> {
    const EXPECTED: &'static str = "a list of strings";
}

/// `3` or `[3, 5]`: rows and columns.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Pair {
    One(usize),
    Two([usize; 2]),
}

impl FieldType for Pair {
    const EXPECTED: &'static str = "a whole number or two of them";
}

impl Pair {
    pub(crate) fn both(self) -> [usize; 2] {
        match self {
            Pair::One(n) => [n; 2],
            Pair::Two(pair) => pair,
        }
    }
}

/// The fields of an operator as TOML writes them, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Written(Vec<(&'static str, Value)>);

impl Written {
    /// No field.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Appends a field.
    pub(crate) fn with(mut self, field: &'static str, value: impl Into<Value>) -> Self {
        self.0.push((field, value.into()));
        self
    }

    /// Appends a size.
    pub(crate) fn size(self, field: &'static str, size: usize) -> Self {
        self.with(field, integer(size))
    }

    /// Appends several sizes.
    pub(crate) fn sizes(self, field: &'static str, sizes: &[usize]) -> Self {
        self.with(field, sizes.iter().copied().map(integer).collect::<Vec<_>>())
    }

    /// Appends two sizes, as one number where they are equal.
    pub(crate) fn pair(self, field: &'static str, [a, b]: [usize; 2]) -> Self {
        if a == b { self.size(field, a) } else { self.sizes(field, &[a, b]) }
    }

    /// Appends a size unless it is the default.
    pub(crate) fn size_unless(self, field: &'static str, size: usize, default: usize) -> Self {
        if size == default { self } else { self.size(field, size) }
    }

    /// Appends two sizes unless they are the default.
    pub(crate) fn pair_unless(
        self,
        field: &'static str,
        pair: [usize; 2],
        default: [usize; 2],
    ) -> Self {
        if pair == default { self } else { self.pair(field, pair) }
    }

    /// Appends the fields of another.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }
}

/// Sizes are far below `i64::MAX`: [`MAX_SCALARS`](crate::MAX_SCALARS).
fn integer(size: usize) -> Value {
    Value::Integer(i64::try_from(size).unwrap_or(i64::MAX))
}

impl Serialize for Written {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(field, value)| (field, value)))
    }
}
