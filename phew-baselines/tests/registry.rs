//! Every method of the registry is built, prunes, and takes no option that it would ignore.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod support;

use std::collections::BTreeSet;

use phew_baselines::{
    Allocation, BaselineError, Inverted, Magnitude, Options, Oracle, Parameters, Plan, Random,
    method, methods, prune,
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
    let mut method = method(name, 0.1, 3, options, Some(oracle))?;
    prune(&network, &mut method.scorer, &method.plan)
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
    assert_eq!(names.len(), methods().len());
}

#[test]
fn methods_that_ask_about_data_say_so_without_an_oracle() {
    for info in methods() {
        let built = method(info.name, 0.1, 3, &Options::default(), None);
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
    let error = method("snap", 0.1, 3, &Options::default(), None).unwrap_err();
    assert!(error.to_string().contains("one of random, "), "{error}");
}

#[test]
fn options_do_what_they_say_or_are_refused() {
    let inverted = Options { invert: true, ..Options::default() };
    let network = network();
    let want = prune(&network, &mut Inverted(Magnitude), &Plan::new(0.1)).unwrap();
    assert!(run("magnitude", &inverted).unwrap() == want);
    let uniform = Options { allocation: Some(Allocation::Uniform), ..Options::default() };
    let plan = Plan::new(0.1).allocation(Allocation::Uniform);
    let want = prune(&network, &mut Random { seed: 3 }, &plan).unwrap();
    assert!(run("random", &uniform).unwrap() == want);
    assert!(run("random-uniform", &Options::default()).unwrap() == want);
    let linear = Options { schedule: Some("linear:5".parse().unwrap()), ..Options::default() };
    assert!(run("synflow", &linear).unwrap() != run("synflow", &Options::default()).unwrap());
    let senseless = [
        (Options { temperature: Some(0.0), ..Options::default() }, "grasp", "temperature is 0"),
        (Options { epsilon: Some(f64::NAN), ..Options::default() }, "ntk-sap", "epsilon is NaN"),
        (Options { draws: Some(0), ..Options::default() }, "ntk-sap", "draws is 0"),
    ];
    for (options, of, part) in senseless {
        let error = run(of, &options).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
    let extras = [
        (Options { draws: Some(4), ..Options::default() }, "ntk-sap"),
        (Options { epsilon: Some(0.5), ..Options::default() }, "ntk-sap"),
        (Options { temperature: Some(1.0), ..Options::default() }, "grasp"),
        (Options { parameters: Some(Parameters::All), ..Options::default() }, "grasp"),
    ];
    for (options, of) in extras {
        for info in methods() {
            let taken = run(info.name, &options).is_ok();
            assert_eq!(taken, info.name.starts_with(of), "{} {options:?}", info.name);
        }
        // On an MLP without normalisation the two parameter sets are one.
        if options.parameters.is_none() {
            assert!(
                run(of, &options).unwrap() != run(of, &Options::default()).unwrap(),
                "{options:?}"
            );
        }
    }
}
