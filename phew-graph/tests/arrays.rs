//! Arrays in and out: weights, masks and scores.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use phew_graph::ndarray::{Array1, Array2, ArrayD, CowArray, IxDyn, array, s};
use phew_graph::{
    Arch, ArchBuilder, Extra, GraphError, Init, LayerMask, Mask, Network, Overwrite, Shape,
    TensorId, read_scores, write_scores, zoo,
};

fn arch() -> Arch {
    ArchBuilder::new("net", Shape::Features(3))
        .linear("a", 2)
        .batch_norm("norm")
        .relu("relu")
        .linear_unbiased("b", 4)
        .build()
        .unwrap()
}

type Named = (&'static str, ArrayD<f32>);

/// All that the architecture needs; normalisation is left out.
fn arrays() -> Vec<Named> {
    let counted = |shape: &[usize]| {
        let len = shape.iter().product::<usize>();
        ArrayD::from_shape_vec(IxDyn(shape), (0..len).map(|i| i as f32).collect()).unwrap()
    };
    vec![("b.weight", counted(&[4, 2])), ("a.bias", counted(&[2])), ("a.weight", counted(&[2, 3]))]
}

#[test]
fn owned_arrays_become_a_network_without_a_copy() {
    let arrays = arrays();
    let memory: Vec<*const f32> = arrays.iter().map(|(_, array)| array.as_ptr()).collect();
    let network = Network::from_arrays(arch(), arrays.clone(), Extra::Refuse).unwrap();
    let copied = |w: &&[f32]| !memory.contains(&w.as_ptr());
    assert!(network.weights().iter().all(copied), "a clone is a copy");
    let network = Network::from_arrays(arch(), arrays.clone(), Extra::Refuse).unwrap();
    for (name, array) in &arrays {
        assert_eq!(network.view(name).unwrap(), array);
    }
    let network = Network::from_arrays(arch(), arrays, Extra::Refuse).unwrap();
    let taken: Vec<*const f32> = network.weights().iter().map(|w| w.as_ptr()).collect();
    assert_eq!(taken, [memory[2], memory[0]]);
    // Normalisation that is absent altogether is fresh.
    assert_eq!(network.view("norm.running_var").unwrap(), Array1::<f32>::ones(2).into_dyn());
    let names: Vec<&str> = network.arrays().map(|(name, _)| name).collect();
    assert_eq!(names[..3], ["a.weight", "b.weight", "a.bias"]);
}

#[test]
fn views_slices_and_any_memory_order_give_the_same_network() {
    let plain = Network::from_arrays(arch(), arrays(), Extra::Refuse).unwrap();
    let views = arrays();
    let views = views.iter().map(|(name, array)| (*name, array.view()));
    let viewed = Network::from_arrays(arch(), views, Extra::Refuse).unwrap();
    assert_eq!(viewed.fingerprint(), plain.fingerprint());
    // The weights of `a` column by column, those of `b` as the middle of a longer array.
    let turned = array![[0.0_f32, 3.0], [1.0, 4.0], [2.0, 5.0]].reversed_axes().into_dyn();
    let longer = Array2::from_shape_fn((6, 2), |(i, j)| (2 * i + j) as f32 - 2.0);
    let middle = longer.slice_move(s![1..5, ..]).into_dyn();
    let others = [("a.weight", turned), ("b.weight", middle), ("a.bias", arrays()[1].1.clone())];
    let turned = Network::from_arrays(arch(), others, Extra::Refuse).unwrap();
    assert_eq!(turned.fingerprint(), plain.fingerprint());
    assert_eq!(turned.weights(), plain.weights());
}

#[test]
fn each_fault_of_arrays_is_named() {
    let refuses = |change: &dyn Fn(&mut Vec<Named>), parts: &[&str]| {
        let mut all = arrays();
        change(&mut all);
        let error = Network::from_arrays(arch(), all, Extra::Refuse).unwrap_err().to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{error} lacks one of {parts:?}");
    };
    refuses(&|all| _ = all.pop(), &["missing", "`a.weight`", "`net`"]);
    refuses(
        &|all| all.push(("c.weight", array![1.0].into_dyn())),
        &["`c.weight`", "do not belong"],
    );
    refuses(&|all| all.push(all[0].clone()), &["b.weight", "once"]);
    refuses(&|all| all[2].1 = all[2].1.t().to_owned(), &["`a.weight`", "[3, 2]", "[2, 3]"]);
    refuses(&|all| all[0].1[[1, 0]] = f32::NAN, &["`b.weight`", "NaN", "index 2"]);
    refuses(&|all| all[1].1[[1]] = f32::INFINITY, &["`a.bias`", "inf", "index 1"]);
    let half = ("norm.running_mean", Array1::zeros(2).into_dyn());
    refuses(&|all| all.push(half.clone()), &["missing", "`norm.running_var`"]);
    let mut all = arrays();
    all.push(("c.weight", array![1.0].into_dyn()));
    Network::from_arrays(arch(), all, Extra::Ignore).unwrap();
}

#[test]
fn prunable_weights_are_replaced_by_arrays_of_their_shapes() {
    let network = Network::from_arrays(arch(), arrays(), Extra::Refuse).unwrap();
    let doubled = || {
        network.arch().prunable().iter().map(|s| network.view(&s.name).unwrap().mapv(|w| w * 2.0))
    };
    let twice = network.with_arrays(doubled()).unwrap();
    assert_eq!(twice.view("b.weight").unwrap(), &arrays()[0].1 * 2.0);
    assert_eq!(twice.view("a.bias"), network.view("a.bias"));
    let turned = doubled().map(|array| array.reversed_axes());
    assert!(matches!(network.with_arrays(turned), Err(GraphError::TensorShape { .. })));
    let few = network.with_arrays(doubled().take(1));
    assert!(matches!(few, Err(GraphError::Parameter { .. })));
    let many = network.with_arrays(doubled().chain(doubled()));
    assert!(matches!(many, Err(GraphError::Parameter { .. })));
}

#[test]
fn weights_that_are_drawn_pass_the_check_of_those_that_are_given() {
    // Beyond what f32 holds: some draws are infinite.
    let init = Init::Normal { std: 1e39 };
    let error = Network::initialise(arch(), init, 0).unwrap_err();
    assert!(matches!(error, GraphError::NotFinite { .. }), "{error}");
    assert!(error.to_string().contains("drawn by normal:1"), "{error}");
    // At the edge: the same network is drawn or refused as its values are finite or not.
    let init = Init::Normal { std: 1e38 };
    let spec = zoo::mlp(&[300, 300]).build().unwrap().prunable().first().unwrap().clone();
    assert!(init.sample(&spec, 0).iter().any(|w| w.is_infinite()));
    assert!(Network::initialise(zoo::mlp(&[300, 300]).build().unwrap(), init, 0).is_err());
    Network::initialise(zoo::mlp(&[2, 2]).build().unwrap(), init, 0).unwrap();
}

#[test]
fn masks_come_from_and_go_to_boolean_arrays() {
    let arch = arch();
    let a = array![[true, false, true], [false, false, true]].into_dyn();
    let b = ArrayD::from_shape_fn(IxDyn(&[4, 2]), |at| at[0] == at[1]);
    let mask = Mask::from_arrays(&arch, [("b.weight", b.view()), ("a.weight", a.view())]).unwrap();
    let first = mask.layers().first().unwrap();
    assert_eq!((mask.kept(), first.kept()), (5, 3));
    assert_eq!(first.iter().collect::<Vec<_>>(), [0, 2, 5]);
    let back: Vec<(&str, ArrayD<bool>)> = mask.arrays().collect();
    assert_eq!(back, [("a.weight", a.clone()), ("b.weight", b.clone())]);
    // Any memory order, and a shape that is fixed when compiling.
    let turned = array![[true, false], [false, false], [true, true]];
    assert_eq!(LayerMask::from_array("a.weight", turned.t()), *first);
    let refuses = |arrays: &[(&str, &ArrayD<bool>)], part: &str| {
        let views = arrays.iter().map(|(name, array)| (*name, array.view()));
        let error = Mask::from_arrays(&arch, views).unwrap_err().to_string();
        assert!(error.contains(part), "{error} lacks {part}");
    };
    refuses(&[("a.weight", &a)], "missing `b.weight`");
    refuses(&[("a.weight", &a), ("b.weight", &b), ("c.weight", &b)], "`c.weight`");
    refuses(&[("a.weight", &a), ("b.weight", &b), ("b.weight", &b)], "`b.weight`");
    refuses(&[("a.weight", &b), ("b.weight", &a)], "[4, 2]");
}

#[test]
fn the_fingerprint_of_a_mask_depends_on_bits_names_and_shapes() {
    let of = |name: &str, shape: &[usize], step: usize| {
        let layer = LayerMask::from_fn(name, shape, |i| i % step == 0);
        Mask::from_layers(vec![layer]).fingerprint()
    };
    let first = of("a", &[10, 7], 2);
    assert_eq!(first, of("a", &[10, 7], 2));
    for other in [of("a", &[10, 7], 3), of("b", &[10, 7], 2), of("a", &[7, 10], 2)] {
        assert_ne!(first, other);
    }
    // Written down: run folders hold it.
    assert_eq!(first, "854503b8a1d2a4340c31dd526979c29b5a3ee5f4108ed2dfff67593de845e369");
}

#[test]
fn scores_are_written_from_arrays_or_vectors_and_read_as_arrays() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    let arch = arch();
    let array = |tensor: TensorId| {
        let shape = IxDyn(&arch.prunable()[tensor].shape);
        ArrayD::from_shape_fn(shape, |at| (10 * tensor.index() + 2 * at[0] + at[1]) as f64)
    };
    // An array's numbers are taken row by row whatever its memory order.
    let turned = |tensor| {
        let mut column_wise = array(tensor).t().to_owned();
        column_wise.swap_axes(0, 1);
        column_wise
    };
    let vector = |tensor: TensorId| array(tensor).into_iter().collect::<Vec<f64>>();
    write_scores(&a, &arch, turned, "{}".into(), Overwrite::Refuse).unwrap();
    write_scores(&b, &arch, vector, "{}".into(), Overwrite::Refuse).unwrap();
    assert_eq!(std::fs::read(&a).unwrap(), std::fs::read(&b).unwrap());
    for (tensor, found) in arch.prunable().ids().zip(read_scores(&a, &arch).unwrap()) {
        let greatest = array(tensor).into_iter().fold(0.0, f64::max);
        assert_eq!(found, array(tensor).mapv(|score| (score / greatest) as f32));
    }
}

#[test]
fn arrays_of_either_kind_are_taken_together() {
    let all = arrays();
    let mixed: Vec<(&str, CowArray<'_, f32, IxDyn>)> = vec![
        ("a.weight", all[2].1.view().into()),
        ("a.bias", all[1].1.clone().into()),
        ("b.weight", all[0].1.view().into()),
    ];
    let network = Network::from_arrays(arch(), mixed, Extra::Refuse).unwrap();
    assert_eq!(network.view("b.weight").unwrap(), all[0].1);
}
