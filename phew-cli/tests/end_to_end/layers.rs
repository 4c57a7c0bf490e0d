//! `--exclude`, `--layer-density`, `--pattern`, `--scores-out`.

use phew_graph::{Mask, TensorId, read_scores, zoo};
use serde_json::Value;

use crate::common::{folder, json, refuses, stdout};

fn kept(report: &Value) -> Vec<(u64, u64)> {
    let number = |layer: &Value, key: &str| layer[key].as_u64().unwrap();
    let layers = report["layers"].as_array().unwrap().iter();
    layers.map(|layer| (number(layer, "kept"), number(layer, "total"))).collect()
}

#[test]
fn layers_are_kept_whole_or_in_part_by_walks_and_by_scores_and_the_total_stays() {
    let folder = folder();
    let at = folder.path();
    for method in ["phew", "magnitude", "synflow", "random-erk"] {
        let line = format!("prune --arch lenet-5 --method {method} --json --force -o m");
        let plain = json(at, &format!("{line} --density 0.1"));
        let whole = json(at, &format!("{line} --density 0.1 --exclude conv1,fc3"));
        let (before, after) = (kept(&plain), kept(&whole));
        assert_eq!((after[0].0, after[4].0), (after[0].1, after[4].1), "{method}");
        assert!(before[0].0 < before[0].1, "{method}");
        let total = |layers: &[(u64, u64)]| layers.iter().map(|(kept, _)| kept).sum::<u64>();
        // Walks are kept whole: a few more than the target.
        assert!((6_147..6_160).contains(&total(&after)), "{method}: {after:?}");
        assert_eq!(whole["parameters"]["layers"], "conv1=1,fc3=1", "{method}");
        assert!(plain["parameters"]["layers"].is_null());

        let shares = "--layer-density fc1=0.02,conv*=0.5";
        let part = json(at, &format!("{line} --density 0.1 {shares}"));
        let layers = kept(&part);
        let share = |layer: usize| layers[layer].0 as f64 / layers[layer].1 as f64;
        assert!((share(0) - 0.5).abs() < 0.01 && (share(1) - 0.5).abs() < 0.01, "{layers:?}");
        assert!((share(2) - 0.02).abs() < 0.001, "{method}: {layers:?}");
        assert!((6_147..6_160).contains(&total(&layers)), "{method}: {layers:?}");
        assert_eq!(part["parameters"]["layers"], "fc1=0.02,conv*=0.5");
    }
}

#[test]
fn shares_that_cannot_be_had_are_refused_with_the_reason() {
    let folder = folder();
    let at = folder.path();
    let line = "prune --arch lenet-5 -o m --density 0.1";
    for method in ["phew", "magnitude"] {
        let line = format!("{line} --method {method}");
        refuses(at, &format!("{line} --exclude fc1"), 2, &["density of at least 0.78"]);
        refuses(at, &format!("{line} --exclude fc9"), 2, &["no layer is called `fc9`", "fc1"]);
        refuses(at, &format!("{line} --layer-density fc1=2"), 2, &["at most 1"]);
        refuses(at, &format!("{line} --layer-density fc1"), 2, &["NAME=SHARE"]);
    }
    refuses(at, &format!("{line} --exclude conv1 --exact"), 2, &["exact"]);
    let bulk = format!("{line} --layer-density fc1=0.1 --engine bulk");
    refuses(at, &bulk, 2, &["not in batches"]);
    refuses(at, &format!("{line} --method top-paths --exclude fc1"), 2, &["not an option"]);
}

#[test]
fn a_pattern_keeps_n_of_each_m_along_the_input_and_nothing_else() {
    let folder = folder();
    let at = folder.path();
    for (method, text, keep, of) in
        [("magnitude", "2:4", 2, 4), ("synflow", "1:3", 1, 3), ("random", "2:4", 2, 4)]
    {
        let line =
            format!("prune --arch lenet-5 --method {method} --pattern {text} --json --force");
        let report = json(at, &format!("{line} --exclude conv1 -o m"));
        assert_eq!(report["parameters"]["pattern"], text);
        assert_eq!(report["density"], f64::from(keep) / f64::from(of));
        let (mask, from) = Mask::load(&at.join("m")).unwrap();
        assert_eq!(from.unwrap().parameters["pattern"], text);
        for layer in mask.layers() {
            if layer.name() == "conv1.weight" {
                assert_eq!(layer.kept(), layer.len());
                continue;
            }
            let (outputs, inputs) = (layer.shape()[0], layer.shape()[1]);
            let kernel: usize = layer.shape()[2..].iter().product();
            for (output, place) in (0..outputs).flat_map(|o| (0..kernel).map(move |k| (o, k))) {
                let bits: Vec<bool> = (0..inputs)
                    .map(|input| layer.get((output * inputs + input) * kernel + place))
                    .collect();
                for group in bits.chunks(of as usize) {
                    let kept = group.iter().filter(|&&kept| kept).count();
                    assert_eq!(kept, group.len().min(keep as usize), "{method} {}", layer.name());
                }
            }
        }
    }
    let line = "prune --arch lenet-5 --method magnitude -o n --pattern";
    refuses(at, &format!("{line} 2:4 --density 0.5"), 2, &["takes none beside it"]);
    refuses(at, &format!("{line} 4:2"), 2, &["0 < N < M"]);
    refuses(at, &format!("{line} 2:4 --allocation erk"), 2, &["beside a pattern"]);
    refuses(at, &format!("{line} 2:4 --layer-density fc1=0.5"), 2, &["--layer-density"]);
    refuses(at, "prune --arch lenet-5 -o n --pattern 2:4", 2, &["not an option of method `phew`"]);
}

#[test]
fn scores_are_written_and_the_mask_keeps_the_greatest() {
    let folder = folder();
    let at = folder.path();
    let line = "prune --arch mlp-20-10-5 --method magnitude --density 0.25 --seeds 1-2";
    stdout(at, &format!("{line} -o m-{{seed}} --scores-out s-{{seed}}"));
    let arch = zoo::by_name("mlp-20-10-5").unwrap().build().unwrap();
    for seed in [1, 2] {
        let (mask, _) = Mask::load(&at.join(format!("m-{seed}"))).unwrap();
        let scores = read_scores(&at.join(format!("s-{seed}")), &arch).unwrap();
        let all = |kept: bool| {
            let tensors = [0, 1].map(TensorId::new);
            let of = |t: TensorId| scores[t.index()].iter().copied().enumerate();
            let mask = &mask;
            tensors.into_iter().flat_map(move |t| {
                of(t).filter(move |(i, _)| mask.layer(t).get(*i) == kept).map(|(_, s)| s)
            })
        };
        // Scores come back relative to the greatest of their tensor, so each tensor is looked at by itself.
        for tensor in [0, 1].map(TensorId::new) {
            let layer = mask.layer(tensor);
            let score = |i: usize| scores[tensor.index()].as_slice().unwrap()[i];
            let least = layer.iter().map(score).fold(f32::INFINITY, f32::min);
            let gone = (0..layer.len()).filter(|&i| !layer.get(i)).map(score);
            assert!(gone.fold(0.0, f32::max) <= least);
        }
        assert_eq!(all(true).count() + all(false).count(), 250);
    }
    let phew = "prune --arch mlp-20-10-5 --density 0.25 -o n --scores-out t";
    refuses(at, phew, 2, &["has no scores", "--per-weight"]);
    refuses(at, &format!("{line} -o n --scores-out s-{{seed}}"), 2, &["s-1", "--force"]);
}
