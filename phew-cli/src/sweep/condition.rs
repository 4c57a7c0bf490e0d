//! Conditions on settings: of a plan's tables, of `--only`, and of figures.

use std::cmp::Ordering;
use std::str::FromStr;

use serde::Deserialize;
use serde_json::Value;

use super::value::{Settings, of_text, of_toml, text};

/// Conditions that hold together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Conditions(Vec<Condition>);

/// A comparison of a setting with one or several values: `method!=dense`, `density<=0.1`, `arch=resnet20|vgg19`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub struct Condition {
    name: String,
    relation: Relation,
    values: Vec<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Relation {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// How each is written; those that begin alike with the longer one first.
const RELATIONS: [(&str, Relation); 7] = [
    ("!=", Relation::Unequal),
    ("<=", Relation::AtMost),
    (">=", Relation::AtLeast),
    ("==", Relation::Equal),
    ("=", Relation::Equal),
    ("<", Relation::Less),
    (">", Relation::Greater),
];

impl Conditions {
    /// Of a table: a setting has the value, or one of the list.
    pub(crate) fn of_table(table: &toml::Table) -> Result<Self, String> {
        let mut found = Vec::new();
        super::value::flat(table, "", &mut found);
        let condition = |(name, value): (String, &toml::Value)| {
            let values = match value {
                toml::Value::Array(list) => list.iter().map(of_toml).collect::<Result<_, _>>()?,
                other => vec![of_toml(other)?],
            };
            Ok(Condition { name, relation: Relation::Equal, values })
        };
        if found.is_empty() {
            return Err("found nothing, expected a setting and its value".into());
        }
        Ok(Self(found.into_iter().map(condition).collect::<Result<_, String>>()?))
    }

    /// Of an expression: `method=phew|snip,density<=0.1`. A comma is "and", `|` between values "or".
    pub(crate) fn of_expression(expression: &str) -> Result<Self, String> {
        Ok(Self(expression.split(',').map(str::parse).collect::<Result<_, _>>()?))
    }

    /// The settings that they speak of.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|condition| &*condition.name)
    }

    /// Whether all hold. One on a setting that is not there does not, unless it is `!=`.
    pub(crate) fn hold(&self, settings: &Settings) -> bool {
        self.0.iter().all(|condition| condition.holds(settings.get(&condition.name)))
    }
}

impl Condition {
    /// The setting that it looks at.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it holds for a value. What is not there is unequal to every value, and nothing else.
    pub(crate) fn holds(&self, found: Option<&Value>) -> bool {
        let same = |value: &Value| found.is_some_and(|found| same(found, value));
        let is = |wanted: fn(Ordering) -> bool| {
            let numbers = found.and_then(Value::as_f64).zip(self.values[0].as_f64());
            numbers.is_some_and(|(a, b)| wanted(a.total_cmp(&b)))
        };
        match self.relation {
            Relation::Equal => self.values.iter().any(same),
            Relation::Unequal => !self.values.iter().any(same),
            Relation::Less => is(Ordering::is_lt),
            Relation::AtMost => is(Ordering::is_le),
            Relation::Greater => is(Ordering::is_gt),
            Relation::AtLeast => is(Ordering::is_ge),
        }
    }
}

/// Numbers by size, all else as words.
fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.total_cmp(&b).is_eq(),
        _ => text(a) == text(b),
    }
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(part: &str) -> Result<Self, String> {
        let found = RELATIONS.iter().filter_map(|(sign, r)| Some((part.find(sign)?, sign, r)));
        let first = found.min_by_key(|(at, sign, _)| (*at, std::cmp::Reverse(sign.len())));
        let Some((at, sign, relation)) = first else {
            return Err(format!("condition `{part}`: expected NAME=VALUE, or !=, <, <=, > or >="));
        };
        let (name, values) = (part[..at].trim(), part[at + sign.len()..].trim());
        if name.is_empty() || values.is_empty() {
            return Err(format!("condition `{part}`: expected a name, `{sign}` and a value"));
        }
        let values: Vec<Value> = values.split('|').map(|value| of_text(value.trim())).collect();
        let orders = !matches!(relation, Relation::Equal | Relation::Unequal);
        if orders && !(values.len() == 1 && values[0].is_number()) {
            return Err(format!("condition `{part}`: expected one number behind `{sign}`"));
        }
        Ok(Self { name: name.to_owned(), relation: *relation, values })
    }
}

impl TryFrom<String> for Condition {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings() -> Settings {
        [("method", json!("phew")), ("density", json!(0.1)), ("seed", json!(10))]
            .map(|(name, value)| (name.to_owned(), value))
            .into()
    }

    #[test]
    fn expressions_select_by_every_relation() {
        for (expression, holds) in [
            ("method=phew", true),
            ("method==phew,density<=0.10", true),
            ("method=snip|phew, seed>9", true),
            ("method!=phew", false),
            ("method!=snip", true),
            ("density<0.1", false),
            ("density>=0.1", true),
            ("seed>9,seed<10", false),
            ("epochs=3", false),
            ("epochs!=3", true),
            ("epochs>3", false),
            ("method>3", false),
        ] {
            let conditions = Conditions::of_expression(expression).unwrap();
            assert_eq!(conditions.hold(&settings()), holds, "{expression}");
        }
        for wrong in ["method", "=3", "density<", "", "density<phew", "density<0.1|0.2"] {
            assert!(Conditions::of_expression(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_table_is_a_conjunction_of_values_or_lists() {
        let table = |text: &str| Conditions::of_table(&toml::from_str(text).unwrap()).unwrap();
        assert!(table("method = ['snip', 'phew']\ndensity = '0.10'").hold(&settings()));
        assert!(!table("method = 'phew'\nseed = 1").hold(&settings()));
    }
}
