//! `phew run` and `phew bench`, end to end.

use phew_graph::ndarray::{Array2, ArrayD, Axis};
use phew_graph::{Mask, TensorFile, write_arrays};

use crate::common::{json, refuses, stdout};

const ARCH: &str = "--arch mlp-30-40-10";

/// A folder with weights `w`, a mask `m` and five inputs `x`.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    stdout(at, &format!("init {ARCH} -o w.safetensors"));
    stdout(at, &format!("prune {ARCH} --density 0.1 --weights w.safetensors -o m.safetensors"));
    let x = Array2::from_shape_fn((5, 30), |(n, i)| ((n * 7 + i * 3) % 11) as f32 / 5.0 - 1.0);
    let arrays = [("x", x.view().into_dyn())];
    write_arrays(&at.join("x.safetensors"), arrays, None, phew_graph::Overwrite::Refuse).unwrap();
    folder
}

#[test]
fn a_network_is_run_under_its_mask() {
    let folder = folder();
    let at = folder.path();
    let line = format!(
        "run {ARCH} --weights w.safetensors --mask m.safetensors --inputs x.safetensors -o y.safetensors --json"
    );
    let report = json(at, &line);
    assert_eq!(report["kept"], 160);
    assert_eq!(report["shape"], serde_json::json!([5, 10]));
    let file = |name: &str| TensorFile::open(&at.join(name)).unwrap();
    let array = |file: &TensorFile, name: &str| -> ArrayD<f64> {
        file.array(name).unwrap().mapv(f64::from)
    };
    let (weights, mask) = (file("w.safetensors"), Mask::load(&at.join("m.safetensors")).unwrap().0);
    let kept = |layer: usize| {
        let layer = mask.layers().as_slice().get(layer).unwrap();
        let weights = array(&weights, layer.name());
        let kept = layer.to_array().mapv(|kept| f64::from(u8::from(kept)));
        (weights * kept).into_dimensionality::<phew_graph::ndarray::Ix2>().unwrap()
    };
    let (first, second) = (kept(0), kept(1));
    let (inputs, outputs) =
        (array(&file("x.safetensors"), "x"), array(&file("y.safetensors"), "output"));
    for (x, y) in inputs.axis_iter(Axis(0)).zip(outputs.axis_iter(Axis(0))) {
        let x = x.into_dimensionality::<phew_graph::ndarray::Ix1>().unwrap();
        let wanted = second.dot(&first.dot(&x).mapv(|h| h.max(0.0)));
        for (found, wanted) in y.iter().zip(&wanted) {
            assert!((found - wanted).abs() < 1e-5, "{found} {wanted}");
        }
    }
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let folder = folder();
    let at = folder.path();
    let line = "--weights w.safetensors --inputs x.safetensors -o y.safetensors";
    let line = format!("run {ARCH} {line} --tensor z");
    refuses(at, &line, 2, &["x.safetensors: no tensor `z`; it has x"]);
    let other = "run --arch mlp-31-10 --inputs x.safetensors -o y.safetensors";
    refuses(at, other, 2, &["shape of the inputs is [5, 30]"]);
    assert!(!at.join("y.safetensors").exists());
}

#[test]
fn a_benchmark_says_what_each_layer_costs() {
    let folder = folder();
    let line = format!("bench {ARCH} --mask m.safetensors --batch 1,3 --seconds 0.01");
    let report = json(folder.path(), &format!("{line} --json"));
    let layers = report["layers"].as_array().unwrap();
    let sum = |key: &str| layers.iter().map(|layer| layer[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("multiply_adds"), sum("multiply_adds_dense")), (160, 1600));
    assert_eq!(report["speeds"].as_array().unwrap().len(), 2);
    assert!(report["speeds"][1]["sparse"].as_f64().unwrap() > 0.0);
    let libtorch = report["speeds"][1]["libtorch"].as_f64();
    assert_eq!(libtorch.is_some_and(|speed| speed > 0.0), cfg!(feature = "train"));
    let text = stdout(folder.path(), &line);
    assert!(text.contains("160 of 1,600 multiply-adds"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}
