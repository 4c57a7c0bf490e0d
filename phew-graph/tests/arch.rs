//! What is wrong with an architecture is said, by operator.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use phew_graph::op::{Add, BatchNorm, Input, Linear};
use phew_graph::{Activation, Arch, ArchBuilder, Conv2d, GraphError, NodeSpec, Op, Pool, Shape};

fn image(channels: usize, side: usize) -> Shape {
    Shape::Image { channels, height: side, width: side }
}

fn node(name: &str, op: impl Into<Op>, inputs: &[&str]) -> NodeSpec {
    NodeSpec::new(name, op, inputs)
}

fn input(n: usize) -> NodeSpec {
    node("x", Input { shape: Shape::Features(n) }, &[])
}

fn linear(name: &str, from: &str) -> NodeSpec {
    node(name, Linear { out: 3, bias: true, at_positions: false }, &[from])
}

fn refuse(specs: Vec<NodeSpec>) -> GraphError {
    Arch::new("test", specs).unwrap_err()
}

#[test]
fn structural_mistakes_are_named() {
    assert!(matches!(refuse(vec![]), GraphError::Empty { .. }));
    assert!(matches!(refuse(vec![input(2)]), GraphError::NoWeights { .. }));
    let twice = refuse(vec![input(2), linear("a", "x"), linear("a", "x")]);
    assert!(matches!(twice, GraphError::DuplicateOperator { name } if name == "a"));
    let dangling = refuse(vec![input(2), linear("a", "nowhere")]);
    assert!(
        matches!(dangling, GraphError::UnknownInput { operator, input } if operator == "a" && input == "nowhere")
    );
    let ends = refuse(vec![input(2), linear("a", "x"), linear("b", "x")]);
    assert!(matches!(ends, GraphError::OutputCount { operators } if operators == "`a`, `b`"));
    assert!(matches!(refuse(vec![linear("a", "a")]), GraphError::InputCount { found: 0, .. }));
    let lonely = refuse(vec![input(2), node("sum", Add, &["x"])]);
    assert!(matches!(lonely, GraphError::Arity { operator, found: 1, .. } if operator == "sum"));
    let fed =
        refuse(vec![node("x", Input { shape: Shape::Features(2) }, &["a"]), linear("a", "x")]);
    assert!(matches!(fed, GraphError::Arity { operator, found: 1, .. } if operator == "x"));
}

#[test]
fn a_cycle_names_its_members_and_not_what_lies_behind() {
    let cycle = refuse(vec![
        input(3),
        node("sum", Add, &["x", "b"]),
        linear("a", "sum"),
        linear("b", "a"),
        linear("after", "b"),
    ]);
    assert!(
        matches!(&cycle, GraphError::Cycle { operators } if operators == "`sum`, `a`, `b`"),
        "{cycle}"
    );
}

#[test]
fn shapes_found_and_wanted_are_told() {
    let says = |result: Result<Arch, GraphError>, parts: &[&str]| {
        let error = result.unwrap_err().to_string();
        assert!(parts.iter().all(|p| error.contains(p)), "{error} lacks one of {parts:?}");
    };
    let net = || ArchBuilder::new("test", image(4, 8));
    says(net().linear("fc", 3).build(), &["`fc`", "[4, 8, 8]", "flatten"]);
    says(net().flatten("f").conv("c", Conv2d::new(3, 3)).build(), &["`c`", "[256]", "channels"]);
    says(
        net().conv("c", Conv2d::new(6, 3).groups(3)).build(),
        &["`c`", "groups is 3", "4 input and 6 output"],
    );
    says(net().conv("c", Conv2d::new(6, 3).groups(0)).build(), &["`c`", "groups is 0"]);
    says(net().conv("c", Conv2d::new(0, 3)).build(), &["`c`", "out is 0"]);
    says(net().conv("c", Conv2d::new(2, 9)).build(), &["`c`", "[4, 8, 8]", "at least 9"]);
    says(net().conv("c", Conv2d::new(2, 3).stride(0)).build(), &["`c`", "stride is 0"]);
    says(net().conv("c", Conv2d::new(2, 0)).build(), &["`c`", "kernel is 0"]);
    says(net().max_pool("p", Pool::new(2).padding(2)).build(), &["`p`", "padding is 2"]);
    let sum = net().conv("c", Conv2d::new(4, 3)).add("sum", &["c", "input"]).build();
    says(sum, &["`sum`", "[4, 8, 8]", "[4, 6, 6]"]);
    let concat = net().conv("c", Conv2d::new(3, 3)).concat("cat", &["c", "input"]).build();
    says(concat, &["`cat`", "[4, 8, 8]", "[channels, 6, 6]"]);
    let concat = net().flatten("f").concat("cat", &["f", "input"]).build();
    says(concat, &["`cat`", "[4, 8, 8]", "[features]"]);
    says(net().concat("cat", &["input"]).build(), &["`cat`", "has 1 inputs", "two or more"]);
    says(
        ArchBuilder::new("t", image(0, 8)).conv("c", Conv2d::new(1, 1)).build(),
        &["`input`", "[0, 8, 8]"],
    );
}

#[test]
fn operators_may_stand_in_any_order() {
    let sorted = vec![input(3), linear("a", "x"), linear("b", "a")];
    let shuffled = vec![sorted[2].clone(), sorted[0].clone(), sorted[1].clone()];
    assert_eq!(Arch::new("t", sorted).unwrap(), Arch::new("t", shuffled).unwrap());
}

#[test]
fn toml_mistakes_name_the_file_and_the_operator() {
    let says = |text: &str, parts: &[&str]| {
        let error = Arch::from_toml(text, "net.toml").unwrap_err().to_string();
        assert!(error.starts_with("net.toml: "), "{error}");
        assert!(parts.iter().all(|p| error.contains(p)), "{error} lacks one of {parts:?}");
    };
    let op = |body: &str| format!("name = \"t\"\n[[op]]\nname = \"a\"\n{body}\n");
    says("name = 3", &["line 1"]);
    says(&op("type = \"conv3d\""), &["`a`", "`conv3d`", "conv2d"]);
    says(&op("type = \"conv2d\"\nkernel = 3"), &["`a`", "`out`"]);
    says(&op("type = \"relu\"\nout = 3"), &["`a`", "relu takes no `out`"]);
    says(&op("type = \"input\"\nshape = [1, 2, 3, 4]"), &["`a`", "[1, 2, 3, 4]"]);
    says(&op("type = \"relu\"\ncolour = 3"), &["colour"]);
    says(&op("type = \"max_pool\"\nstride = 2"), &["`a`", "`kernel`"]);
}

#[test]
fn toml_keeps_every_field() {
    let arch = ArchBuilder::new("odd", image(4, 16))
        .op(
            "c",
            Conv2d {
                out: 8,
                kernel: [3, 5],
                stride: [2, 1],
                padding: [1, 2],
                dilation: [1, 1],
                groups: 2,
                bias: true,
            },
        )
        .op("bn", BatchNorm { eps: 1e-3, momentum: 0.2, ..BatchNorm::default() })
        .op("act", Activation::LeakyRelu { slope: 0.2 })
        .max_pool("mp", Pool { kernel: Some([3, 2]), stride: [2, 2], padding: [1, 0], ceil: false })
        .add("sum", &["mp", "mp"])
        .avg_pool("ap", Pool::global())
        .flatten("f")
        .linear_unbiased("fc", 3)
        .build()
        .unwrap();
    assert_eq!(Arch::from_toml(&arch.to_toml(), "round trip").unwrap(), arch);
}

#[test]
fn a_concatenation_has_the_units_of_all_its_inputs() {
    let net = ArchBuilder::new("images", image(4, 8))
        .conv("c", Conv2d::new(3, 3).padding(1))
        .concat("cat", &["c", "input", "c"]);
    let arch = net.flatten("f").linear("fc", 1).build().unwrap();
    assert_eq!(arch.nodes()[2].shape, image(10, 8));
    let net = ArchBuilder::new("features", Shape::Features(4)).linear("a", 3);
    let arch = net.concat("cat", &["input", "a"]).linear("fc", 1).build().unwrap();
    assert_eq!(arch.nodes()[2].shape, Shape::Features(7));
}

/// As files have always been.
#[test]
fn toml_is_written_in_one_way() {
    let arch = ArchBuilder::new("small", image(2, 6))
        .conv("conv1", Conv2d::new(4, 3).padding(1).groups(2).bias())
        .batch_norm("bn1")
        .relu("relu1")
        .conv("conv2", Conv2d { kernel: [3, 1], padding: [1, 0], ..Conv2d::new(4, 3) })
        .add("add", &["conv2", "relu1"])
        .max_pool("pool1", Pool::new(3).stride(2).padding(1))
        .concat("concat", &["pool1", "pool1"])
        .avg_pool("pool2", Pool::new(3))
        .activation("leaky", Activation::LeakyRelu { slope: 0.2 })
        .flatten("flatten")
        .linear_unbiased("fc", 5)
        .build()
        .unwrap();
    let expected = r#"name = "small"

[[op]]
name = "input"
type = "input"
shape = [2, 6, 6]

[[op]]
name = "conv1"
type = "conv2d"
out = 4
kernel = 3
padding = 1
groups = 2
bias = true

[[op]]
name = "bn1"
type = "batch_norm"
eps = 0.00001
momentum = 0.1

[[op]]
name = "relu1"
type = "relu"

[[op]]
name = "conv2"
type = "conv2d"
out = 4
kernel = [3, 1]
padding = [1, 0]

[[op]]
name = "add"
type = "add"
inputs = ["conv2", "relu1"]

[[op]]
name = "pool1"
type = "max_pool"
kernel = 3
stride = 2
padding = 1

[[op]]
name = "concat"
type = "concat"
inputs = ["pool1", "pool1"]

[[op]]
name = "pool2"
type = "avg_pool"
kernel = 3

[[op]]
name = "leaky"
type = "leaky_relu"
slope = 0.2

[[op]]
name = "flatten"
type = "flatten"

[[op]]
name = "fc"
type = "linear"
out = 5
bias = false
"#;
    assert_eq!(arch.to_toml(), expected);
}
