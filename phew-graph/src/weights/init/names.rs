//! The names of initialisers, for commands and files.

use std::fmt;
use std::str::FromStr;

use super::{Fan, Init};
use crate::error::GraphError;

crate::choice! {
    Fan, "fan":
    In => "fan-in", "Inputs per output unit",
    Out => "fan-out", "Outputs per input unit, groups not divided out",
}

impl fmt::Display for Init {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Init::KaimingNormal(Fan::In) => f.write_str("kaiming-normal"),
            Init::KaimingNormal(fan) => write!(f, "kaiming-normal-{fan}"),
            Init::KaimingUniform(Fan::In) => f.write_str("kaiming-uniform"),
            Init::KaimingUniform(fan) => write!(f, "kaiming-uniform-{fan}"),
            Init::XavierNormal => f.write_str("xavier-normal"),
            Init::XavierUniform => f.write_str("xavier-uniform"),
            // `{std}` would write three hundred digits.
            Init::Normal { std } if format!("{std:?}").contains('e') => write!(f, "normal:{std:e}"),
            Init::Normal { std } => write!(f, "normal:{std}"),
            Init::Orthogonal => f.write_str("orthogonal"),
        }
    }
}

impl FromStr for Init {
    type Err = GraphError;

    /// The names that [`Init`]'s `Display` writes; `normal:0.1` carries its standard deviation.
    fn from_str(text: &str) -> Result<Self, GraphError> {
        let wrong = || GraphError::Parameter {
            name: "initialiser",
            found: format!("`{text}`"),
            expected: "kaiming-normal, kaiming-normal-fan-out, kaiming-uniform, kaiming-uniform-fan-out, \
                       xavier-normal, xavier-uniform, normal:STD (STD positive) or orthogonal",
        };
        if let Some(std) = text.strip_prefix("normal:") {
            let std: f64 = std.parse().map_err(|_| wrong())?;
            return if std > 0.0 && std.is_finite() {
                Ok(Init::Normal { std })
            } else {
                Err(wrong())
            };
        }
        Ok(match text {
            "kaiming-normal" => Init::KaimingNormal(Fan::In),
            "kaiming-normal-fan-out" => Init::KaimingNormal(Fan::Out),
            "kaiming-uniform" => Init::KaimingUniform(Fan::In),
            "kaiming-uniform-fan-out" => Init::KaimingUniform(Fan::Out),
            "xavier-normal" => Init::XavierNormal,
            "xavier-uniform" => Init::XavierUniform,
            "orthogonal" => Init::Orthogonal,
            _ => return Err(wrong()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_wrong_ones_are_refused() {
        for text in [
            "kaiming-normal",
            "kaiming-normal-fan-out",
            "kaiming-uniform",
            "kaiming-uniform-fan-out",
            "xavier-normal",
            "xavier-uniform",
            "normal:0.1",
            "normal:2",
            "normal:1e-300",
            "normal:1e39",
            "orthogonal",
        ] {
            assert_eq!(text.parse::<Init>().unwrap().to_string(), text);
        }
        for text in ["kaiming", "normal:", "normal:0", "normal:-1", "normal:NaN", "normal:inf"] {
            assert!(text.parse::<Init>().is_err(), "{text}");
        }
        for fan in [Fan::In, Fan::Out] {
            assert_eq!(fan.to_string().parse::<Fan>().unwrap(), fan);
        }
        assert!("in".parse::<Fan>().is_err());
    }
}
