//! ONNX files made here message by message: what is read from them, and what is refused with what to do.
//!
//! Files that PyTorch's exporters write are read by phew-train's tests, which have them.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::{Path, PathBuf};

use phew_graph::{Extra, Network, Op, import, import_arch, op};
use prost::Message;

/// As much of the format as these tests write.
mod message {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Model {
        #[prost(int64, tag = "1")]
        pub(crate) ir_version: i64,
        #[prost(message, optional, tag = "7")]
        pub(crate) graph: Option<Graph>,
        #[prost(message, repeated, tag = "8")]
        pub(crate) opset_import: Vec<OperatorSet>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct OperatorSet {
        #[prost(int64, tag = "2")]
        pub(crate) version: i64,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Graph {
        #[prost(message, repeated, tag = "1")]
        pub(crate) nodes: Vec<Node>,
        #[prost(message, repeated, tag = "5")]
        pub(crate) tensors: Vec<Tensor>,
        #[prost(message, repeated, tag = "11")]
        pub(crate) inputs: Vec<Value>,
        #[prost(message, repeated, tag = "12")]
        pub(crate) outputs: Vec<Value>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Node {
        #[prost(string, repeated, tag = "1")]
        pub(crate) inputs: Vec<String>,
        #[prost(string, repeated, tag = "2")]
        pub(crate) outputs: Vec<String>,
        #[prost(string, tag = "3")]
        pub(crate) name: String,
        #[prost(string, tag = "4")]
        pub(crate) operator: String,
        #[prost(message, repeated, tag = "5")]
        pub(crate) attributes: Vec<Attribute>,
        #[prost(string, tag = "7")]
        pub(crate) domain: String,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Attribute {
        #[prost(string, tag = "1")]
        pub(crate) name: String,
        #[prost(int64, tag = "3")]
        pub(crate) int: i64,
        #[prost(message, optional, tag = "5")]
        pub(crate) tensor: Option<Tensor>,
        #[prost(int64, repeated, tag = "8")]
        pub(crate) ints: Vec<i64>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Pair {
        #[prost(string, tag = "1")]
        pub(crate) key: String,
        #[prost(string, tag = "2")]
        pub(crate) value: String,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Tensor {
        #[prost(int64, repeated, tag = "1")]
        pub(crate) dims: Vec<i64>,
        #[prost(int32, tag = "2")]
        pub(crate) data_type: i32,
        #[prost(float, repeated, tag = "4")]
        pub(crate) floats: Vec<f32>,
        #[prost(string, tag = "8")]
        pub(crate) name: String,
        #[prost(bytes = "vec", tag = "9")]
        pub(crate) raw: Vec<u8>,
        #[prost(message, repeated, tag = "13")]
        pub(crate) external: Vec<Pair>,
        #[prost(int32, tag = "14")]
        pub(crate) location: i32,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Value {
        #[prost(string, tag = "1")]
        pub(crate) name: String,
        #[prost(message, optional, tag = "2")]
        pub(crate) kind: Option<Type>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Type {
        #[prost(message, optional, tag = "1")]
        pub(crate) tensor: Option<TensorType>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct TensorType {
        #[prost(int32, tag = "1")]
        pub(crate) element: i32,
        #[prost(message, optional, tag = "2")]
        pub(crate) shape: Option<Shape>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Shape {
        #[prost(message, repeated, tag = "1")]
        pub(crate) axes: Vec<Axis>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Axis {
        #[prost(int64, optional, tag = "1")]
        pub(crate) size: Option<i64>,
    }
}
use message::{
    Attribute, Axis, Graph, Model, Node, OperatorSet, Pair, Shape, Tensor, TensorType, Type, Value,
};

fn node(operator: &str, inputs: &[&str], output: &str) -> Node {
    let inputs = inputs.iter().map(|&input| input.to_owned()).collect();
    Node {
        inputs,
        outputs: vec![output.to_owned()],
        name: format!("/fc/{output}"),
        operator: operator.to_owned(),
        ..Node::default()
    }
}

fn tensor(name: &str, dims: &[i64], values: &[f32]) -> Tensor {
    Tensor {
        name: name.to_owned(),
        dims: dims.to_vec(),
        data_type: 1,
        raw: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        ..Tensor::default()
    }
}

/// A node that holds a number.
fn constant(name: &str, number: f32) -> Node {
    let value = Some(tensor("", &[], &[number]));
    let attribute = Attribute { name: "value".into(), tensor: value, ..Attribute::default() };
    Node { attributes: vec![attribute], ..node("Constant", &[], name) }
}

/// A value of numbers, whose sizes are fixed but for those that are 0.
fn value(name: &str, sizes: &[i64]) -> Value {
    let axes = sizes.iter().map(|&size| Axis { size: (size > 0).then_some(size) }).collect();
    let tensor = TensorType { element: 1, shape: Some(Shape { axes }) };
    Value { name: name.to_owned(), kind: Some(Type { tensor: Some(tensor) }) }
}

/// A folder with a model to be changed and written.
struct File {
    folder: tempfile::TempDir,
    model: Model,
}

/// `fc.weight`, `[out, in]`, of two outputs and three inputs.
const WEIGHT: [f32; 6] = [1.0, -2.0, 3.0, 0.5, 0.25, -0.125];

impl File {
    /// `relu(x · W + b)`, where W is stored as `[in, out]` under a name that an exporter made up.
    fn new() -> Self {
        let turned = [1.0, 0.5, -2.0, 0.25, 3.0, -0.125];
        let graph = Graph {
            nodes: vec![
                node("MatMul", &["x", "onnx::MatMul_7"], "product"),
                node("Add", &["fc.bias", "product"], "sum"),
                node("Relu", &["sum"], "y"),
            ],
            tensors: vec![
                tensor("onnx::MatMul_7", &[3, 2], &turned),
                tensor("fc.bias", &[2], &[0.0, 7.0]),
            ],
            inputs: vec![value("x", &[0, 3])],
            outputs: vec![value("y", &[0, 2])],
        };
        let opset_import = vec![OperatorSet { version: 17 }];
        let model = Model { ir_version: 8, graph: Some(graph), opset_import };
        Self { folder: tempfile::tempdir().unwrap(), model }
    }

    fn graph(&mut self) -> &mut Graph {
        self.model.graph.as_mut().unwrap()
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("net.onnx")
    }

    fn write(&self) -> PathBuf {
        std::fs::write(self.path(), self.model.encode_to_vec()).unwrap();
        self.path()
    }

    fn refused(&self, parts: &[&str]) {
        let error = import(&self.write()).unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}

fn numbers(network: &Network, name: &str) -> Vec<f32> {
    network.view(name).unwrap().iter().copied().collect()
}

#[test]
fn a_product_and_a_sum_are_a_linear_layer_with_pytorchs_names_and_layout() {
    let file = File::new();
    let imported = import(&file.write()).unwrap();
    let arch = imported.network.arch();
    let names: Vec<&str> = arch.nodes().iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["input", "fc", "y"]);
    assert!(matches!(&arch.nodes()[1].op, Op::Linear(linear) if linear.bias));
    assert_eq!(numbers(&imported.network, "fc.weight"), WEIGHT);
    assert_eq!(numbers(&imported.network, "fc.bias"), [0.0, 7.0]);
    assert_eq!(imported.notes, Vec::<String>::new());
    // It is a file of weights as well.
    let again = Network::load(&file.path(), arch.as_ref().clone(), Extra::Refuse).unwrap();
    assert_eq!(again.fingerprint(), imported.network.fingerprint());
}

#[test]
fn weights_lie_in_files_beside_the_model_too_and_nowhere_else() {
    let mut file = File::new();
    let place = |location: &str, offset: &str| {
        [("location", location), ("offset", offset), ("length", "24")]
            .map(|(key, value)| Pair { key: key.into(), value: value.into() })
            .to_vec()
    };
    let bytes = std::mem::take(&mut file.graph().tensors[0].raw);
    std::fs::write(file.folder.path().join("net.data"), [&[9; 8][..], &bytes].concat()).unwrap();
    let external =
        Tensor { location: 1, external: place("net.data", "8"), ..file.graph().tensors[0].clone() };
    file.graph().tensors[0] = external.clone();
    assert_eq!(numbers(&import(&file.write()).unwrap().network, "fc.weight"), WEIGHT);
    for (location, offset, part) in [
        ("net.data", "9", "lies outside `net.data`"),
        ("../net.data", "0", "expected a file beside the model"),
        ("/etc/passwd", "0", "expected a file beside the model"),
        ("gone.data", "0", "gone.data"),
        ("net.data", "-1", "no sensible place"),
    ] {
        file.graph().tensors[0] = Tensor { external: place(location, offset), ..external.clone() };
        file.refused(&[part]);
    }
}

#[test]
fn numbers_are_read_however_they_lie() {
    let mut file = File::new();
    let raw = std::mem::take(&mut file.graph().tensors[0].raw);
    file.graph().tensors[0].floats =
        raw.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    assert_eq!(numbers(&import(&file.write()).unwrap().network, "fc.weight"), WEIGHT);
    file.graph().tensors[0].floats.pop();
    file.refused(&["`onnx::MatMul_7` has 20 bytes"]);
    file.graph().tensors[0].data_type = 8;
    file.refused(&["unknown number type"]);
}

#[test]
fn equal_tensors_that_are_stored_once_are_named_apart() {
    let mut file = File::new();
    file.graph().nodes = vec![
        node("Mul", &["x", "scale"], "a"),
        node("Relu", &["a"], "b"),
        node("Mul", &["b", "scale"], "c"),
        node("Relu", &["c"], "d"),
        node("Identity", &["scale"], "own"),
        node("Mul", &["d", "own"], "e"),
        node("MatMul", &["e", "onnx::MatMul_7"], "y"),
    ];
    file.graph().tensors.push(tensor("scale", &[3], &[1.0, 2.0, 4.0]));
    let imported = import(&file.write()).unwrap();
    let names: Vec<&str> =
        imported.network.arch().auxiliary().iter().map(|spec| spec.name.as_str()).collect();
    assert_eq!(names, ["scale", "fc.weight", "own"]);
    for name in names {
        assert_eq!(numbers(&imported.network, name), [1.0, 2.0, 4.0]);
    }
    // The weight has no bias to be named after: its module's name is taken by now.
    assert_eq!(
        imported.network.arch().prunable()[phew_graph::TensorId::new(0)].name,
        "onnx::MatMul_7"
    );
}

#[test]
fn gelu_and_silu_in_pieces_are_one_activation_each() {
    let mut file = File::new();
    let constants = [("root", std::f32::consts::SQRT_2), ("one", 1.0), ("half", 0.5)];
    file.graph().tensors.extend(constants.map(|(name, number)| tensor(name, &[], &[number])));
    file.graph().nodes.truncate(2);
    file.graph().nodes.extend([
        node("Div", &["sum", "root"], "a"),
        node("Erf", &["a"], "b"),
        node("Add", &["b", "one"], "c"),
        node("Mul", &["sum", "c"], "d"),
        node("Mul", &["d", "half"], "gelu"),
        node("Sigmoid", &["gelu"], "e"),
        node("Mul", &["gelu", "e"], "y"),
    ]);
    let (arch, _) = import_arch(&file.write()).unwrap();
    let kinds: Vec<&str> = arch.nodes().iter().map(|node| node.op.kind()).collect();
    assert_eq!(kinds, ["input", "linear", "gelu", "silu"]);
    assert!(matches!(arch.nodes()[2].op, Op::Activation(op::Activation::Gelu { tanh: false })));
    // With another factor it is no GELU, and the error function by itself is not known.
    file.graph().tensors[4] = tensor("half", &[], &[0.25]);
    file.refused(&["`/fc/b` (Erf)", "phew has no operator `Erf`"]);
}

/// The older exporter multiplies a cube together, the newer one takes a power; other programs halve x first.
#[test]
fn gelu_by_a_hyperbolic_tangent_in_pieces_is_one_activation() {
    let root = (2.0 / std::f32::consts::PI).sqrt();
    let cube = [
        vec![node("Mul", &["sum", "sum"], "a"), node("Mul", &["sum", "a"], "b")],
        vec![constant("three", 3.0), node("Pow", &["sum", "three"], "b")],
    ];
    let ends = [
        vec![node("Mul", &["sum", "g"], "h"), node("Mul", &["half", "h"], "y")],
        vec![node("Mul", &["half", "g"], "h"), node("Mul", &["sum", "h"], "y")],
        vec![node("Mul", &["sum", "half"], "h"), node("Mul", &["h", "g"], "y")],
    ];
    let file = |cube: &[Node], end: &[Node], factor: f32, power: &str| {
        let mut file = File::new();
        file.graph().nodes.truncate(2);
        file.graph().nodes.extend(cube.to_vec());
        file.graph().nodes.extend([
            constant("factor", factor),
            constant("root", root),
            constant("one", 1.0),
            constant("half", 0.5),
            node("Mul", &["factor", "b"], "c"),
            node("Add", &[power, "c"], "d"),
            node("Mul", &["root", "d"], "e"),
            node("Tanh", &["e"], "f"),
            node("Add", &["one", "f"], "g"),
        ]);
        file.graph().nodes.extend(end.to_vec());
        file
    };
    for cube in &cube {
        for end in &ends {
            let imported = import(&file(cube, end, 0.044_715, "sum").write()).unwrap();
            let nodes = imported.network.arch().nodes();
            let kinds: Vec<&str> = nodes.iter().map(|node| node.op.kind()).collect();
            assert_eq!(kinds, ["input", "linear", "gelu"]);
            assert_eq!(nodes[2].op, Op::Activation(op::Activation::Gelu { tanh: true }));
        }
    }
    // With another factor it is none: products, or a power that phew does not know.
    let imported = import(&file(&cube[0], &ends[0], 0.05, "sum").write()).unwrap();
    assert_eq!(imported.network.arch().extensions(), ["multiply"]);
    file(&cube[1], &ends[0], 0.05, "sum").refused(&["(Pow)"]);
}

/// Written out, with its numbers as nodes that stand behind where it begins.
#[test]
fn layer_normalisation_in_pieces_is_one_operator() {
    let mut file = File::new();
    let mean = |input: &str, output: &str| Node {
        attributes: vec![Attribute { name: "axes".into(), ints: vec![-1], ..Attribute::default() }],
        ..node("ReduceMean", &[input], output)
    };
    file.graph().tensors.extend([
        tensor("norm.weight", &[2], &[1.5, 0.5]),
        tensor("norm.bias", &[2], &[0.25, 0.0]),
    ]);
    file.graph().nodes.truncate(2);
    file.graph().nodes.extend([
        mean("sum", "a"),
        node("Sub", &["sum", "a"], "b"),
        constant("two", 2.0),
        node("Pow", &["b", "two"], "c"),
        mean("c", "d"),
        constant("eps", 1e-5),
        node("Add", &["d", "eps"], "e"),
        node("Sqrt", &["e"], "f"),
        node("Div", &["b", "f"], "g"),
        node("Mul", &["g", "norm.weight"], "h"),
        node("Add", &["h", "norm.bias"], "y"),
    ]);
    let imported = import(&file.write()).unwrap();
    let arch = imported.network.arch();
    let kinds: Vec<&str> = arch.nodes().iter().map(|node| node.op.kind()).collect();
    assert_eq!(kinds, ["input", "linear", "layer_norm"]);
    let Op::LayerNorm(norm) = &arch.nodes()[2].op else { panic!("a layer normalisation") };
    assert!(norm.affine && norm.shift && norm.eps.total_cmp(&1e-5).is_eq());
    assert_eq!(numbers(&imported.network, "norm.weight"), [1.5, 0.5]);
    // A variance of something else is none.
    file.graph().nodes[6] = mean("b", "d");
    file.refused(&["(Pow)"]);
}

#[test]
fn what_phew_does_not_know_is_named_with_its_node_and_module() {
    let mut file = File::new();
    file.graph().nodes[2] = node("Einsum", &["sum"], "y");
    file.refused(&["net.onnx", "`/fc/y` (Einsum)", "in the model > fc", "docs/operators.md"]);

    let mut file = File::new();
    file.graph().nodes[2].domain = "com.microsoft".into();
    file.refused(&["(Relu)", "the domain `com.microsoft`"]);

    let mut file = File::new();
    file.model.opset_import[0].version = 11;
    file.refused(&["of version 11 of the operators", "opset_version=20"]);

    let mut file = File::new();
    file.graph().inputs[0] = value("x", &[2, 0]);
    file.refused(&["axis 1 of its input `x` has no fixed size"]);

    let mut file = File::new();
    file.graph().nodes[0] = node("DequantizeLinear", &["onnx::MatMul_7"], "w");
    file.graph().nodes.insert(1, node("MatMul", &["x", "w"], "product"));
    file.refused(&["what DequantizeLinear makes of a tensor", "quantised"]);

    let mut file = File::new();
    let softmax = Attribute { name: "axis".into(), int: 7, ..Attribute::default() };
    file.graph().nodes[2] = Node { attributes: vec![softmax], ..node("Softmax", &["sum"], "y") };
    file.refused(&["(Softmax)", "there is no axis 7 of 2"]);
}

/// The convolutions of the file are multiplied by normalisation, and the archive of the model has them as they were.
#[test]
fn weights_that_an_exporter_folded_are_given_as_they_were_by_the_models_own() {
    let networks =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../phew-cli/tests/end_to_end/networks");
    let imported = import(&networks.join("folded.onnx")).unwrap();
    assert!(imported.notes.iter().any(|note| note.contains("--weights")), "{:?}", imported.notes);
    let model = import(&networks.join("gated.pt2")).unwrap().network;
    let (given, notes) = imported.network.with_weights_of(&networks.join("gated.pt2")).unwrap();
    // Biases that folding made are no tensors of the model.
    assert!(notes[0].contains("`conv1.bias`") && notes[0].contains("kept"), "{notes:?}");
    assert_eq!(given.arch().prunable().len(), 5);
    for spec in given.arch().prunable() {
        assert_eq!(given.view(&spec.name), model.view(&spec.name), "{}", spec.name);
        let folded = spec.name.starts_with("conv");
        assert_eq!(imported.network.view(&spec.name) != model.view(&spec.name), folded);
    }
}

/// Whatever is in a file, it is read or refused.
#[test]
fn no_change_of_a_byte_and_no_cut_panics() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../phew-cli/tests/end_to_end/networks/gated.onnx");
    let whole = std::fs::read(path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.onnx");
    let mut state = 1_u64;
    let mut next = |below: usize| {
        // Knuth's multiplier for linear congruences.
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut read = 0;
    for round in 0..1500 {
        let mut bytes = whole.clone();
        for _ in 0..1 + next(4) {
            // Mostly where the graph is: the weights lie behind.
            let place = next(if round % 3 == 0 { bytes.len() } else { 5000.min(bytes.len()) });
            bytes[place] = next(256) as u8;
        }
        if round % 5 == 0 {
            bytes.truncate(next(bytes.len()));
        }
        std::fs::write(&path, bytes).unwrap();
        read += usize::from(import(&path).is_ok());
    }
    assert!(read > 0 && read < 1500, "{read} were read");
}
