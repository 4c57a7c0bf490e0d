//! Options by name, and the bias as an edge value.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use phew_graph::{Choice, EdgeValue, GraphError, SkipPolicy, TensorId};
use phew_walk::{Bias, Engine, Granularity, Order, Starts};

fn names<T: Choice + Debug + Display + PartialEq + FromStr<Err = GraphError>>() -> Vec<String> {
    let names: Vec<String> = T::ALL.iter().map(T::to_string).collect();
    for (value, name) in T::ALL.iter().zip(&names) {
        assert_eq!(&name.parse::<T>().unwrap(), value);
        assert!(!value.summary().is_empty());
    }
    let wrong = "no such name".parse::<T>().unwrap_err().to_string();
    assert!(wrong.starts_with(&format!("{} is `no such name`, expected ", T::WHAT)), "{wrong}");
    assert!(names.iter().all(|name| wrong.contains(name)), "{wrong}");
    names
}

#[test]
fn every_option_is_parsed_from_the_name_that_it_prints() {
    assert_eq!(names::<Bias>(), ["magnitude", "square", "uniform", "inverse"]);
    assert_eq!(names::<Engine>(), ["auto", "walk", "bulk"]);
    assert_eq!(names::<Granularity>(), ["weight", "kernel"]);
    assert_eq!(names::<Order>(), ["greatest", "least"]);
    assert_eq!(names::<SkipPolicy>(), ["uniform", "main", "projection"]);
    assert_eq!(names::<Starts>(), ["balanced", "forward", "reverse", "random"]);
}

#[test]
fn a_bias_is_worth_its_score_in_a_path_sum() {
    let scores = |weight: f32| Bias::ALL.iter().map(|bias| bias.score(weight)).collect::<Vec<_>>();
    assert_eq!(scores(-0.5), [0.5, 0.25, 1.0, 2.0]);
    assert_eq!(scores(0.0), [0.0, 0.0, 1.0, 1e30]);
    for bias in Bias::ALL {
        // As the sampler has it, in f32: 0.1² is not the square in f64.
        let value = bias.value(TensorId::new(0), 0, 0.1);
        assert_eq!(value.to_bits(), f64::from(bias.score(0.1)).to_bits());
    }
}
