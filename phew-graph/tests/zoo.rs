//! The zoo: prunable counts derived by hand, shapes, round trips.

use phew_graph::{Activation, Arch, Op, Shape, zoo};

/// Prunable weights, each count by hand.
#[test]
fn every_prunable_count_is_the_one_worked_out_by_hand() {
    // One 3×3 convolution a → b has 9ab weights.
    for (name, expected) in [
        // 784·300 + 300·100 + 100·10
        ("lenet-300-100", 266_200),
        // normalisation adds nothing to prune: 784·100 + 100·100 + 100·784
        ("mlp-bn-784-100-100-784", 166_800),
        // 25·1·6 + 25·6·16 + 400·120 + 120·84 + 84·10
        ("lenet-5", 150 + 2_400 + 48_000 + 10_080 + 840),
        // 9·(3·64 + 64·128 + 128·256 + 256² + 256·512 + 3·512²) + 512·10
        ("vgg11", 9 * (192 + 8_192 + 32_768 + 65_536 + 131_072 + 786_432) + 5_120),
        // vgg11 and 9·(64² + 128²)
        ("vgg13", 9 * (192 + 8_192 + 32_768 + 65_536 + 131_072 + 786_432 + 4_096 + 16_384) + 5_120),
        // vgg13 and 9·(256² + 2·512²)
        ("vgg16", 9 * (1_044_672 + 65_536 + 524_288) + 5_120),
        // vgg16 and 9·(256² + 2·512²); the count
        ("vgg19", 20_024_000),
        // n blocks a stage: 9·(3·16 + 2n·16² + 16·32 + (2n−1)·32² + 32·64 + (2n−1)·64²) + 16·32 + 32·64 + 640
        ("resnet20", 270_896),
        ("resnet32", 9 * (48 + 10 * 256 + 512 + 9 * 1_024 + 2_048 + 9 * 4_096) + 512 + 2_048 + 640),
        (
            "resnet44",
            9 * (48 + 14 * 256 + 512 + 13 * 1_024 + 2_048 + 13 * 4_096) + 512 + 2_048 + 640,
        ),
        (
            "resnet56",
            9 * (48 + 18 * 256 + 512 + 17 * 1_024 + 2_048 + 17 * 4_096) + 512 + 2_048 + 640,
        ),
        // torchvision's resnet18 has 11,689,512 parameters; without 9,600 of normalisation (4,800 channels,
        // two each) and 1,000 biases
        ("resnet18", 11_689_512 - 9_600 - 1_000),
        // 21,797,672 parameters; 8,512 channels
        ("resnet34", 21_797_672 - 17_024 - 1_000),
        // 25,557,032 parameters; 26,560 channels
        ("resnet50", 25_557_032 - 53_120 - 1_000),
        // resnet18 with a 3×3 instead of a 7×7 stem and 200 classes: −64·3·40 − 512·800
        ("resnet18-modified", 11_678_912 - 7_680 - 409_600),
        ("resnet34-modified", 21_779_648 - 7_680 - 409_600),
        // depth 16, widen 4: stem 432, stages of two blocks at 64, 128, 256, projections, 2,560 at the end
        (
            "wrn-16-4",
            432 + 9
                * (16 * 64 + 3 * 64 * 64 + 64 * 128 + 3 * 128 * 128 + 128 * 256 + 3 * 256 * 256)
                + (16 * 64 + 64 * 128 + 128 * 256)
                + 2_560,
        ),
        // vgg16 and 512·512
        ("vgg2-16", 9 * (1_044_672 + 65_536 + 524_288) + 262_144 + 5_120),
        // depth 14, widen 8: stem 27·128, stages of two blocks at 128, 256 and 512, two projections, 5,120 at the end
        (
            "wrn-14-8",
            3_456
                + 9 * (4 * 16_384 + 32_768 + 3 * 65_536 + 131_072 + 3 * 262_144)
                + (32_768 + 131_072)
                + 5_120,
        ),
        // as resnet20, all widths doubled: twice the stem and the end, four times the rest
        ("wrn-20-2", 4 * (270_896 - 432 - 640) + 2 * 432 + 2 * 640),
        // normalisation adds nothing: 784·100 + 2·100² + 100·784
        ("mlp-bn-out-784-100-100-100-784", 176_800),
        // 784·100 + 5·100² + 100·10
        ("mlp7-relu-100", 129_400),
        ("mlp7-leaky-relu-100", 129_400),
        ("mlp7-linear-100", 129_400),
        ("mlp7-tanh-100", 129_400),
        ("mlp-12-16-16-8", 576),
        // 432; 3×3 to 12 channels from c, c + 12, …, c + 132 with c = 16, 160, 304; 1×1 of 160 and 304; 4,480
        (
            "densenet-40-12",
            432 + 108 * (12 * (16 + 160 + 304) + 3 * 66 * 12) + 160 * 160 + 304 * 304 + 4_480,
        ),
        // one layer a block: 3×3 to 8 channels from 16, 24 and 32; 1×1 of 24 and of 32
        ("densenet-7-8", 432 + 72 * (16 + 24 + 32) + 24 * 24 + 32 * 32 + 400),
    ] {
        let arch = zoo::by_name(name).and_then(|t| t.build()).expect(name);
        assert_eq!(arch.prunable_len(), expected, "{name}");
        assert_eq!(arch.name(), name);
    }
}

#[test]
fn what_follows_a_layer_is_as_the_name_says() {
    let kinds = |name: &str| {
        let arch = zoo::by_name(name).unwrap().build().unwrap();
        let nodes = arch.nodes().iter().map(|node| node.op.kind());
        nodes.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(kinds("mlp-4-3-2"), "input linear relu linear");
    assert_eq!(kinds("mlp-bn-4-3-2"), "input linear batch_norm relu linear");
    assert_eq!(kinds("mlp-bn-out-4-3-2"), "input linear batch_norm relu linear batch_norm relu");
    assert!(kinds("vgg2-16").ends_with("avg_pool flatten linear relu linear"));
    // Normalisation follows the convolutions for D = 6n + 2, and stands before them for D = 6n + 4.
    assert!(kinds("wrn-8-1").contains("conv2d batch_norm add relu"));
    assert!(kinds("wrn-10-1").contains("conv2d add batch_norm relu"));
    let slope = |name: &str| {
        let arch = zoo::by_name(name).unwrap().build().unwrap();
        arch.nodes().iter().find_map(|node| match node.op {
            Op::Activation(Activation::LeakyRelu { slope }) => Some(slope.to_bits()),
            _ => None,
        })
    };
    assert_eq!(slope("mlp7-leaky-relu-5"), Some(0.2_f64.to_bits()));
    assert_eq!(slope("mlp7-relu-5"), None);
}

#[test]
fn wide_resnet_28_10_has_the_36_5_million_parameters_of_its_paper() {
    let arch = zoo::by_name("wrn-28-10").unwrap().build().unwrap();
    let auxiliary: usize = arch
        .auxiliary()
        .iter()
        .filter(|t| !t.name.contains("running"))
        .map(phew_graph::TensorSpec::len)
        .sum();
    let millions = (arch.prunable_len() + auxiliary) as f64 / 1e6;
    assert!((millions - 36.5).abs() < 0.05, "{millions}");
}

/// Huang et al. 2017, table 2: 1.0M; 1,019,722 by PyTorch with the names of torchvision.
#[test]
fn densenet_40_12_has_the_parameters_and_the_names_of_its_pytorch_model() {
    let arch = zoo::by_name("densenet-40-12").unwrap().build().unwrap();
    let parameters = arch.auxiliary().iter().filter(|tensor| !tensor.role.is_buffer());
    let auxiliary: usize = parameters.map(phew_graph::TensorSpec::len).sum();
    assert_eq!(arch.prunable_len() + auxiliary, 1_019_722);
    let shape = |name: &str| {
        let found = arch.prunable().iter().chain(arch.auxiliary()).find(|t| t.name == name);
        found.map(|tensor| &tensor.shape[..])
    };
    assert_eq!(shape("features.conv0.weight"), Some([16, 3, 3, 3].as_slice()));
    let last = "features.denseblock3.denselayer12";
    assert_eq!(shape(&format!("{last}.norm1.running_var")), Some([436].as_slice()));
    assert_eq!(shape(&format!("{last}.conv1.weight")), Some([12, 436, 3, 3].as_slice()));
    assert_eq!(shape("features.transition2.conv.weight"), Some([304, 304, 1, 1].as_slice()));
    assert_eq!(shape("features.norm5.bias"), Some([448].as_slice()));
    assert_eq!(shape("classifier.bias"), Some([10].as_slice()));
}

#[test]
fn input_shape_and_classes_are_parameters() {
    let image = Shape::Image { channels: 3, height: 64, width: 64 };
    for name in concrete() {
        let input = if name.starts_with("mlp-") { Shape::Features(20) } else { image };
        let arch = zoo::by_name(name).unwrap().input(input).classes(37).build().expect(name);
        assert_eq!(arch.input_shape(), input, "{name}");
        assert_eq!(arch.output_shape(), Shape::Features(37), "{name}");
    }
}

#[test]
fn every_network_survives_a_round_trip_through_toml() {
    for name in concrete() {
        let arch = zoo::by_name(name).unwrap().build().unwrap();
        let back = Arch::from_toml(&arch.to_toml(), name).expect(name);
        assert_eq!(arch, back, "{name}");
    }
}

#[test]
fn unknown_names_say_what_there_is() {
    for name in [
        "vgg20",
        "mlp-",
        "mlp-10",
        "mlp-10-0-2",
        "wrn-27-10",
        "densenet-41-12",
        "densenet-40-0",
        "mlp7-tanh-0",
        "mlp7-relu-",
        "mlp-bn-out-7",
        "wrn-2-4",
        "wrn-4-4",
        "vgg2-11",
        "",
    ] {
        let error = zoo::by_name(name).unwrap_err().to_string();
        assert!(error.contains(&format!("`{name}`")) && error.contains("vgg11"), "{error}");
    }
    assert!(zoo::mlp(&[10]).build().is_err());
    assert!(zoo::mlp(&[]).build().is_err());
}

#[test]
fn an_image_too_small_for_the_poolings_is_refused_by_name() {
    let tiny = Shape::Image { channels: 3, height: 4, width: 4 };
    let error = zoo::by_name("vgg19").unwrap().input(tiny).build().unwrap_err().to_string();
    assert!(error.contains("`features.26`") && error.contains("[256, 1, 1]"), "{error}");
}

/// One name of each kind.
fn concrete() -> [&'static str; 25] {
    [
        "mlp-20-7-5",
        "mlp7-linear-10",
        "mlp7-tanh-10",
        "mlp7-relu-10",
        "mlp7-leaky-relu-10",
        "mlp-bn-out-20-7-5",
        "wrn-14-1",
        "vgg2-16",
        "lenet-300-100",
        "lenet-5",
        "vgg11",
        "vgg13",
        "vgg16",
        "vgg19",
        "resnet20",
        "resnet32",
        "resnet44",
        "resnet56",
        "resnet18",
        "resnet34",
        "resnet50",
        "resnet18-modified",
        "resnet34-modified",
        "wrn-10-2",
        "densenet-10-4",
    ]
}

#[test]
fn every_network_that_is_known_is_found_by_its_example() {
    for known in zoo::known() {
        let arch = zoo::by_name(known.example).unwrap().build().unwrap();
        assert_eq!(arch.name(), known.example);
        let family = known.name.contains(char::is_uppercase);
        assert_eq!(known.name == known.example, !family, "{known:?}");
    }
}
