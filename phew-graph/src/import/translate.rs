//! The operators of `ATen`, and what each becomes: one table, and a file for each family.

mod activations;
mod arithmetic;
mod attention;
mod convolutions;
mod normalisations;
mod parts;
mod poolings;
mod tensors;
mod views;

use super::builder::Translator;

pub(super) use attention::of_scores;
pub(super) use tensors::of_tensors;

/// By the operator's name, without its overload and without the mark of those that work in place.
const TABLE: &[(&str, Translator)] = &[
    ("conv1d", convolutions::conv1d),
    ("conv2d", convolutions::conv2d),
    ("conv_transpose1d", convolutions::conv_transpose1d),
    ("conv_transpose2d", convolutions::conv_transpose2d),
    ("convolution", convolutions::convolution),
    ("linear", convolutions::linear),
    ("batch_norm", normalisations::batch_norm),
    ("layer_norm", normalisations::layer_norm),
    ("group_norm", normalisations::group_norm),
    ("instance_norm", normalisations::instance_norm),
    ("relu", activations::relu),
    ("relu6", activations::relu6),
    ("hardtanh", activations::hardtanh),
    ("clamp", activations::clamp),
    ("clamp_min", activations::clamp_min),
    ("leaky_relu", activations::leaky_relu),
    ("elu", activations::elu),
    ("gelu", activations::gelu),
    ("silu", activations::silu),
    ("mish", activations::mish),
    ("softplus", activations::softplus),
    ("hardswish", activations::hardswish),
    ("hardsigmoid", activations::hardsigmoid),
    ("sigmoid", activations::sigmoid),
    ("tanh", activations::tanh),
    ("softmax", activations::softmax),
    ("log_softmax", activations::log_softmax),
    ("max_pool1d", poolings::max_pool1d),
    ("max_pool2d", poolings::max_pool2d),
    ("avg_pool1d", poolings::avg_pool1d),
    ("avg_pool2d", poolings::avg_pool2d),
    ("adaptive_avg_pool1d", poolings::adaptive_avg_pool1d),
    ("adaptive_avg_pool2d", poolings::adaptive_avg_pool2d),
    ("adaptive_max_pool2d", poolings::adaptive_max_pool2d),
    ("mean", poolings::mean),
    ("pad", poolings::pad),
    ("constant_pad_nd", poolings::pad),
    ("add", arithmetic::add),
    ("sub", arithmetic::sub),
    ("mul", arithmetic::mul),
    ("div", arithmetic::div),
    ("neg", arithmetic::neg),
    ("scaled_dot_product_attention", attention::scaled_dot_product_attention),
    ("matmul", attention::matmul),
    ("bmm", attention::matmul),
    ("cat", parts::cat),
    ("concat", parts::cat),
    ("chunk", parts::chunk),
    ("split", parts::split),
    ("split_with_sizes", parts::split),
    ("slice", parts::slice),
    ("narrow", parts::narrow),
    ("select", parts::select),
    ("unbind", parts::unbind),
    ("view", views::reshape),
    ("reshape", views::reshape),
    ("flatten", views::reshape),
    ("unflatten", views::reshape),
    ("squeeze", views::reshape),
    ("unsqueeze", views::reshape),
    ("_unsafe_view", views::reshape),
    ("permute", views::permute),
    ("transpose", views::transpose),
    ("t", views::t),
    ("dropout", views::dropout),
    ("feature_dropout", views::dropout),
    ("alpha_dropout", views::dropout),
    ("contiguous", views::same),
    ("clone", views::same),
    ("detach", views::same),
    ("alias", views::same),
    ("lift_fresh_copy", views::same),
    ("to", views::same),
    ("_to_copy", views::same),
    ("type_as", views::same),
];

/// The translator of an operator by its name without overload.
pub(super) fn translator(name: &str) -> Option<Translator> {
    let name = name.strip_suffix('_').unwrap_or(name);
    TABLE.iter().find(|(known, _)| *known == name).map(|&(_, translate)| translate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operator_stands_once_in_the_table_and_is_found_in_place_too() {
        let mut names: Vec<&str> = TABLE.iter().map(|(name, _)| *name).collect();
        assert!(names.iter().all(|name| translator(name).is_some()));
        assert!(translator("relu_").is_some() && translator("fft").is_none());
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
    }
}
