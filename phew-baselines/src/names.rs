//! Names of schedules, allocations and parameter sets, as the command and the metadata spell them.

use std::fmt;
use std::str::FromStr;

use crate::allocation::Allocation;
use crate::error::BaselineError;
use crate::oracle::Parameters;
use crate::schedule::Schedule;

/// Numbers between commas.
fn list(text: &str) -> Option<Vec<f64>> {
    text.split(',').map(|n| n.trim().parse().ok()).collect()
}

fn join(numbers: &[f64]) -> String {
    numbers.iter().map(f64::to_string).collect::<Vec<_>>().join(",")
}

impl fmt::Display for Allocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Allocation::Global => f.write_str("global"),
            Allocation::Uniform => f.write_str("uniform"),
            Allocation::ErdosRenyi => f.write_str("er"),
            Allocation::ErdosRenyiKernel => f.write_str("erk"),
            Allocation::IdealGas => f.write_str("igq"),
            Allocation::Given(densities) => write!(f, "given:{}", join(densities)),
        }
    }
}

impl FromStr for Allocation {
    type Err = BaselineError;

    /// `global`, `uniform`, `er`, `erk`, `igq`, or `given:0.5,0.1,…` with one density for each tensor.
    fn from_str(text: &str) -> Result<Self, BaselineError> {
        Ok(match text {
            "global" => Allocation::Global,
            "uniform" => Allocation::Uniform,
            "er" => Allocation::ErdosRenyi,
            "erk" => Allocation::ErdosRenyiKernel,
            "igq" => Allocation::IdealGas,
            _ => match text.strip_prefix("given:").and_then(list) {
                Some(densities) => Allocation::Given(densities),
                None => {
                    let expected = "global, uniform, er, erk, igq or given:DENSITY,DENSITY,…";
                    return Err(BaselineError::parameter(
                        "allocation",
                        format!("`{text}`"),
                        expected,
                    ));
                }
            },
        })
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            ("linear", Some(1), _) => f.write_str("one-shot")?,
            (shape, Some(iterations), _) => write!(f, "{shape}:{iterations}")?,
            (shape, None, densities) => write!(f, "{shape}:{}", join(densities))?,
        }
        f.write_str(if self.revives() { "+revive" } else { "" })
    }
}

impl FromStr for Schedule {
    type Err = BaselineError;

    /// `one-shot`, `linear:N`, `exponential:N` or `given:0.5,0.2,…`; `+revive` at the end lets pruned weights
    /// come back.
    fn from_str(text: &str) -> Result<Self, BaselineError> {
        let wrong = || {
            let expected = "one-shot, linear:N, exponential:N or given:DENSITY,DENSITY,…, and +revive \
                            after it if pruned weights may come back";
            BaselineError::parameter("schedule", format!("`{text}`"), expected)
        };
        let (steps, revives) = match text.strip_suffix("+revive") {
            Some(steps) => (steps, true),
            None => (text, false),
        };
        let count = |n: &str| n.parse().ok().filter(|&n: &usize| n > 0);
        let schedule = match steps.split_once(':') {
            None if steps == "one-shot" => Some(Schedule::one_shot()),
            Some(("linear", n)) => count(n).map(Schedule::linear),
            Some(("exponential", n)) => count(n).map(Schedule::exponential),
            Some(("given", densities)) => list(densities).map(Schedule::given),
            _ => None,
        };
        let schedule = schedule.ok_or_else(wrong)?;
        Ok(if revives { schedule.reviving() } else { schedule })
    }
}

impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Parameters::Weights => "weights",
            Parameters::All => "all",
        })
    }
}

impl FromStr for Parameters {
    type Err = BaselineError;

    /// `weights` or `all`.
    fn from_str(text: &str) -> Result<Self, BaselineError> {
        match text {
            "weights" => Ok(Parameters::Weights),
            "all" => Ok(Parameters::All),
            _ => Err(BaselineError::parameter("parameters", format!("`{text}`"), "weights or all")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_and_wrong_ones_are_refused() {
        for text in ["global", "uniform", "er", "erk", "igq", "given:0.5,0.25"] {
            assert_eq!(text.parse::<Allocation>().unwrap().to_string(), text);
        }
        for text in ["one-shot", "linear:7", "exponential:100+revive", "given:0.5,0.25"] {
            assert_eq!(text.parse::<Schedule>().unwrap().to_string(), text);
        }
        for text in ["weights", "all"] {
            assert_eq!(text.parse::<Parameters>().unwrap().to_string(), text);
        }
        assert!(["given:", "erl", "given:0.1,x"].iter().all(|t| t.parse::<Allocation>().is_err()));
        let bad = ["linear", "linear:0", "exponential:-1", "one-shot:3", "+revive", "given:"];
        assert!(bad.iter().all(|t| t.parse::<Schedule>().is_err()));
        assert!("some".parse::<Parameters>().is_err());
    }
}
