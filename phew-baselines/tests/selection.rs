//! The selection against a full sort, for distributions that are kind to it and for those that are not.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use phew_baselines::{Counts, Scores, keep_highest};
use phew_graph::{Arch, ByTensor, LayerMask, Mask, TensorId, zoo};
use proptest::prelude::*;

fn arch(widths: &[usize]) -> Arch {
    zoo::mlp(widths).build().unwrap()
}

/// By the tensor's number and the scalar's index.
fn scores_of(arch: &Arch, score: impl Fn(usize, usize) -> f64) -> ByTensor<Vec<f64>> {
    let specs = arch.prunable().iter().enumerate();
    specs.map(|(t, spec)| (0..spec.len()).map(|i| score(t, i)).collect()).collect()
}

/// What the definition says: sort by score, of equal ones the first, and keep so many.
fn by_sorting(scores: &ByTensor<Vec<f64>>, candidates: &Mask, kept: usize) -> Mask {
    let mut all: Vec<(f64, TensorId, usize)> = Vec::new();
    for (t, layer) in candidates.layers().with_ids() {
        all.extend(layer.iter().map(|i| (scores[t][i], t, i)));
    }
    all.sort_by(|a, b| b.0.partial_cmp(&a.0).unwrap().then((a.1, a.2).cmp(&(b.1, b.2))));
    let empty = |layer: &LayerMask| LayerMask::empty(layer.name(), layer.shape());
    let mut mask = Mask::from_layers(candidates.layers().iter().map(empty).collect());
    for &(_, t, i) in all.iter().take(kept) {
        mask.layer_mut(t).insert(i);
    }
    mask
}

fn check(arch: &Arch, scores: &ByTensor<Vec<f64>>, candidates: &Mask, kept: usize) {
    let lazy = Scores::from_fn(|t, i| scores[t][i]);
    let found = keep_highest(&lazy, candidates, &Counts::Global(kept)).unwrap();
    assert!(found == by_sorting(scores, candidates, kept), "{} kept {kept}", arch.name());
    assert_eq!(found.kept(), kept.min(candidates.kept()));
}

fn mix(i: u64) -> u64 {
    let mut x = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb) >> 11
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn small_networks_keep_what_a_sort_keeps(
        seed in any::<u64>(), values in 1u64..40, kept in 0usize..300, pruned in 0u64..4,
    ) {
        let arch = arch(&[7, 13, 11]);
        let score = |t: usize, i: usize| (mix(seed ^ (1000 * t + i) as u64) % values) as f64 - 3.0;
        let scores = scores_of(&arch, score);
        let layers = arch.prunable().iter().enumerate().map(|(t, s)| {
            let keep = |i: usize| mix(!seed ^ (t * 500 + i) as u64) % 4 >= pruned;
            LayerMask::from_fn(&s.name, &s.shape, keep)
        });
        check(&arch, &scores, &Mask::from_layers(layers.collect()), kept);
    }
}

#[test]
fn large_networks_keep_what_a_sort_keeps_whatever_the_distribution() {
    // 1.3 million scores: enough for the sample to be thinner than the scores.
    let arch = arch(&[1000, 1200, 100]);
    let dense = Mask::dense(&arch);
    type Law = fn(usize, usize) -> f64;
    let laws: [(&str, Law); 6] = [
        ("uniform", |t, i| mix((t * 10_000_000 + i) as u64) as f64),
        ("sorted", |t, i| (t * 10_000_000 + i) as f64),
        ("falling", |t, i| -((t * 10_000_000 + i) as f64)),
        ("equal", |_, _| 0.25),
        ("few values", |t, i| (mix((t * 7 + i) as u64) % 5) as f64),
        ("spikes between runs of zeros", |t, i| if i % 4096 == 77 { (t + i) as f64 } else { -0.0 }),
    ];
    for (name, law) in laws {
        let scores = scores_of(&arch, law);
        for kept in [1, 200, 66_000, 700_001, 1_319_999] {
            println!("{name} {kept}");
            check(&arch, &scores, &dense, kept);
        }
    }
}

#[test]
fn infinite_scores_are_the_greatest_and_the_least() {
    let arch = arch(&[3, 4]);
    let mut scores = vec![0.5; 12];
    (scores[3], scores[8], scores[9]) = (f64::INFINITY, f64::NEG_INFINITY, f64::INFINITY);
    let scores = vec![scores].into();
    for kept in 0..=12 {
        check(&arch, &scores, &Mask::dense(&arch), kept);
    }
}

#[test]
fn a_nan_is_named_with_its_tensor_and_index() {
    let arch = arch(&[3, 4, 5]);
    let bad = TensorId::new(1);
    let scores = Scores::from_fn(|t, i| if (t, i) == (bad, 7) { f64::NAN } else { 1.0 });
    let error = keep_highest(&scores, &Mask::dense(&arch), &Counts::Global(4)).unwrap_err();
    assert!(error.to_string().contains("`fc2.weight` at flat index 7"), "{error}");
    let mut without = Mask::dense(&arch);
    without.layer_mut(bad).remove(7);
    assert!(keep_highest(&scores, &without, &Counts::Global(4)).is_ok());
}

#[test]
fn one_thread_and_four_keep_the_same() {
    let arch = arch(&[1000, 1200, 100]);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let scores = Scores::from_fn(|t, i| (mix((t.index() + 3 * i) as u64) % 100_000) as f64);
            keep_highest(&scores, &Mask::dense(&arch), &Counts::Global(123_456)).unwrap()
        })
    };
    assert!(run(1) == run(4));
}

#[test]
fn per_tensor_and_global_are_the_same_for_one_tensor() {
    let arch = arch(&[40, 50]);
    let scores = Scores::from_fn(|_, i| (mix(i as u64) % 700) as f64);
    let dense = Mask::dense(&arch);
    let global = keep_highest(&scores, &dense, &Counts::Global(123)).unwrap();
    let per_tensor = keep_highest(&scores, &dense, &Counts::PerTensor(vec![123])).unwrap();
    assert!(global == per_tensor);
}
