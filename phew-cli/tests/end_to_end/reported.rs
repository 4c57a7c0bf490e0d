//! Command lines that were reported to hang, to wrap or to write nonsense, and others of their kind: they are refused by
//! name, or do what they say.

use phew_graph::ndarray::{Array1, Array2};
use phew_graph::{Overwrite, write_arrays};

use crate::common::{folder, json, refuses};

#[test]
fn sizes_that_would_wrap_are_refused_and_nothing_is_written() {
    let folder = folder();
    let at = folder.path();
    for (line, parts) in [
        (
            "--arch lenet-300-100 --input 4294967296x4294967296x2",
            &["`input`", "[4294967296, 4294967296, 2]"][..],
        ),
        (
            "--arch lenet-5 --classes 18446744073709551615",
            &["`fc3`", "out is 18446744073709551615"],
        ),
        ("--arch mlp-9223372036854775807-3", &["`input`", "[9223372036854775807]"]),
        ("--arch vgg19 --input 3x4294967296x4294967296", &["[3, 4294967296, 4294967296]"]),
        ("--arch mlp-3-9223372036854775807-3", &["`fc1`", "out is 9223372036854775807"]),
    ] {
        let parts = [&["at most 1099511627776"], parts].concat();
        for command in ["init", "prune --density 0.1", "inspect", "bench --mask m"] {
            let output =
                if command == "inspect" || command.starts_with("bench") { "" } else { "-o w" };
            refuses(at, &format!("{command} {line} {output}"), 2, &parts);
        }
    }
    assert!(!at.join("w").exists());
}

#[test]
fn drawn_weights_beyond_the_numbers_are_refused_by_every_command() {
    let folder = folder();
    let at = folder.path();
    for init in ["normal:1e39", "normal:3e38", "normal:1e300"] {
        let drawn = format!("weights drawn by {init}");
        for line in [
            "init -o w",
            "prune --density 0.1 -o w",
            "prune --density 0.1 --method synflow -o w",
            "inspect --metrics",
        ] {
            let refused = [&*drawn, "`conv1.weight`", "expected finite values"];
            refuses(at, &format!("{line} --arch lenet-5 --init {init}"), 1, &refused);
        }
    }
    assert!(!at.join("w").exists());
}

#[test]
fn what_would_take_for_ever_is_refused_with_what_can_be_had() {
    let folder = folder();
    let at = folder.path();
    // Every weight on a path of its own, some of them hardly ever drawn.
    for line in ["--arch mlp-1000-10", "--arch mlp-100-50-10", "--arch mlp-100-50-10 --engine walk"]
    {
        let parts = ["density 1 is expected to take", "come to a density of about"];
        refuses(at, &format!("prune {line} --density 1 -o m"), 2, &parts);
    }
    // Half of 800 weights are a hundred million times smaller than the others.
    let uneven = |rows: usize, columns: usize| {
        Array2::from_shape_fn((rows, columns), |(i, j)| {
            let sign = if (i * 7 + j * 3) % 5 < 2 { -1.0_f32 } else { 1.0 };
            sign * (1.0 + (i * columns + j) as f32 / 1000.0)
                * if (i + j) % 2 == 0 { 1.0 } else { 1e-8 }
        })
    };
    let (first, second) = (uneven(20, 20), uneven(20, 20));
    let bias = Array1::zeros(20);
    let arrays = [
        ("fc1.weight", first.view().into_dyn()),
        ("fc1.bias", bias.view().into_dyn()),
        ("fc2.weight", second.view().into_dyn()),
        ("fc2.bias", bias.view().into_dyn()),
    ];
    write_arrays(&at.join("uneven"), arrays, None, Overwrite::Refuse).unwrap();
    for engine in ["auto", "walk", "bulk"] {
        let line = format!(
            "prune --arch mlp-20-20-20 --weights uneven --density 0.6 --engine {engine} -o m"
        );
        refuses(at, &line, 2, &["density 0.6 is expected to take", "come to a density of about"]);
    }
}

#[test]
fn walks_by_derived_scores_neither_overflow_nor_vanish() {
    let folder = folder();
    let at = folder.path();
    let mask = |init: &str, bias: &str| {
        let name = format!("{init}-{bias}.safetensors").replace(':', "-");
        let line =
            format!("prune --arch lenet-5 --density 0.1 --bias {bias} --init {init} -o {name}");
        json(at, &format!("{line} --json"));
        name
    };
    // Powers of two, which change no digit of a weight.
    for bias in ["magnitude", "square", "inverse"] {
        let usual = mask("normal:1", bias);
        for init in [
            "normal:18446744073709551616",
            "normal:1.0842021724855044e-19",
            "normal:5.293955920339377e-23",
        ] {
            let compared =
                json(at, &format!("compare --arch lenet-5 {usual} {} --json", mask(init, bias)));
            assert_eq!(compared["pairs"][0]["jaccard"], 1.0, "{init} {bias}: {compared}");
        }
    }
}
