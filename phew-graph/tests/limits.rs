//! Sizes whose products would wrap are refused, by operator, field, value and maximum.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use phew_graph::op::Linear;
use phew_graph::{
    Activation, Arch, ArchBuilder, Conv2d, GraphError, MAX_MULTIPLY_ADDS, MAX_SCALARS, Pool, Shape,
    TensorId, zoo,
};

const MOST: &str = "at most 1099511627776";

fn says(result: Result<Arch, GraphError>, parts: &[&str]) {
    let error = result.unwrap_err().to_string();
    assert!(parts.iter().all(|p| error.contains(p)), "{error} lacks one of {parts:?}");
}

fn features(n: usize) -> ArchBuilder {
    ArchBuilder::new("test", Shape::Features(n))
}

fn image(channels: usize, side: usize) -> ArchBuilder {
    ArchBuilder::new("test", Shape::Image { channels, height: side, width: side })
}

#[test]
fn the_maximum_is_said_in_the_messages() {
    assert_eq!(format!("at most {MAX_SCALARS}"), MOST);
    assert_eq!(MAX_SCALARS, 1 << 40);
    assert_eq!(MAX_MULTIPLY_ADDS, 1 << 60);
}

#[test]
fn a_weight_whose_scalars_wrap_is_refused() {
    let wide = 1 << 32;
    says(
        features(wide).linear("fc", wide).build(),
        &["`fc`", "weight is [4294967296, 4294967296]", MOST],
    );
    // 2²⁴ · 2¹⁰ · 2¹⁵ · 2¹⁵ is 0 modulo 2⁶⁴.
    let side = 1 << 15;
    let huge = image(1 << 10, side).conv("c", Conv2d::new(1 << 24, side)).build();
    says(huge, &["`c`", "weight is [16777216, 1024, 32768, 32768]", MOST]);
}

#[test]
fn every_size_of_an_operator_has_a_maximum() {
    let (max, half) = (usize::MAX, 1 << 63);
    says(features(3).linear("fc", max).build(), &["`fc`", "out is 18446744073709551615", MOST]);
    let conv = |conv| image(2, 4).conv("c", conv).build();
    says(conv(Conv2d::new(max, 1)), &["`c`", "out is 18446744073709551615", MOST]);
    says(conv(Conv2d::new(2, 1).padding(half)), &["`c`", "padding is 9223372036854775808", MOST]);
    says(conv(Conv2d::new(2, half)), &["`c`", "kernel is 9223372036854775808", MOST]);
    says(conv(Conv2d::new(2, 1).stride(max)), &["`c`", "stride is 18446744073709551615", MOST]);
    let pool = |pool| image(2, 4).max_pool("p", pool).flatten("f").linear("fc", 1).build();
    says(pool(Pool::new(half)), &["`p`", "kernel is 9223372036854775808", MOST]);
    says(pool(Pool::new(2).stride(max)), &["`p`", "stride is 18446744073709551615", MOST]);
    says(pool(Pool::new(max).padding(half - 1)), &["`p`", "is 18446744073709551615", MOST]);
}

#[test]
fn maps_whose_scalars_wrap_are_refused() {
    let shape = "[4294967296, 4294967296, 4294967296]";
    says(image(1 << 32, 1 << 32).flatten("f").linear("fc", 1).build(), &["`input`", shape, MOST]);
    says(features(usize::MAX / 2).linear("fc", 1).build(), &["`input`", "[9223372036854775807]"]);
    let parts = vec!["f"; 2];
    let twice = features(1 << 40).activation("f", Activation::Relu).concat("cat", &parts);
    says(twice.linear("fc", 1).build(), &["`cat`", "[2199023255552]", MOST]);
    // Its padding alone makes the output 2⁴¹ × 2⁴¹.
    let padded = Conv2d::new(1, 1).padding(1 << 40);
    says(image(1, 1).conv("c", padded).build(), &["`c`", "2199023255553", MOST]);
}

#[test]
fn tensors_that_are_too_much_together_are_refused() {
    let side = 1 << 20;
    let unbiased = Linear { out: side, bias: false, at_positions: false };
    let exactly = features(side).op("fc", unbiased).build().unwrap();
    assert_eq!(exactly.prunable_len() as u64, MAX_SCALARS);
    let found = "1099512676352 scalars in all tensors";
    says(features(side).linear("fc", side).build(), &["`test`", found, MOST]);
    let twice = features(side).op("fc1", unbiased).op("fc2", unbiased).build();
    says(twice, &["`test`", "2199023255552 scalars", MOST]);
}

#[test]
fn arithmetic_that_would_wrap_is_refused() {
    // 2³⁸ weights, at 2¹¹ rows of 2¹¹ positions or at one more row and column.
    let (kernel, positions) = (1 << 19, 1 << 11);
    let net = |side| image(1, side).conv("c", Conv2d::new(1, kernel)).build();
    let arch = net(kernel + positions - 1).unwrap();
    assert_eq!((arch.prunable_len() * arch.positions(TensorId::new(0))) as u64, MAX_MULTIPLY_ADDS);
    let refused = net(kernel + positions);
    says(refused, &["`test`", "multiply-adds", "at most 1152921504606846976"]);
}

#[test]
fn names_of_the_zoo_with_huge_numbers_are_refused() {
    let build = |name: &str| zoo::by_name(name).and_then(|template| template.build());
    says(build("mlp-9223372036854775807-3"), &["`input`", "[9223372036854775807]", MOST]);
    says(build("mlp-3-9223372036854775807"), &["`fc1`", "out is 9223372036854775807", MOST]);
    says(build("mlp7-tanh-18446744073709551615"), &["`fc1`", "out is", MOST]);
    says(build("wrn-10-9223372036854775807"), &["`layer1.0.conv1`", "out is", MOST]);
    says(build("wrn-10-1152921504606846976"), &["`layer1.0.conv1`", "out is", MOST]);
    says(build("wrn-18446744073709551614-1"), &["`wrn-18446744073709551614-1`"]);
    says(build("densenet-40-18446744073709551615"), &["out is 18446744073709551615", MOST]);
    says(build("densenet-18446744073709551613-1"), &["`densenet-18446744073709551613-1`"]);
    for name in ["lenet-5", "vgg11", "resnet20", "resnet18", "wrn-10-1"] {
        let classes = zoo::by_name(name).unwrap().classes(usize::MAX).build();
        says(classes, &["out is 18446744073709551615", MOST]);
    }
}

#[test]
fn what_is_within_the_limits_is_written_as_toml() {
    let most = 1 << 40;
    let arch = image(1, 1).conv("c", Conv2d::new(1, 1).stride(most)).build().unwrap();
    assert!(arch.to_toml().contains("stride = 1099511627776"));
    assert_eq!(Arch::from_toml(&arch.to_toml(), "round trip").unwrap(), arch);
}
