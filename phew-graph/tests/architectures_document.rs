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

#[test]
fn every_field_that_the_code_takes_is_listed_where_its_operator_is() {
    let sections = sections(&document());
    let source = |file: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/arch/op").join(file);
        std::fs::read_to_string(path).unwrap()
    };
    let files = [
        ("conv2d.rs", &["conv2d"][..]),
        ("linear.rs", &["linear"]),
        ("batch_norm.rs", &["batch_norm"]),
        ("activation.rs", &["leaky_relu"]),
        ("pool.rs", &["max_pool", "avg_pool"]),
        ("input.rs", &["input"]),
    ];
    let mut found = 0;
    for (file, kinds) in files {
        let source = source(file);
        let calls = ["take(\"", "need(\"", "need::<Pair>(\""].into_iter();
        for field in calls.flat_map(|call| source.split(call).skip(1)) {
            let field = field.split('"').next().unwrap();
            for kind in kinds {
                assert!(sections[*kind].contains(&format!("| `{field}` |")), "{kind}: {field}");
                found += 1;
            }
        }
    }
    assert_eq!(found, 18, "a new field is to be listed");
    for file in ["add.rs", "concat.rs", "flatten.rs", "max_pool.rs", "avg_pool.rs"] {
        assert!(!source(file).contains("take(\""), "{file} takes a field of its own");
    }
}

#[test]
fn every_example_is_read_and_written_with_the_fields_that_it_shows() {
    let document = document();
    let (whole, _) = document.split_once("## Operators").unwrap();
    Arch::from_toml(examples(whole)[0], "tiny").unwrap();
    for (kind, text) in sections(&document) {
        let [example] = examples(&text)[..] else { panic!("{kind}: one example") };
        // Between an input and an output that suit it.
        let image = "name = 'a'\n[[op]]\nname = 'start'\ntype = 'input'\nshape = [4, 8, 8]\n";
        let start = match kind.as_str() {
            "input" => "name = 'a'\n".to_owned(),
            "linear" => image.replace("[4, 8, 8]", "[16]"),
            "add" | "concat" => {
                let relu =
                    |name| format!("[[op]]\nname = '{name}'\ntype = 'relu'\ninputs = ['start']\n");
                image.to_owned() + &relu("a") + &relu("b")
            }
            _ => image.to_owned(),
        };
        let end = match kind.as_str() {
            "linear" => "",
            "flatten" => "[[op]]\nname = 'end'\ntype = 'linear'\nout = 2\n",
            _ => "[[op]]\nname = 'end'\ntype = 'conv2d'\nout = 2\nkernel = 1\n",
        };
        let arch = Arch::from_toml(&format!("{start}{example}{end}"), &kind).unwrap();
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
