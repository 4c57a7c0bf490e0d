//! Names of tensors: how parts of a reparametrised weight are called, and the operators that tensors belong to.

/// The weight that a tensor is a part of: `conv.weight` for `conv.weight_orig`, `conv.weight_mask` (pruned), for
/// `conv.weight_g`, `conv.weight_v` and `conv.parametrizations.weight.original0` (weight norm).
pub(super) fn whole(tensor: &str) -> Option<String> {
    for end in ["_orig", "_mask", "_g", "_v"] {
        if let Some(whole) = tensor.strip_suffix(end) {
            return Some(whole.to_owned());
        }
    }
    let (stem, rest) = match tensor.split_once("parametrizations.") {
        Some((stem, rest)) => (stem, rest),
        None => return None,
    };
    let (weight, original) = rest.split_once('.')?;
    original.starts_with("original").then(|| format!("{stem}{weight}"))
}

/// The operator and the tensor of a name: `layer1.0.conv1` and `weight` of `layer1.0.conv1.weight`.
pub(super) fn split(tensor: &str) -> (&str, &str) {
    tensor.rsplit_once('.').unwrap_or(("", tensor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_weights_lead_to_the_weight() {
        for part in ["a.weight_orig", "a.weight_v", "a.parametrizations.weight.original1"] {
            assert_eq!(whole(part).as_deref(), Some("a.weight"), "{part}");
        }
        assert_eq!(whole("a.weight"), None);
        assert_eq!(split("a.b.weight"), ("a.b", "weight"));
        assert_eq!(split("scale"), ("", "scale"));
    }
}
