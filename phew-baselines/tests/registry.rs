//! Every method of the registry is built, prunes, and takes no option that it would ignore.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::collections::BTreeSet;

use phew_baselines::{
    Allocation, BaselineError, Inverted, Magnitude, Options, Oracle, Plan, Random, methods,
    prune_by_scores,
};
use phew_graph::{Init, Mask, Network};
use support::mlp_oracle::MlpOracle;
use support::reference::mlp_arch;

fn network() -> Network {
    Network::initialise(mlp_arch(), Init::default(), 11).unwrap()
}

fn run(name: &str, options: &Options) -> Result<Mask, BaselineError> {
    let network = network();
    let oracle: Box<dyn Oracle> = Box::new(MlpOracle::random(network.arch(), 20, 2));
    methods().find(name)?.method(0.1, 3, options, Some(oracle))?.prune(&network)
}

#[test]
fn every_method_prunes_to_the_exact_number_and_all_masks_differ() {
    let mut masks: Vec<(&str, Mask)> = Vec::new();
    for info in methods() {
        let mask = run(info.name, &Options::default()).unwrap();
        assert_eq!(mask.kept(), 57, "{}", info.name);
        for (other, theirs) in &masks {
            // On an MLP ones through the layers and the path graph are the same; without kernels, so are ER
            // and ERK.
            let same = info.name.strip_suffix("-spatial") == Some(*other)
                || (info.name, *other) == ("random-erk", "random-er");
            assert_eq!(mask == *theirs, same, "{} and {other}", info.name);
        }
        masks.push((info.name, mask));
    }
    let names: BTreeSet<&str> = methods().iter().map(|m| m.name).collect();
    assert_eq!(names.len(), methods().iter().len());
}

#[test]
fn methods_that_ask_about_data_say_so_without_an_oracle() {
    for info in methods() {
        let built = info.method(0.1, 3, &Options::default(), None);
        match built {
            Ok(_) => assert!(!info.needs.oracle(), "{}", info.name),
            Err(error) => {
                let text = error.to_string();
                assert!(
                    text.contains(info.name) && text.contains(&info.needs.to_string()),
                    "{text}"
                );
            }
        }
    }
    let error = methods().find("snap").unwrap_err();
    assert!(error.to_string().contains("one of random, "), "{error}");
}

#[test]
fn options_do_what_they_say_or_are_refused() {
    let inverted = Options { invert: true, ..Options::default() };
    let network = network();
    let want =
        prune_by_scores(&network, &mut Inverted(Magnitude), &Plan::new(0.1).unwrap()).unwrap();
    assert!(run("magnitude", &inverted).unwrap() == want);
    let uniform = Options { allocation: Some(Allocation::Uniform), ..Options::default() };
    let plan = Plan::new(0.1).unwrap().with_allocation(Allocation::Uniform);
    let want = prune_by_scores(&network, &mut Random { seed: 3 }, &plan).unwrap();
    assert!(run("random", &uniform).unwrap() == want);
    assert!(run("random-uniform", &Options::default()).unwrap() == want);
    let linear = Options { schedule: Some("linear:5".parse().unwrap()), ..Options::default() };
    assert!(run("synflow", &linear).unwrap() != run("synflow", &Options::default()).unwrap());
    let senseless = [
        ("grasp", "temperature", "0", "temperature is 0, expected a positive number"),
        ("grasp", "parameters", "some", "parameters is some, expected weights or all"),
        ("ntk-sap", "epsilon", "NaN", "epsilon is NaN"),
        ("ntk-sap", "draws", "0", "draws is 0, expected a number of at least 1"),
        ("ntk-sap", "epsilom", "1", "one of those of `ntk-sap`: draws, epsilon"),
        ("magnitude", "epsilon", "1", "`magnitude` has no options of its own"),
    ];
    for (of, option, value, part) in senseless {
        let error = run(of, &Options::default().with(option, value)).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
    for (option, value, of) in [
        ("draws", "4", "ntk-sap"),
        ("epsilon", "0.5", "ntk-sap"),
        ("temperature", "1", "grasp"),
        ("parameters", "all", "grasp"),
    ] {
        let options = Options::default().with(option, value);
        for info in methods() {
            let taken = run(info.name, &options).is_ok();
            assert_eq!(taken, info.name.starts_with(of), "{} {options:?}", info.name);
        }
        // On an MLP without normalisation the two parameter sets are one.
        if option != "parameters" {
            let usual = run(of, &Options::default()).unwrap();
            assert!(run(of, &options).unwrap() != usual, "{options:?}");
        }
    }
}

#[test]
fn defaults_of_the_table_are_noted_as_options_write_them() {
    let network = network();
    for info in methods() {
        let oracle: Box<dyn Oracle> = Box::new(MlpOracle::random(network.arch(), 20, 2));
        let noted = info.method(0.1, 3, &Options::default(), Some(oracle)).unwrap().parameters;
        let at = |name: &str| noted.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str());
        assert_eq!(at("schedule"), Some(info.build.schedule), "{}", info.name);
        assert_eq!(at("allocation"), Some(info.build.allocation), "{}", info.name);
        for option in info.build.options {
            assert_eq!(at(option.name), Some(option.default), "{} {}", info.name, option.name);
            assert_eq!(option.check(option.default).unwrap(), option.default);
        }
    }
}
