//! Archives of `torch.export.save`, made here entry by entry: what is read from them, and what is refused with what to do.
//!
//! Archives that PyTorch writes itself are read by phew-train's tests, which have it.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::io::Write;
use std::path::{Path, PathBuf};

use phew_graph::{
    Extra, GraphError, Network, Overwrite, TensorFile, import, import_arch, write_arrays,
};
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A model `relu(fc(x))`, as a program and its weights, to be changed before it is written.
struct Model {
    folder: tempfile::TempDir,
    program: Value,
    weights: Value,
    /// Entries besides those, by name.
    entries: Vec<(String, Vec<u8>)>,
}

/// Shape, layout and type of a tensor in the schema.
fn meta(dtype: u32, sizes: &[usize], strides: &[usize], offset: usize) -> Value {
    let ints = |sizes: &[usize]| sizes.iter().map(|n| json!({ "as_int": n })).collect::<Vec<_>>();
    json!({
        "dtype": dtype, "sizes": ints(sizes), "strides": ints(strides), "requires_grad": true,
        "device": { "type": "cpu" }, "storage_offset": { "as_int": offset }, "layout": 7,
    })
}

fn tensor(name: &str) -> Value {
    json!({ "as_tensor": { "name": name } })
}

/// A call of an operator of `ATen` within the module `fc`.
fn call(operator: &str, arguments: &[(&str, Value)], output: &str) -> Value {
    let inputs: Vec<Value> = arguments
        .iter()
        .map(|(name, arg)| json!({ "name": name, "arg": arg, "kind": 1 }))
        .collect();
    let stack = "L__self__,,model.Net;L__self___fc,fc,torch.nn.modules.linear.Linear";
    json!({
        "target": format!("torch.ops.aten.{operator}"), "inputs": inputs, "outputs": [tensor(output)],
        "metadata": { "nn_module_stack": stack },
    })
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// The values of `fc.weight`, 2×3.
const WEIGHT: [f32; 6] = [1.0, -2.0, 3.0, 0.5, 0.25, -0.125];

impl Model {
    fn new() -> Self {
        let input = |kind: &str, value: &str, field: &str, name: &str| json!({ kind: { "arg": { "name": value }, field: name } });
        let linear = [("input", tensor("x")), ("weight", tensor("p_w")), ("bias", tensor("p_b"))];
        let program = json!({
            "graph_module": {
                "graph": {
                    "inputs": [], "outputs": [],
                    "nodes": [
                        call("linear.default", &linear, "linear"),
                        call("relu.default", &[("self", tensor("linear"))], "relu"),
                    ],
                    "tensor_values": {
                        "x": meta(7, &[4, 3], &[3, 1], 0),
                        "p_w": meta(7, &[2, 3], &[3, 1], 0),
                        "p_b": meta(7, &[2], &[1], 0),
                        "linear": meta(7, &[4, 2], &[2, 1], 0),
                        "relu": meta(7, &[4, 2], &[2, 1], 0),
                    },
                },
                "signature": {
                    "input_specs": [
                        input("parameter", "p_w", "parameter_name", "fc.weight"),
                        input("parameter", "p_b", "parameter_name", "fc.bias"),
                        { "user_input": { "arg": tensor("x") } },
                    ],
                    "output_specs": [{ "user_output": { "arg": tensor("relu") } }],
                },
            },
            "schema_version": { "major": 8, "minor": 17 },
            "torch_version": "2.11.0",
        });
        let payload = |path: &str, meta: Value| json!({ "path_name": path, "is_param": true, "use_pickle": false, "tensor_meta": meta });
        let weights = json!({ "config": {
            "fc.weight": payload("weight_0", meta(7, &[2, 3], &[3, 1], 0)),
            "fc.bias": payload("weight_1", meta(7, &[2], &[1], 0)),
        } });
        let entries = vec![
            ("archive_format".to_owned(), b"pt2".to_vec()),
            ("data/weights/weight_0".to_owned(), bytes(&WEIGHT)),
            ("data/weights/weight_1".to_owned(), bytes(&[0.0, 7.0])),
        ];
        Self { folder: tempfile::tempdir().unwrap(), program, weights, entries }
    }

    fn nodes(&mut self) -> &mut Vec<Value> {
        self.program["graph_module"]["graph"]["nodes"].as_array_mut().unwrap()
    }

    fn set_entry(&mut self, name: &str, bytes: Vec<u8>) {
        self.entries.retain(|(other, _)| other != name);
        self.entries.push((name.to_owned(), bytes));
    }

    /// Writes the archive as PyTorch does: entries as they are, in a folder that is called after the file, each aligned.
    fn write(&self) -> PathBuf {
        let path = self.folder.path().join("net.pt2");
        let mut zip = ZipWriter::new(std::fs::File::create(&path).unwrap());
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .with_alignment(64);
        let json = [
            ("models/model.json".to_owned(), serde_json::to_vec(&self.program).unwrap()),
            (
                "data/weights/model_weights_config.json".to_owned(),
                serde_json::to_vec(&self.weights).unwrap(),
            ),
        ];
        for (name, bytes) in json.iter().chain(&self.entries) {
            zip.start_file(format!("net/{name}"), options).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap();
        path
    }

    fn refused(&self) -> String {
        import(&self.write()).unwrap_err().to_string()
    }
}

fn values(path: &Path, name: &str) -> Vec<f32> {
    TensorFile::open(path).unwrap().array(name).unwrap().into_iter().collect()
}

#[test]
fn architecture_and_weights_come_from_one_file_under_the_state_dicts_names() {
    let model = Model::new();
    let path = model.write();
    let imported = import(&path).unwrap();
    let arch = imported.network.arch();
    assert_eq!(arch.name(), "net");
    assert_eq!((arch.input_shape().sizes(), arch.output_shape().sizes()), (vec![3], vec![2]));
    let names: Vec<&str> = arch.nodes().iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["input", "fc", "relu"]);
    assert_eq!(imported.notes, Vec::<String>::new());
    assert_eq!(imported.network.view("fc.weight").unwrap().as_slice(), Some(&WEIGHT[..]));
    assert_eq!(imported.network.view("fc.bias").unwrap().as_slice(), Some(&[0.0, 7.0][..]));
    // The archive is a file of weights as well, of the same architecture written down.
    let again = phew_graph::Arch::from_toml(&arch.to_toml(), "toml").unwrap();
    assert_eq!(&again, arch.as_ref());
    assert!(Network::load(&path, again, Extra::Refuse).is_ok());
}

#[test]
fn weights_in_any_layout_and_float_type_are_read() {
    let mut model = Model::new();
    // Column by column, behind a scalar of something else.
    model.weights["config"]["fc.weight"]["tensor_meta"] = meta(7, &[2, 3], &[1, 2], 1);
    model.set_entry("data/weights/weight_0", bytes(&[9.0, 1.0, 0.5, -2.0, 0.25, 3.0, -0.125]));
    assert_eq!(values(&model.write(), "fc.weight"), WEIGHT);
    let halves = [0x3c00_u16, 0xc000, 0x4200, 0x3800, 0x3400, 0xb000];
    let brains = [0x3f80_u16, 0xc000, 0x4040, 0x3f00, 0x3e80, 0xbe00];
    let doubles: Vec<u8> = WEIGHT.iter().flat_map(|&w| f64::from(w).to_le_bytes()).collect();
    let short = |values: [u16; 6]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>();
    for (dtype, bytes) in [(6, short(halves)), (13, short(brains)), (8, doubles)] {
        let mut model = Model::new();
        model.weights["config"]["fc.weight"]["tensor_meta"] = meta(dtype, &[2, 3], &[3, 1], 0);
        model.set_entry("data/weights/weight_0", bytes);
        let imported = import(&model.write()).unwrap();
        assert_eq!(imported.network.view("fc.weight").unwrap().as_slice(), Some(&WEIGHT[..]));
        assert!(imported.notes[0].contains("taken as F32"), "{:?}", imported.notes);
    }
}

#[test]
fn an_operator_that_is_not_known_is_named_with_its_module_and_what_to_do() {
    let mut model = Model::new();
    model.nodes()[1] = call("fft_fft.default", &[("self", tensor("linear"))], "relu");
    let error = model.refused();
    for part in [
        "net.pt2",
        "`relu` (fft_fft.default)",
        "the model (Net) > fc (Linear)",
        "docs/operators.md",
    ] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn what_no_output_needs_is_left_out_with_a_word() {
    let mut model = Model::new();
    let linear = [("input", tensor("x")), ("weight", tensor("p_a"))];
    let node = call("linear.default", &linear, "aside");
    model.nodes().push(node);
    let graph = &mut model.program["graph_module"];
    graph["graph"]["tensor_values"]["p_a"] = meta(7, &[5, 3], &[3, 1], 0);
    graph["graph"]["tensor_values"]["aside"] = meta(7, &[4, 5], &[5, 1], 0);
    let spec = json!({ "parameter": { "arg": { "name": "p_a" }, "parameter_name": "aux.weight" } });
    graph["signature"]["input_specs"].as_array_mut().unwrap().push(spec);
    model.weights["config"]["aux.weight"] = json!({
        "path_name": "weight_2", "is_param": true, "use_pickle": false,
        "tensor_meta": meta(7, &[5, 3], &[3, 1], 0),
    });
    model.set_entry("data/weights/weight_2", bytes(&[0.0; 15]));
    let (arch, notes) = import_arch(&model.write()).unwrap();
    assert_eq!(arch.prunable_len(), 6);
    assert_eq!(notes, ["no output depends on `aux.weight`: left out"]);
}

/// A square weight, which two layers read: under its name, or under another.
fn used_twice(again: &str) -> Model {
    let mut model = Model::new();
    let graph = &mut model.program["graph_module"]["graph"];
    for value in ["x", "linear", "relu"] {
        graph["tensor_values"][value] = meta(7, &[4, 2], &[2, 1], 0);
    }
    for weight in ["p_w", "p_again"] {
        graph["tensor_values"][weight] = meta(7, &[2, 2], &[2, 1], 0);
    }
    let twice = [("input", tensor("linear")), ("weight", tensor(again))];
    model.nodes()[1] = call("linear.default", &twice, "relu");
    let spec =
        json!({ "parameter": { "arg": { "name": "p_again" }, "parameter_name": "again.weight" } });
    let specs = &mut model.program["graph_module"]["signature"]["input_specs"];
    specs.as_array_mut().unwrap().push(spec);
    model.weights["config"]["fc.weight"]["tensor_meta"] = meta(7, &[2, 2], &[2, 1], 0);
    model.weights["config"]["again.weight"] = model.weights["config"]["fc.weight"].clone();
    model
}

#[test]
fn a_weight_that_is_used_twice_is_one_under_the_first_of_its_names() {
    for again in ["p_w", "p_again"] {
        let imported = import(&used_twice(again).write()).unwrap();
        let arch = imported.network.arch();
        let [weight] = arch.prunable().as_slice() else { panic!("{again}: {arch}") };
        assert_eq!((weight.name.as_str(), weight.nodes.len()), ("fc.weight", 2), "{again}");
        assert_eq!(imported.network.weights().as_slice()[0], &WEIGHT[..4]);
        assert!(imported.notes.is_empty(), "{again}: {:?}", imported.notes);
    }
}

#[test]
fn a_weight_that_is_anothers_with_its_axes_exchanged_is_refused_by_both_names() {
    let mut model = used_twice("p_again");
    model.weights["config"]["again.weight"]["tensor_meta"] = meta(7, &[2, 2], &[1, 2], 0);
    let error = model.refused();
    assert!(error.contains("`fc.weight` and `again.weight`"), "{error}");
}

#[test]
fn archives_of_other_layouts_and_versions_are_refused_with_what_to_do() {
    let mut model = Model::new();
    model.program["schema_version"]["major"] = json!(9);
    assert!(model.refused().contains("version 9 of the schema, expected version 8"));

    let mut model = Model::new();
    model.set_entry("data/weights/model.pt", vec![1]);
    assert!(model.refused().contains("a pickle, as torch 2.8 wrote them"));

    let mut model = Model::new();
    model.set_entry("models/other.json", b"{}".to_vec());
    assert!(model.refused().contains("several programs, model, other"));

    let mut model = Model::new();
    model.weights["config"]["fc.weight"]["use_pickle"] = json!(true);
    assert!(model.refused().contains("`fc.weight` is a pickle"));

    let mut model = Model::new();
    model.set_entry("data/weights/weight_0", bytes(&WEIGHT[..5]));
    assert!(model.refused().contains("`fc.weight` lies outside its entry"));

    // Strides of 0 repeat a scalar: a few bytes would become any number of them.
    let mut model = Model::new();
    let most = 1_usize << 40;
    model.weights["config"]["fc.weight"]["tensor_meta"] = meta(7, &[most, 2], &[0, 0], 0);
    let error = model.refused();
    assert!(error.contains("repeats its scalars to 2199023255552, expected at most"), "{error}");
    model.weights["config"]["fc.weight"]["tensor_meta"] = meta(7, &[most, most, 2], &[0, 0, 0], 0);
    assert!(model.refused().contains("`fc.weight` lies outside its entry"));

    // The layout of torch 2.7, and what torch.save writes.
    let folder = tempfile::tempdir().unwrap();
    for (entry, part) in [
        ("serialized_exported_program.json", "torch 2.7 or older"),
        ("net/data.pkl", "what torch.save or torch.jit.save writes"),
    ] {
        let path = folder.path().join("old.pt2");
        let mut zip = ZipWriter::new(std::fs::File::create(&path).unwrap());
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        zip.start_file(entry, stored).unwrap();
        zip.finish().unwrap();
        let error = import(&path).unwrap_err().to_string();
        assert!(error.contains(part) && error.contains("torch.export.save"), "{error}");
    }
    let path = folder.path().join("text.pt2");
    std::fs::write(&path, "no archive").unwrap();
    assert!(import(&path).unwrap_err().to_string().contains("is no archive of PyTorch's exports"));
    // Cut off: the directory of a zip stands at its end.
    let model = Model::new();
    let whole = std::fs::read(model.write()).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert!(import(&path).unwrap_err().to_string().contains("not a whole zip archive"));
}

#[test]
fn networks_that_phew_has_no_words_for_are_refused() {
    let mut model = Model::new();
    let spec = json!({ "user_input": { "arg": tensor("y") } });
    let graph = &mut model.program["graph_module"];
    graph["signature"]["input_specs"].as_array_mut().unwrap().push(spec);
    graph["graph"]["tensor_values"]["y"] = meta(7, &[4, 2], &[2, 1], 0);
    model.nodes()[1] =
        call("add.Tensor", &[("self", tensor("linear")), ("other", tensor("y"))], "relu");
    assert!(model.refused().contains("it reads the inputs `x`, `y`"));

    let mut model = Model::new();
    model.program["graph_module"]["graph"]["tensor_values"]["x"] = meta(5, &[4, 3], &[3, 1], 0);
    assert!(model.refused().contains("`x` holds whole numbers"));

    // A reshape across samples, and a shape that PyTorch would not have.
    let mut model = Model::new();
    model.nodes()[1] = call("view.default", &[("self", tensor("linear"))], "relu");
    model.program["graph_module"]["graph"]["tensor_values"]["relu"] = meta(7, &[8], &[1], 0);
    assert!(
        model.refused().contains("no axes of its own for batch and units"),
        "{}",
        model.refused()
    );
}

#[test]
fn an_index_of_shards_is_one_file_of_tensors() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let one = phew_graph::ndarray::array![[1.0_f32, 2.0]].into_dyn();
    let two = phew_graph::ndarray::array![3.0_f32].into_dyn();
    for (file, name, array) in
        [("a.safetensors", "fc.weight", &one), ("b.safetensors", "fc.bias", &two)]
    {
        write_arrays(&path(file), [(name, array.view())], None, Overwrite::Refuse).unwrap();
    }
    let index = |bias: &str| {
        let map = json!({ "metadata": {}, "weight_map": { "fc.weight": "a.safetensors", "fc.bias": bias } });
        std::fs::write(path("model.safetensors.index.json"), map.to_string()).unwrap();
        TensorFile::open(&path("model.safetensors.index.json"))
    };
    let file = index("b.safetensors").unwrap();
    assert_eq!(file.names(), ["fc.bias", "fc.weight"]);
    assert_eq!((file.array("fc.weight").unwrap(), file.array("fc.bias").unwrap()), (one, two));
    assert!(
        matches!(index("a.safetensors"), Err(GraphError::Absent { name, .. }) if name == "fc.bias")
    );
    let missing = index("c.safetensors").unwrap_err();
    assert!(matches!(missing, GraphError::Io { .. }));
    let missing = missing.to_string();
    assert!(
        missing.contains("c.safetensors: ") && missing.contains("a shard that the index "),
        "{missing}"
    );
    let elsewhere = index("../b.safetensors").unwrap_err().to_string();
    assert!(elsewhere.contains("expected a safetensors file beside the index"), "{elsewhere}");
}
