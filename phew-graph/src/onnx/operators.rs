//! The operators of ONNX, and what each becomes: one table, and a file for each family.

mod arithmetic;
mod attention;
mod calls;
mod in_pieces;
mod inputs;
mod normalisations;
mod pointwise;
mod poolings;
mod views;
mod weighted;

use super::graph::{Conversion, Converter, Result};
use super::model::Node;

const TABLE: &[(&str, Conversion)] = &[
    ("Conv", weighted::conv),
    ("ConvTranspose", weighted::conv_transpose),
    ("Gemm", weighted::gemm),
    ("MatMul", weighted::matmul),
    ("BatchNormalization", normalisations::batch_norm),
    ("LayerNormalization", normalisations::layer_norm),
    ("InstanceNormalization", normalisations::instance_norm),
    ("GroupNormalization", normalisations::group_norm),
    ("Relu", pointwise::relu),
    ("LeakyRelu", pointwise::leaky_relu),
    ("Elu", pointwise::elu),
    ("Clip", pointwise::clip),
    ("Gelu", pointwise::gelu),
    ("Mish", pointwise::mish),
    ("Softplus", pointwise::softplus),
    ("HardSwish", pointwise::hard_swish),
    ("HardSigmoid", pointwise::hard_sigmoid),
    ("Sigmoid", pointwise::sigmoid),
    ("Tanh", pointwise::tanh),
    ("Neg", pointwise::neg),
    ("Softmax", pointwise::softmax),
    ("LogSoftmax", pointwise::log_softmax),
    ("Identity", pointwise::same),
    ("Dropout", pointwise::dropout),
    ("Cast", pointwise::cast),
    ("Greater", pointwise::greater),
    ("Where", pointwise::choice),
    ("Add", arithmetic::add),
    ("Sub", arithmetic::sub),
    ("Mul", arithmetic::mul),
    ("Div", arithmetic::div),
    ("Attention", attention::attention),
    ("MaxPool", poolings::max_pool),
    ("AveragePool", poolings::average_pool),
    ("GlobalAveragePool", poolings::global_average_pool),
    ("GlobalMaxPool", poolings::global_max_pool),
    ("ReduceMean", poolings::reduce_mean),
    ("Pad", poolings::pad),
    ("Reshape", views::reshape),
    ("Flatten", views::flatten),
    ("Squeeze", views::squeeze),
    ("Unsqueeze", views::unsqueeze),
    ("Transpose", views::transpose),
    ("Expand", views::expand),
    ("Split", views::split),
    ("Slice", views::slice),
    ("Gather", views::gather),
    ("Concat", views::concat),
];

/// Converts a node that reads something which depends on the input.
pub(super) fn convert<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    if in_pieces::convert(converter, node)? {
        return Ok(());
    }
    match TABLE.iter().find(|(name, _)| *name == node.operator) {
        Some((_, conversion)) => conversion(converter, node),
        None => Err(format!(
            "phew has no operator `{}`: write this part of the model with others (docs/operators.md lists them), \
             or export the model without it",
            node.operator
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::TABLE;

    #[test]
    fn every_operator_stands_once_in_the_table() {
        let mut names: Vec<&str> = TABLE.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
    }
}
