//! Conditions on settings: of a plan's tables, and of `--only`.

use std::cmp::Ordering;

use serde_json::Value;

use super::value::{Settings, of_text, of_toml, text};

/// Conditions that hold together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Conditions(Vec<Condition>);

/// A setting stands so to one of the values.
#[derive(Clone, Debug, PartialEq)]
struct Condition {
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
        let condition = |part: &str| {
            let found = RELATIONS.iter().filter_map(|(sign, r)| Some((part.find(sign)?, sign, r)));
            let first = found.min_by_key(|(at, sign, _)| (*at, std::cmp::Reverse(sign.len())));
            let Some((at, sign, relation)) = first else {
                return Err(format!("`{part}`: expected NAME=VALUE, or !=, <, <=, > or >="));
            };
            let (name, values) = (part[..at].trim(), part[at + sign.len()..].trim());
            if name.is_empty() || values.is_empty() {
                return Err(format!("`{part}`: expected a name, `{sign}` and a value"));
            }
            let values = values.split('|').map(|value| of_text(value.trim())).collect();
            Ok(Condition { name: name.to_owned(), relation: *relation, values })
        };
        Ok(Self(expression.split(',').map(condition).collect::<Result<_, _>>()?))
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
    fn holds(&self, found: Option<&Value>) -> bool {
        let Some(found) = found else { return self.relation == Relation::Unequal };
        let is = |wanted: fn(Ordering) -> bool| {
            self.values.iter().any(|value| wanted(order(found, value)))
        };
        match self.relation {
            Relation::Equal => is(Ordering::is_eq),
            Relation::Unequal => !is(Ordering::is_eq),
            Relation::Less => is(Ordering::is_lt),
            Relation::AtMost => is(Ordering::is_le),
            Relation::Greater => is(Ordering::is_gt),
            Relation::AtLeast => is(Ordering::is_ge),
        }
    }
}

/// Numbers by size, all else as words.
fn order(a: &Value, b: &Value) -> Ordering {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => text(a).cmp(&text(b)),
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
        ] {
            let conditions = Conditions::of_expression(expression).unwrap();
            assert_eq!(conditions.hold(&settings()), holds, "{expression}");
        }
        for wrong in ["method", "=3", "density<", ""] {
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
