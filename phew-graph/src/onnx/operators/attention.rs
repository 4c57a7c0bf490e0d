//! Attention as one operator, as files of version 23 have it.

use super::super::graph::{Converter, Result};
use super::super::model::Node;
use super::calls::call;
use super::inputs::{active, has};
use crate::pt2::Argument;

pub(super) fn attention<'a>(converter: &mut Converter<'a>, node: &'a Node) -> Result {
    if (3..6).any(|place| has(node, place)) {
        return Err("it has a mask or earlier keys and values: phew knows attention to all positions, and causal attention".into());
    }
    if node.float("softcap", 0.0) > 0.0 {
        return Err("it limits its products (softcap)".into());
    }
    let [query, key, value] = [0, 1, 2].map(|place| active(converter, node, place));
    let (query, key, value) = (query?, key?, value?);
    if query.shape.len() != 4 {
        return Err("its queries are not parted into heads: expected four axes".into());
    }
    let mut arguments = vec![
        ("query", Argument::of_tensor(&query.name)),
        ("key", Argument::of_tensor(&key.name)),
        ("value", Argument::of_tensor(&value.name)),
        ("is_causal", Argument::of_bool(node.int("is_causal", 0) == 1)),
    ];
    if node.attribute("scale").is_some() {
        arguments.push(("scale", Argument::of_number(node.float("scale", 1.0))));
    }
    call(converter, node, "scaled_dot_product_attention.default", &arguments, &query.shape)
}
