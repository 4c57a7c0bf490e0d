//! Names: the modules that a node belongs to, and what a weight was called before an exporter wrote it otherwise.

use super::model::Node;

/// The modules of a node from the outermost on: path and class, as far as the exporter noted them.
pub(super) fn modules(node: &Node) -> Vec<(String, String)> {
    // Lists of Python's: the last of each is the call itself.
    let list = |key: &str| -> Vec<String> {
        let text = node.metadata(key).unwrap_or_default();
        let mut entries: Vec<String> =
            text.split('\'').skip(1).step_by(2).map(str::to_owned).collect();
        entries.pop();
        entries
    };
    let scopes = list("pkg.torch.onnx.name_scopes");
    if !scopes.is_empty() {
        let classes = list("pkg.torch.onnx.class_hierarchy");
        let class = |place: usize| classes.get(place).cloned().unwrap_or_default();
        return scopes.iter().enumerate().map(|(i, path)| (path.clone(), class(i))).collect();
    }
    // `/layer1/layer1.0/conv1/Conv`: a part that begins with the one before stands in its place.
    let mut path = String::new();
    let mut before = "";
    let mut modules = vec![(String::new(), String::new())];
    let parts = node.name.strip_prefix('/').into_iter().flat_map(|name| name.rsplit_once('/'));
    for part in parts.flat_map(|(parts, _)| parts.split('/')) {
        let within = part.strip_prefix(before).filter(|rest| rest.starts_with('.'));
        match within {
            Some(rest) if !before.is_empty() => path += rest,
            _ if path.is_empty() => part.clone_into(&mut path),
            _ => path = format!("{path}.{part}"),
        }
        before = part;
        modules.push((path.clone(), String::new()));
    }
    modules
}

/// The path of the innermost module of a node.
pub(super) fn module(node: &Node) -> String {
    modules(node).pop().map_or_else(String::new, |(path, _)| path)
}

/// The module of a node as its parameters are named after it, whose names are given. The older exporter numbers the calls of
/// a module: `conv_1` is `conv` called again if that is what its parameters belong to, and otherwise a module itself.
pub(super) fn modules_called<'n>(
    node: &Node,
    parameters: impl IntoIterator<Item = &'n str>,
) -> Vec<String> {
    let module = module(node);
    let called = |part: &str| match part.rsplit_once('_') {
        Some((stem, n)) if !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()) => {
            stem.to_owned()
        }
        _ => part.to_owned(),
    };
    let again = module.split('.').map(called).collect::<Vec<_>>().join(".");
    let numbers_calls = node.metadata("pkg.torch.onnx.name_scopes").is_none();
    let owner = |name: &str| name.rsplit_once('.').is_some_and(|(owner, _)| owner == again);
    let is_again = numbers_calls && again != module && parameters.into_iter().any(owner);
    std::iter::once(module).chain(is_again.then_some(again)).collect()
}

/// Whether an exporter made up a tensor's name.
pub(super) fn is_made_up(name: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    name.starts_with("onnx::") || name.strip_prefix("val_").is_some_and(number) || number(name)
}

/// What a weight is called whose bias or module is known: `fc.weight` beside `fc.bias`. A bias of another module is one that is
/// stored once for several.
pub(super) fn weight_beside(bias: Option<&str>, module: &str) -> Option<String> {
    let bias = bias.filter(|name| !is_made_up(name) && name.ends_with("bias"));
    let own = |bias: &&str| {
        let rest = bias.strip_prefix(module);
        module.is_empty() || rest.is_some_and(|rest| rest.starts_with('.'))
    };
    if let Some(stem) = bias.filter(own).and_then(|bias| bias.strip_suffix("bias")) {
        return Some(format!("{stem}weight"));
    }
    let last = bias.map_or("bias", |bias| bias.rsplit('.').next().unwrap_or(bias));
    let stem = last.strip_suffix("bias").unwrap_or_default();
    (!module.is_empty()).then(|| format!("{module}.{stem}weight"))
}

#[cfg(test)]
mod tests {
    use super::super::model::Entry;
    use super::*;

    #[test]
    fn modules_are_read_from_either_exporters_notes() {
        let mut node = Node { name: "/layer1/layer1.0/conv1/Conv".into(), ..Node::default() };
        assert_eq!(module(&node), "layer1.0.conv1");
        node.name = "/Add_1".into();
        assert_eq!(module(&node), "");
        let entry = |key: &str, value: &str| Entry { key: key.into(), value: value.into() };
        node.metadata = vec![
            entry("pkg.torch.onnx.name_scopes", "['', 'a', 'a.b', 'linear']"),
            entry("pkg.torch.onnx.class_hierarchy", "['Net', 'A', 'torch.nn.Linear', 'aten.x']"),
        ];
        assert_eq!(modules(&node).pop(), Some(("a.b".into(), "torch.nn.Linear".into())));
    }

    #[test]
    fn a_module_is_called_again_where_its_parameters_say_so() {
        let node = Node { name: "/block_1/conv/Conv".into(), ..Node::default() };
        assert_eq!(modules_called(&node, ["block.conv.weight"]), ["block_1.conv", "block.conv"]);
        assert_eq!(modules_called(&node, ["block_1.conv.weight"]), ["block_1.conv"]);
        assert_eq!(modules_called(&node, ["onnx::Conv_1"]), ["block_1.conv"]);
    }

    #[test]
    fn weights_get_the_names_that_their_biases_tell() {
        assert!(is_made_up("onnx::MatMul_45") && is_made_up("val_0") && !is_made_up("val.weight"));
        let beside = |bias, module| weight_beside(bias, module).unwrap_or_default();
        assert_eq!(beside(Some("a.in_proj_bias"), "a"), "a.in_proj_weight");
        assert_eq!(beside(Some("a.in_proj_bias"), "b"), "b.in_proj_weight");
        assert_eq!(beside(Some("fc.bias"), ""), "fc.weight");
        assert_eq!(beside(Some("val_3"), "up"), "up.weight");
        assert_eq!(beside(None, ""), "");
    }
}
