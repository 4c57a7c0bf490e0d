//! Attention, learnt tokens and parts of a sequence as operators: what is refused, and what TOML keeps.

use phew_graph::Arch;

/// A network in TOML of a sequence of three positions with four units, these operators, and a linear layer.
fn network(operators: &str) -> Result<Arch, String> {
    let text = format!(
        "name = 'tiny'\n\
         [[op]]\nname = 'x'\ntype = 'input'\nshape = [4, 3]\n\
         {operators}\n\
         [[op]]\nname = 'fc'\ntype = 'linear'\nout = 2\nat_positions = true\n"
    );
    Arch::from_toml(&text, "tiny.toml").map_err(|error| error.to_string())
}

fn attention(fields: &str, inputs: &str) -> String {
    format!("[[op]]\nname = 'a'\ntype = 'attention'\ninputs = {inputs}\n{fields}\n")
}

#[test]
fn attention_keeps_its_fields_and_the_shape_of_its_queries() {
    let short = "[[op]]\nname = 'one'\ntype = 'crop'\ninputs = ['x']\nfirst = 1\npositions = 1\n";
    let fields = "heads = 2\ncausal = true\nscale = 0.25";
    let arch = network(&(short.to_owned() + &attention(fields, "['one', 'x', 'x']"))).unwrap();
    assert_eq!(arch.output_shape().sizes(), [2, 1]);
    let written = arch.to_toml();
    for line in ["heads = 2", "causal = true", "scale = 0.25", "first = 1", "positions = 1"] {
        assert!(written.contains(line), "{written}");
    }
    assert_eq!(Arch::from_toml(&written, "again").unwrap(), arch);
    // One query of 4 units with 3 keys, and 3 values into it.
    assert_eq!(arch.attention_multiply_adds(), 24);
}

#[test]
fn tokens_lengthen_a_sequence_and_a_crop_shortens_it() {
    let tokens = "[[op]]\nname = 'class'\ntype = 'tokens'\nshape = [1, 2, 4]\nbehind = true\n";
    let crop = "[[op]]\nname = 'last'\ntype = 'crop'\nfirst = 3\npositions = 2\n";
    let arch = network(&format!("{tokens}{crop}")).unwrap();
    let shapes: Vec<Vec<usize>> = arch.nodes().iter().map(|node| node.shape.sizes()).collect();
    assert_eq!(shapes, [vec![4, 3], vec![4, 5], vec![4, 2], vec![2, 2]]);
    assert_eq!(arch.auxiliary()[0].name, "class.tokens");
    assert_eq!(Arch::from_toml(&arch.to_toml(), "again").unwrap(), arch);
}

#[test]
fn what_makes_no_sense_is_refused_by_field_and_value() {
    let all = "['x', 'x', 'x']";
    let narrow = "[[op]]\nname = 'n'\ntype = 'slice'\ninputs = ['x']\nfirst = 0\nunits = 2\n";
    for (operators, parts) in [
        (attention("heads = 3", all), &["heads", "3", "a divisor of 4 units"][..]),
        (attention("heads = 0", all), &["heads", "at least 1"]),
        (attention("heads = 2\nscale = nan", all), &["scale", "a finite number"]),
        (attention("heads = 2", "['x', 'x']"), &["`a`", "2", "three"]),
        (attention("", all), &["needs `heads`"]),
        (
            narrow.to_owned() + &attention("heads = 2", "['x', 'n', 'n']"),
            &["keys of 4 units, as the queries have"],
        ),
        (
            narrow.to_owned() + &attention("heads = 2", "['x', 'x', 'n']"),
            &["values of the shape [4, 3], as the keys have"],
        ),
        (
            "[[op]]\nname = 't'\ntype = 'tokens'\nshape = [1, 3]\n".into(),
            &["shape", "[1, 3]", "[positions, 4]"],
        ),
        (
            "[[op]]\nname = 'c'\ntype = 'crop'\nfirst = 2\npositions = 2\n".into(),
            &["positions", "at most 3"],
        ),
    ] {
        let error = network(&operators).unwrap_err();
        for part in parts {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}
