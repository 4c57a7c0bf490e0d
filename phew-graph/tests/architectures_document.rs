//! `docs/architectures.md` lists every operator with every field, and its examples are read.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use phew_graph::{Arch, Op};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn document() -> String {
    std::fs::read_to_string(root().join("docs/architectures.md")).unwrap()
}

/// The sections of the operators by type.
fn sections(document: &str) -> BTreeMap<String, String> {
    let parts = document.split("\n### `").skip(1).map(|part| part.split_once('`').unwrap());
    parts.map(|(kind, text)| (kind.to_owned(), text.to_owned())).collect()
}

fn examples(text: &str) -> Vec<&str> {
    text.split("```toml\n").skip(1).map(|part| part.split("```").next().unwrap()).collect()
}

/// The types that the code knows: those of its message about an unknown one.
fn types() -> BTreeSet<String> {
    let text = "name = 'a'\n[[op]]\nname = 'x'\ntype = 'warp'";
    let error = Arch::from_toml(text, "x").unwrap_err().to_string();
    let (_, known) = error.split_once("expected one of ").unwrap();
    known.split(", ").map(str::to_owned).collect()
}

#[test]
fn every_type_of_operator_has_a_section_and_no_other() {
    assert_eq!(sections(&document()).into_keys().collect::<BTreeSet<_>>(), types());
}

/// The names of all fields that some operator takes, from the calls in the code that take them.
fn names_of_fields() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/arch/op");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let sources = files.map(|path| std::fs::read_to_string(path).unwrap());
    let calls = ["take(\"", "need(\"", "need::<Pair>(\"", "pair(\""];
    sources.fold(BTreeSet::new(), |mut names, source| {
        let taken = calls.iter().flat_map(|call| source.split(call).skip(1));
        names.extend(taken.map(|rest| rest.split('"').next().unwrap().to_owned()));
        names
    })
}

#[test]
fn the_fields_that_an_operator_takes_are_listed_and_no_other() {
    let names = names_of_fields();
    for (kind, text) in sections(&document()) {
        let listed = |name: &&String| text.contains(&format!("| `{name}` |"));
        let example = examples(&text)[0];
        let taken = |name: &&String| {
            let lines = example.lines().filter(|line| !line.starts_with(&format!("{name} = ")));
            let text = lines.fold("name = 'a'\n".to_owned(), |text, line| text + line + "\n");
            let read = Arch::from_toml(&format!("{text}{name} = []"), "x");
            !read.is_err_and(|error| error.to_string().contains(&format!("takes no `{name}`")))
        };
        let set = |has: &dyn Fn(&&String) -> bool| names.iter().filter(has).collect::<Vec<_>>();
        assert_eq!(set(&listed), set(&taken), "{kind}");
        let rows = text.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(rows, set(&listed).len(), "{kind}: a row of no field");
    }
}

#[test]
fn every_example_is_read_and_written_with_the_fields_that_it_shows() {
    let document = document();
    let (whole, _) = document.split_once("## Operators").unwrap();
    for example in examples(whole) {
        Arch::from_toml(example, "example").unwrap();
    }
    for (kind, text) in sections(&document) {
        let [example] = examples(&text)[..] else { panic!("{kind}: one example") };
        let arch = Arch::from_toml(&surrounded(&kind, example), &kind).unwrap();
        let node = arch.nodes().iter().find(|node| node.op.kind() == kind && node.name != "start");
        let node = node.unwrap_or_else(|| panic!("{kind}: its operator"));
        assert_eq!(matches!(node.op, Op::Input(_)), kind == "input");
        let written = arch.to_toml();
        for line in example.lines().filter(|line| line.contains(" = ")) {
            let field = line.split(" = ").next().unwrap();
            assert!(written.contains(&format!("{field} = ")), "{kind}: {field} in {written}");
        }
    }
}

/// An example between an input and an output that suit it.
fn surrounded(kind: &str, example: &str) -> String {
    let op = |name: &str, fields: &str| format!("[[op]]\nname = '{name}'\n{fields}\n");
    let start = match kind {
        "input" => String::new(),
        "conv1d" | "conv_transpose1d" | "shift" => op("start", "type = 'input'\nshape = [4, 8]"),
        _ => op("start", "type = 'input'\nshape = [4, 8, 8]"),
    };
    let branches = match example.contains("inputs = [") {
        true => ["a", "b"].map(|name| op(name, "type = 'relu'\ninputs = ['start']")).concat(),
        false => String::new(),
    };
    let part = |name: &str, first: usize| {
        op(name, &format!("type = 'slice'\nfirst = {first}\nunits = 1\ninputs = ['start']"))
    };
    let end = match kind {
        "flatten" => op("end", "type = 'linear'\nout = 2"),
        // Something has to read the units that it leaves.
        "slice" => {
            let join = op("join", "type = 'concat'\ninputs = ['left', 'below', 'above']");
            let end = op("end", "type = 'linear'\nat_positions = true\nout = 2");
            [part("below", 0), part("above", 3), join, end].concat()
        }
        _ => op("end", "type = 'linear'\nat_positions = true\nout = 2"),
    };
    format!("name = 'a'\n{start}{branches}{example}{end}")
}
