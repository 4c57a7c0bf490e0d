//! `phew help`, `archs`, `completions`, `man`: what phew says of itself.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json as object};

use crate::common::{command, folder, json, refuses, stdout};

/// The command lines at the end of a help text.
fn examples(help: &str) -> Vec<String> {
    let joined = help.replace("\\\n", "");
    let after = joined.split("Examples:").nth(1).unwrap_or_default();
    let lines = after.lines().filter_map(|line| line.trim().strip_prefix("phew "));
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// All commands of this build, and those of two words.
fn commands() -> Vec<String> {
    let elsewhere: &[&str] =
        if cfg!(feature = "train") { &[] } else { &["train", "measure", "data"] };
    let line = phew_cli::command_line();
    let mut names = Vec::new();
    for command in line.get_subcommands().filter(|c| !elsewhere.contains(&c.get_name())) {
        names.push(command.get_name().to_owned());
        let own = command.get_subcommands();
        names.extend(own.map(|sub| format!("{} {}", command.get_name(), sub.get_name())));
    }
    names
}

#[test]
fn the_examples_of_every_command_can_be_run() {
    let folder = folder();
    let at = folder.path();
    stdout(at, "init --arch lenet-5 -o w.safetensors");
    let prune = "prune --arch lenet-5 --weights w.safetensors --density 0.1";
    stdout(at, &format!("{prune} -o m.safetensors"));
    stdout(at, &format!("{prune} --method random -o other.safetensors"));
    let plan = "name = 'a'\nmeasure = ['widths']\n[settings]\narch = 'lenet-5'\ndensity = 0.1\n";
    std::fs::write(at.join("plan.toml"), plan).unwrap();
    let row = |method: &str, density: f64| {
        let settings = object!({ "arch": "lenet-5", "method": method, "density": density });
        let values = object!({ "accuracy": 0.9, "layers.0.density": 0.1, "layers.1.density": 0.2 });
        object!({ "schema": 1, "settings": settings, "values": values }).to_string() + "\n"
    };
    let rows = row("phew", 0.1) + &row("phew", 0.05) + &row("dense", 1.0);
    std::fs::create_dir(at.join("sweep")).unwrap();
    std::fs::write(at.join("sweep/rows.jsonl"), rows).unwrap();
    std::fs::write(at.join("figure.toml"), "x = 'density'\ny = 'accuracy'").unwrap();
    std::fs::write(at.join("model.pt2"), crate::exports::GATED).unwrap();
    let images = phew_graph::ndarray::ArrayD::zeros(vec![2, 1, 28, 28]);
    let images = [("images", images.view())];
    phew_graph::write_arrays(
        &at.join("x.safetensors"),
        images,
        None,
        phew_graph::Overwrite::Refuse,
    )
    .unwrap();
    for name in commands() {
        let help = stdout(at, &format!("help {name}"));
        let examples = examples(&help);
        let least = if name.contains(' ') { 1 } else { 2 };
        assert!(examples.len() >= least, "{name}: {examples:?}");
        for line in examples {
            assert!(line.starts_with(&name), "{name}: {line}");
            let line = line.split('>').next().unwrap();
            // What a shell takes away.
            let line = line.replace('\'', "");
            let words = std::iter::once("phew").chain(line.split_whitespace());
            let read = phew_cli::command_line().try_get_matches_from(words);
            assert!(read.is_ok(), "{line}: {}", read.unwrap_err());
            // Training takes its time, published sets come from afar, a job is one of a sweep; commands of two words are run with the first.
            let long = ["train", "data fetch", "data check", "sweep job"];
            if !name.contains(' ') && !long.iter().any(|long| line.starts_with(long)) {
                stdout(at, &line);
            }
        }
    }
}

#[test]
fn help_fits_the_terminal() {
    let folder = folder();
    for name in commands() {
        for width in ["60", "90"] {
            let output = command(folder.path(), &format!("help {name}"))
                .env("COLUMNS", width)
                .output()
                .unwrap();
            let help = String::from_utf8(output.stdout).unwrap();
            // Command lines stay whole, to be copied.
            let text = help.split("Examples:").next().unwrap();
            let text = text.lines().filter(|line| !line.starts_with("Usage:"));
            let widest = text.map(|line| line.chars().count()).max().unwrap();
            assert!(widest <= width.parse().unwrap(), "{name}: {widest} of {width}\n{help}");
        }
    }
}

/// The options under a heading of a help text.
fn section(help: &str, heading: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != format!("{heading}:")).skip(1);
    let lines = lines.take_while(|line| line.is_empty() || line.starts_with(' '));
    // What introduces an option stands further left than what describes it.
    let introduced = lines.filter(|line| line.find('-').is_some_and(|at| line[..at].len() <= 6));
    let introduced = introduced.filter(|line| line.trim_start().starts_with('-'));
    let long =
        |line: &str| line.split_whitespace().find(|w| w.starts_with("--")).map(str::to_owned);
    introduced.filter_map(long).collect()
}

#[test]
fn every_command_has_its_options_under_a_heading_that_says_what_they_are_for() {
    let folder = folder();
    for name in commands() {
        let help = stdout(folder.path(), &format!("help {name}"));
        let common = section(&help, "Options of all commands");
        assert_eq!(common, ["--threads", "--json", "--no-map", "--wide", "--help"], "{name}");
        let allowed = |heading: &str, options: &[&str]| {
            let found = section(&help, heading);
            assert!(found.iter().all(|o| options.contains(&o.as_str())), "{name}: {found:?}");
        };
        let network = ["--arch", "--classes", "--input", "--mask"];
        let drawn = ["--weights", "--init", "--norm-scale", "--init-seed", "--ignore-extra"];
        allowed("Network", &[&network[..], &drawn].concat());
        allowed("Weights", &[&drawn[..], &["--seed"]].concat());
        let output = [
            "--output",
            "--force",
            "--toml",
            "--per-weight",
            "--scores-out",
            "--arch-out",
            "--to",
            "--apply",
            "--type",
        ];
        allowed("Output", &[&output[..], &["--gradients", "--sensitivity"]].concat());
    }
}

#[test]
fn the_zoo_is_listed_with_its_counts() {
    let folder = folder();
    let at = folder.path();
    let list = json(at, "archs --json");
    let networks = list["networks"].as_array().unwrap();
    assert_eq!(networks.len(), phew_graph::zoo::known().len());
    let of = |name: &str| networks.iter().find(|network| network["name"] == name).unwrap();
    // torchvision's count of all parameters; the papers' of those that are pruned.
    assert_eq!(of("resnet18")["parameters"], 11_689_512);
    assert_eq!(of("vgg19")["prunable"], 20_024_000);
    assert_eq!(of("resnet20")["input"], serde_json::json!([3, 32, 32]));
    let table = stdout(at, "archs");
    assert!(table.contains("wrn-D-K: wide ResNet") && table.contains("20,024,000"), "{table}");

    let toml = stdout(at, "archs resnet20");
    assert_eq!(toml, stdout(at, "inspect --arch resnet20 --toml"));
    let one = json(at, "archs resnet20 --classes 100 --json");
    assert_eq!((&one["output"], &one["prunable"]), (&serde_json::json!([100]), &276_656.into()));
    std::fs::write(at.join("net.toml"), one["toml"].as_str().unwrap()).unwrap();
    assert_eq!(json(at, "archs net.toml --json"), one);
    refuses(at, "archs vgg20", 2, &["`vgg20`", "vgg19"]);
    refuses(at, "archs --classes 3", 2, &["--classes", "which one"]);
}

#[test]
fn completions_know_every_command() {
    let folder = folder();
    let at = folder.path();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = stdout(at, &format!("completions {shell}"));
        for command in phew_cli::command_line().get_subcommands() {
            assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
        }
        let report = json(at, &format!("completions {shell} --json"));
        assert_eq!((&report["shell"], &report["script"]), (&shell.into(), &script.into()));
    }
    refuses(at, "completions dash", 2, &["bash"]);
    // bash itself reads its script, and completes a command with it.
    std::fs::write(at.join("phew.bash"), stdout(at, "completions bash")).unwrap();
    let script = "source phew.bash; COMP_WORDS=(phew ins); COMP_CWORD=1; _phew phew ins phew; echo ${COMPREPLY[@]}";
    let Ok(run) = Command::new("bash").current_dir(at).args(["-c", script]).output() else {
        return;
    };
    assert_eq!(String::from_utf8_lossy(&run.stdout).trim(), "inspect", "{run:?}");
}

#[test]
fn manual_pages_are_written_for_every_command_and_replaced_only_by_force() {
    let folder = folder();
    let at = folder.path();
    let report = json(at, "man a/man1 --json");
    let pages = report["pages"].as_array().unwrap();
    let line = phew_cli::command_line();
    let all = line.get_subcommands().map(|command| 1 + command.get_subcommands().count());
    assert_eq!(pages.len(), 1 + all.sum::<usize>());
    for name in commands() {
        let page = at.join(format!("a/man1/phew-{}.1", name.replace(' ', "-")));
        let text = std::fs::read_to_string(&page).unwrap();
        assert!(text.contains(".SH SYNOPSIS") && text.contains("phew"), "{}", page.display());
    }
    let whole = |page: &Value| at.join(page.as_str().unwrap()).exists();
    assert!(pages.iter().all(whole));
    std::fs::remove_file(at.join("a/man1/phew-doctor.1")).unwrap();
    refuses(&at.join("a"), "man man1", 2, &["phew.1", "already exists", "--force"]);
    assert!(!at.join("a/man1/phew-doctor.1").exists(), "all pages are checked before the first");
    stdout(at, "man a/man1 --force");
    assert!(at.join("a/man1/phew-doctor.1").exists());
}

#[test]
fn every_command_takes_json_and_prints_one_object() {
    let folder = folder();
    let at = folder.path();
    stdout(at, "prune --arch lenet-5 --density 0.1 -o m");
    let lines = [
        "doctor",
        "archs",
        "archs lenet-5",
        "completions bash",
        "man pages",
        "inspect --arch lenet-5",
        "compare --arch lenet-5 m m",
        "node-path --arch lenet-5 m",
        "verify lemma3 --scale small",
        "transform shuffle --arch lenet-5 --mask m -o s",
        "init --arch lenet-5 -o w",
    ];
    for line in lines {
        assert!(json(at, &format!("{line} --json")).is_object(), "{line}");
        assert!(
            json(
                at,
                &format!("--json {line}")
                    .replace("-o s", "-o s2")
                    .replace("-o w", "-o w2")
                    .replace("man pages", "man pages2")
            )
            .is_object(),
            "{line}"
        );
    }
    assert!(Path::new(&at.join("w2")).exists());
    if cfg!(feature = "train") {
        assert!(json(at, "data list --json").is_object());
    }
}
