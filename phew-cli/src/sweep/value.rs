//! The value of a setting, in one spelling: `0.10`, `"0.1"` and `1e-1` are the same number.

use std::collections::BTreeMap;

use serde_json::{Number, Value};

/// Settings by name.
pub(crate) type Settings = BTreeMap<String, Value>;

/// The word that takes a setting away.
pub(crate) const NONE: &str = "none";

/// A value of a plan: a number, a word or a boolean; a list is one word of its values, with commas.
pub(crate) fn of_toml(value: &toml::Value) -> Result<Value, String> {
    Ok(match value {
        toml::Value::String(text) => of_text(text),
        toml::Value::Integer(number) => (*number).into(),
        toml::Value::Float(number) => of_text(&number.to_string()),
        toml::Value::Boolean(yes) => (*yes).into(),
        toml::Value::Array(list) => {
            let words: Result<Vec<String>, String> =
                list.iter().map(|value| of_toml(value).map(|value| text(&value))).collect();
            of_text(&words?.join(","))
        }
        toml::Value::Datetime(_) | toml::Value::Table(_) => {
            return Err(format!("found {value}, expected a number, a word, a boolean or a list"));
        }
    })
}

/// A word, or the number that it spells.
pub(crate) fn of_text(text: &str) -> Value {
    if let Ok(number) = text.parse::<i64>() {
        return number.into();
    }
    if let Ok(number) = text.parse::<u64>() {
        return number.into();
    }
    // Not `inf` and `nan`, which are words here.
    let numeric = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    match text.parse::<f64>() {
        Ok(number) if numeric && number.is_finite() => {
            // 2^53: whole numbers up to it are exact.
            if number.fract() == 0.0 && number.abs() < 9e15 {
                return (number as i64).into();
            }
            Number::from_f64(number).map_or(Value::Null, Value::Number)
        }
        _ => text.into(),
    }
}

/// A value as the command line spells it.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Tables within tables as one, with dotted names: `train.seed`.
pub(crate) fn flat<'a>(
    table: &'a toml::Table,
    prefix: &str,
    into: &mut Vec<(String, &'a toml::Value)>,
) {
    for (name, value) in table {
        let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            toml::Value::Table(inner) => flat(inner, &name, into),
            other => into.push((name, other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_has_one_spelling() {
        for spelling in ["0.1", "0.10", "1e-1", ".1"] {
            assert_eq!(of_text(spelling), json!(0.1), "{spelling}");
        }
        let toml: toml::Value =
            toml::from_str("a = [0.10, '3', 1.0, 'inf', [0.50, 0.2], true]").unwrap();
        let list = toml["a"].as_array().unwrap();
        let values: Vec<Value> = list.iter().map(|v| of_toml(v).unwrap()).collect();
        assert_eq!(
            values,
            [json!(0.1), json!(3), json!(1), json!("inf"), json!("0.5,0.2"), json!(true)]
        );
        assert_eq!(of_text("18446744073709551615"), json!(u64::MAX));
        assert_eq!(of_text("3x32x32"), json!("3x32x32"));
    }
}
