//! The algebra of masks, against sets.

use std::collections::BTreeSet;

use phew_graph::{LayerMask, Mask, kept_at};
use proptest::prelude::*;

fn mask(kept: &[BTreeSet<usize>; 2]) -> Mask {
    let layer = |name, shape: &[usize], kept: &BTreeSet<usize>| {
        LayerMask::from_fn(name, shape, |i| kept.contains(&i))
    };
    Mask::from_layers(vec![layer("a", &[10, 7], &kept[0]), layer("b", &[128], &kept[1])])
}

fn sets() -> impl Strategy<Value = [BTreeSet<usize>; 2]> {
    let set = |n: usize| proptest::collection::btree_set(0..n, 0..=n);
    (set(70), set(128)).prop_map(|(a, b)| [a, b])
}

proptest! {
    #[test]
    fn masks_are_sets(a in sets(), b in sets()) {
        let (x, y) = (mask(&a), mask(&b));
        prop_assert_eq!(x.and(&y).unwrap(), mask(&[&a[0] & &b[0], &a[1] & &b[1]]));
        prop_assert_eq!(x.or(&y).unwrap(), mask(&[&a[0] | &b[0], &a[1] | &b[1]]));
        prop_assert_eq!(x.not().kept(), 198 - x.kept());
        prop_assert_eq!(x.not().not(), x.clone());
        prop_assert_eq!(x.is_subset(&x.or(&y).unwrap()).unwrap(), true);
        prop_assert_eq!(x.is_subset(&y).unwrap(), a[0].is_subset(&b[0]) && a[1].is_subset(&b[1]));
        let (both, either) = (x.and(&y).unwrap().kept(), x.or(&y).unwrap().kept());
        let jaccard = if either == 0 { 1.0 } else { both as f64 / either as f64 };
        prop_assert!((x.jaccard(&y).unwrap() - jaccard).abs() < 1e-15);
        prop_assert_eq!(x.layers().first().unwrap().iter().collect::<BTreeSet<_>>(), a[0].clone());
        prop_assert_eq!(x.kept(), a[0].len() + a[1].len());
    }

    #[test]
    fn counts_follow_every_change(changes in proptest::collection::vec((0..70usize, any::<bool>()), 0..200)) {
        let mut layer = LayerMask::empty("a", &[70]);
        let mut set = BTreeSet::new();
        for (index, keep) in changes {
            if keep {
                prop_assert_eq!(layer.insert(index), set.insert(index));
            } else {
                prop_assert_eq!(layer.remove(index), set.remove(&index));
            }
            prop_assert_eq!(layer.kept(), set.len());
        }
        for start in 0..70 {
            let bits = (0..64).fold(0u64, |b, i| b | u64::from(set.contains(&(start + i))) << i);
            prop_assert_eq!(layer.bits(start), bits);
        }
        prop_assert_eq!(LayerMask::from_words("a", &[70], layer.words().to_vec()), layer);
    }
}

#[test]
fn masks_of_different_networks_do_not_mix() {
    let a = Mask::from_layers(vec![LayerMask::dense("a", &[3])]);
    for other in [LayerMask::dense("b", &[3]), LayerMask::dense("a", &[3, 1])] {
        let b = Mask::from_layers(vec![other]);
        assert!(a.and(&b).is_err() && a.jaccard(&b).is_err() && a.is_subset(&b).is_err());
    }
    assert!(a.or(&Mask::from_layers(vec![])).is_err());
}

#[test]
fn the_kept_count_is_the_floor_of_the_product() {
    assert_eq!(kept_at(0.3, 1210).unwrap(), 363);
    assert_eq!(kept_at(0.3, 576).unwrap(), 172);
    assert_eq!(kept_at(0.29, 100).unwrap(), 29);
    assert_eq!(kept_at(1.0, 7).unwrap(), 7);
    assert_eq!(kept_at(0.05, 20_024_000).unwrap(), 1_001_200);
    for density in [0.0, -0.1, 1.5, f64::NAN, f64::INFINITY, 1e-9] {
        let error = kept_at(density, 100).unwrap_err().to_string();
        assert!(error.contains("density"), "{error}");
    }
}
