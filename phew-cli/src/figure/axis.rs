//! A column on an axis, as a description gives it.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

/// A column on an axis: by its key alone, or with what is to be different from the usual.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axis {
    /// The column.
    pub key: String,
    /// What it is called.
    pub label: Option<String>,
    /// The unit behind the label.
    pub unit: Option<String>,
    /// How values become lengths.
    pub scale: Option<Scale>,
    /// Whether values are shares, drawn in percent.
    pub percent: Option<bool>,
    /// Whether values are natural logarithms, as those of path sums: drawn on an axis of powers of ten, averaged as
    /// logarithms.
    pub ln: Option<bool>,
    /// The least value that is shown.
    pub min: Option<f64>,
    /// The greatest value that is shown.
    pub max: Option<f64>,
    /// Whether the greatest value comes first.
    pub reversed: bool,
    /// Whether layers stand by their names, one after the other: those that are called the same in all that is shown, or
    /// in all of a panel, where panels have axes of their own.
    pub named: bool,
}

/// How values become lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// In proportion.
    Linear,
    /// By their logarithms, in decades.
    Log,
    /// Evenly, one after the other.
    Category,
}

impl Axis {
    /// As usual for the column.
    pub fn of(key: impl Into<String>) -> Self {
        Self { key: key.into(), ..Self::default() }
    }
}

/// An axis as a table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    key: String,
    label: Option<String>,
    unit: Option<String>,
    scale: Option<Scale>,
    percent: Option<bool>,
    ln: Option<bool>,
    min: Option<f64>,
    max: Option<f64>,
    #[serde(default)]
    reversed: bool,
    #[serde(default)]
    named: bool,
}

impl<'de> Deserialize<'de> for Axis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Axis;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a column, or a table with its `key`")
            }

            fn visit_str<E: Error>(self, key: &str) -> Result<Axis, E> {
                Ok(Axis::of(key))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Axis, A::Error> {
                let Table { key, label, unit, scale, percent, ln, min, max, reversed, named } =
                    Table::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Axis { key, label, unit, scale, percent, ln, min, max, reversed, named })
            }
        }

        deserializer.deserialize_any(Either)
    }
}
