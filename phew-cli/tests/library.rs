//! The commands as a library: arguments in, results out, nothing printed.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use phew_cli::commands::{Archs, ArchsReport, Compare, Init, Inspect, NodePath, Transform};
use phew_cli::{Command, Report, exit_code, parse};

#[test]
fn commands_run_in_process_and_give_their_results_as_structs() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (weights, mask, shuffled) = (file("w"), file("m"), file("s"));
    let init: Init = parse(["--arch", "lenet-5", "--seed", "3", "-o", &weights]).unwrap();
    let init = init.run().unwrap();
    assert_eq!((init.prunable, init.seed), (61_470, 3));
    assert!(init.output.exists());

    let network = phew_graph::Network::load(
        init.output.as_path(),
        phew_graph::zoo::by_name("lenet-5").unwrap().build().unwrap(),
        phew_graph::Extra::Refuse,
    );
    let params = phew_walk::WalkParams::new(0.1).unwrap();
    let walked = phew_walk::prune(&network.unwrap(), &params).unwrap().mask;
    let from = phew_graph::Provenance {
        arch: "lenet-5".into(),
        weights: init.weights.clone(),
        ..Default::default()
    };
    walked.save(mask.as_ref(), &from, phew_graph::Overwrite::Refuse).unwrap();

    let words = ["--arch", "lenet-5", "--mask", &mask, "--weights", &weights, "--metrics"];
    let inspect: Inspect = parse(words).unwrap();
    let inspect = inspect.run().unwrap();
    assert_eq!((inspect.kept, inspect.effective), (walked.kept(), walked.kept()));
    assert_eq!(inspect.made_by.as_ref().unwrap().weights, init.weights);
    assert_eq!(inspect.layers[0].name, "conv1.weight");
    assert!(inspect.text().contains("hidden stub units"));

    let words = ["shuffle", "--arch", "lenet-5", "--mask", &mask, "-o", &shuffled];
    let transform: Transform = parse(words).unwrap();
    transform.run().unwrap();
    let compare: Compare = parse(["--arch", "lenet-5", &mask, &shuffled]).unwrap();
    let compare = compare.run().unwrap();
    assert!(compare.pairs[0].jaccard < 0.5);
    let json: serde_json::Value = serde_json::from_str(&compare.json().unwrap()).unwrap();
    assert_eq!(json["pairs"][0]["jaccard"], compare.pairs[0].jaccard);
    let balance: NodePath = parse(["--arch", "lenet-5", &mask]).unwrap();
    assert!(balance.run().unwrap().masks[0].nodes > 0.5);
}

#[test]
fn errors_have_the_exit_code_of_the_command_and_bad_arguments_are_those_of_clap() {
    let archs: Archs = parse(["vgg20"]).unwrap();
    assert_eq!(exit_code(&archs.run().unwrap_err()), 2);
    let archs: Archs = parse(["none.toml"]).unwrap();
    assert_eq!(exit_code(&archs.run().unwrap_err()), 1);
    assert!(parse::<Archs>(["--wilt"]).is_err());
    let archs: Archs = parse([] as [&str; 0]).unwrap();
    assert!(matches!(archs.run().unwrap(), ArchsReport::List { networks } if networks.len() > 9));
}
