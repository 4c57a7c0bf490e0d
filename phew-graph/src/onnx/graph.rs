//! From the graph to a program: one operator after the other.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Value, json};

use super::constant::{self, Constant};
use super::known::{Active, Known, View};
use super::model::{Graph, Node, Tensor};
use super::names;
use super::tensors::{self, Change};
use crate::pt2::{self, Argument, Program, TensorMeta};

/// What something came to, or why it cannot be.
pub(super) type Result<T = ()> = std::result::Result<T, String>;

/// A program, and the tensors that it reads by their names in it.
#[derive(Debug)]
pub(super) struct Converted {
    pub(super) program: Program,
    pub(super) tensors: BTreeMap<String, Use>,
    /// Weights that may be one with another before them.
    pub(super) apart: Vec<String>,
}

/// A tensor of the file, and how it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Use {
    pub(super) tensor: usize,
    pub(super) change: Change,
}

/// Reads the bytes of a tensor that lies in another file.
pub(super) type External<'a> = &'a dyn Fn(&Tensor) -> Option<prost::bytes::Bytes>;

/// Converts an operator that reads something which depends on the input.
pub(super) type Conversion = for<'a> fn(&mut Converter<'a>, &'a Node) -> Result;

/// What is being converted.
pub(super) struct Converter<'a> {
    pub(super) graph: &'a Graph,
    external: External<'a>,
    conversion: Conversion,
    pub(super) tensors: Vec<&'a Tensor>,
    known: HashMap<&'a str, Known>,
    /// The nodes that read each value.
    readers: HashMap<&'a str, Vec<usize>>,
    /// The node that makes each value.
    makers: HashMap<&'a str, usize>,
    /// Nodes that were done with an earlier one.
    done: HashSet<usize>,
    nodes: Vec<pt2::Node>,
    pub(super) metas: BTreeMap<String, TensorMeta>,
    pub(super) specs: Vec<Value>,
    pub(super) used: BTreeMap<String, Use>,
    /// The name of a parameter by the module that reads it, what it is to it, and the tensor.
    pub(super) called: HashMap<(String, String, Use), String>,
    /// By the name of a weight, that of its layer's bias.
    pub(super) biases: HashMap<String, String>,
    pub(super) apart: Vec<String>,
}

/// Tensors of a graph, in the order of their places: its own and those of constant nodes.
pub(super) fn tensors_of(graph: &Graph) -> Vec<&Tensor> {
    let constants = graph.nodes.iter().filter(|node| node.operator == "Constant");
    let of_nodes = constants.filter_map(|node| node.attribute("value")?.tensor.as_ref());
    graph.initializers.iter().chain(of_nodes).collect()
}

/// Why a node cannot be converted.
pub(super) struct Failure<'a> {
    pub(super) node: Option<&'a Node>,
    pub(super) reason: String,
}

/// Converts a graph, by a conversion of its operators.
pub(super) fn convert<'a>(
    graph: &'a Graph,
    external: External<'a>,
    conversion: Conversion,
) -> std::result::Result<Converted, Failure<'a>> {
    let mut converter = Converter::new(graph, external, conversion);
    let whole = |reason: String| Failure { node: None, reason };
    let input = converter.start().map_err(whole)?;
    // Fixed numbers first: what makes one operator of several looks ahead.
    let mut tensors = graph.initializers.len();
    for node in graph.nodes.iter().filter(|node| node.operator == "Constant") {
        let holds = node.attribute("value").is_some_and(|value| value.tensor.is_some());
        let tensor = holds.then_some(tensors);
        tensors += usize::from(holds);
        let run = converter.run(node, tensor);
        run.map_err(|reason| Failure { node: Some(node), reason })?;
    }
    for (index, node) in graph.nodes.iter().enumerate() {
        if node.operator != "Constant" && !converter.done.contains(&index) {
            let run = converter.run(node, None);
            run.map_err(|reason| Failure { node: Some(node), reason })?;
        }
    }
    converter.finish(&input).map_err(whole)
}

impl<'a> Converter<'a> {
    fn new(graph: &'a Graph, external: External<'a>, conversion: Conversion) -> Self {
        let (mut readers, mut makers) = (HashMap::<&str, Vec<usize>>::new(), HashMap::new());
        for (index, node) in graph.nodes.iter().enumerate() {
            for input in &node.inputs {
                readers.entry(input).or_default().push(index);
            }
            makers.extend(node.outputs.iter().map(|output| (output.as_str(), index)));
        }
        Self {
            graph,
            external,
            conversion,
            tensors: tensors_of(graph),
            known: HashMap::new(),
            readers,
            makers,
            done: HashSet::new(),
            nodes: Vec::new(),
            metas: BTreeMap::new(),
            specs: Vec::new(),
            used: BTreeMap::new(),
            called: HashMap::new(),
            biases: HashMap::new(),
            apart: Vec::new(),
        }
    }

    /// Makes tensors and inputs known; gives the names of the inputs.
    fn start(&mut self) -> Result<Vec<&'a str>> {
        for (place, tensor) in self.graph.initializers.iter().enumerate() {
            let view = self.view(place, &tensor.name)?;
            self.known.insert(&tensor.name, Known::Stored(view));
        }
        let mut inputs = Vec::new();
        // Files of old list their tensors among the inputs.
        for input in &self.graph.inputs {
            if self.known.contains_key(input.name.as_str()) {
                continue;
            }
            let name = input.name.as_str();
            let tensor = input.kind.as_ref().and_then(|kind| kind.tensor.as_ref());
            let shape = tensor.and_then(|tensor| Some((tensor.element, tensor.shape.as_ref()?)));
            let (element, shape) = shape
                .ok_or_else(|| format!("the shape of its input `{name}` is not in the file"))?;
            let mut sizes = Vec::with_capacity(shape.axes.len());
            for (axis, found) in shape.axes.iter().enumerate() {
                let size = found.size.and_then(|size| usize::try_from(size).ok());
                sizes.push(match size.filter(|&size| size > 0) {
                    Some(size) => size,
                    // Any number of samples will do.
                    None if axis == 0 => 2,
                    None => {
                        return Err(format!(
                            "axis {axis} of its input `{name}` has no fixed size: export it with fixed sizes, but for the batch"
                        ));
                    }
                });
            }
            if !tensors::is_bounded(&sizes) {
                return Err(format!("its input `{name}` is too large: {sizes:?}"));
            }
            // Whole numbers are tokens: a program's code for them.
            let code = if matches!(element, 1 | 10 | 11 | 16) { 7 } else { 5 };
            self.metas.insert(name.to_owned(), TensorMeta::new(code, &sizes));
            self.known.insert(name, Known::Active(Active { name: name.to_owned(), shape: sizes }));
            inputs.push(name);
        }
        Ok(inputs)
    }

    fn view(&self, place: usize, name: &str) -> Result<View> {
        let shape = tensors::shape(self.tensors[place]);
        let shape = shape.ok_or_else(|| format!("its tensor `{name}` has no sensible shape"))?;
        Ok(View { tensor: place, name: name.to_owned(), shape, transposed: false })
    }

    /// Converts a node; `tensor` is the place of the one that it holds.
    fn run(&mut self, node: &'a Node, tensor: Option<usize>) -> Result {
        if !matches!(node.domain.as_str(), "" | "ai.onnx") {
            return Err(format!("phew knows no operators of the domain `{}`", node.domain));
        }
        let read: Vec<Known> =
            node.inputs.iter().filter(|name| !name.is_empty()).map(|n| self.get(n)).collect();
        let active = read.iter().any(|known| matches!(known, Known::Active(_)));
        let made = match node.operator.as_str() {
            "Constant" => self.constant_node(node, tensor)?,
            "Shape" => shape_of(node, &read[..]),
            _ if active => return (self.conversion)(self, node),
            _ => self.of_tensors(node, &read),
        };
        for output in &node.outputs {
            self.known.insert(output, made.clone());
        }
        Ok(())
    }

    /// What is known of a value.
    pub(super) fn get(&self, name: &str) -> Known {
        let unknown = || Known::Other("an operator that phew does not know".into());
        self.known.get(name).cloned().unwrap_or_else(unknown)
    }

    fn constant_node(&self, node: &Node, tensor: Option<usize>) -> Result<Known> {
        if let Some(place) = tensor {
            let small = self.numbers(place);
            let name = node.outputs.first().map_or("", String::as_str);
            return Ok(match small {
                Some(constant) if constant.whole || constant.values.len() == 1 => {
                    Known::Constant(constant)
                }
                // Weights may stand so too.
                _ => Known::Stored(self.view(place, name)?),
            });
        }
        let list = |values: Vec<f64>, whole| {
            Known::Constant(Constant { shape: vec![values.len()], values, whole })
        };
        let number = |value, whole| {
            Known::Constant(Constant { shape: Vec::new(), values: vec![value], whole })
        };
        if let Some(found) = node.attribute("value_ints") {
            return Ok(list(found.ints.iter().map(|&n| n as f64).collect(), true));
        }
        if let Some(found) = node.attribute("value_floats") {
            return Ok(list(found.floats.iter().map(|&x| x.into()).collect(), false));
        }
        if let Some(found) = node.attribute("value_int") {
            return Ok(number(found.int as f64, true));
        }
        Ok(match node.attribute("value_float") {
            Some(found) => number(found.float.into(), false),
            None => Known::Other("Constant".into()),
        })
    }

    /// What an operator makes of tensors and numbers: a view, or numbers.
    fn of_tensors(&self, node: &'a Node, read: &[Known]) -> Known {
        let other = || Known::Other(node.operator.clone());
        if let Some(Known::Stored(view)) = read.first()
            && let Some(view) = self.viewed(node, view, read.get(1))
        {
            return Known::Stored(view);
        }
        let constants: Option<Vec<Constant>> =
            read.iter().map(|known| self.constant_of(known)).collect();
        let Some(constants) = constants else { return other() };
        let references: Vec<&Constant> = constants.iter().collect();
        constant::evaluate(node, &references).map_or_else(other, Known::Constant)
    }

    /// A tensor under one more view.
    fn viewed(&self, node: &Node, view: &View, second: Option<&Known>) -> Option<View> {
        let ints = || self.constant_of(second?)?.ints();
        let shape = match node.operator.as_str() {
            "Identity" => {
                let name = node.outputs.first()?;
                // Equal tensors are stored once, and named by such an operator.
                return Some(View { name: name.clone(), ..view.clone() });
            }
            "Cast" if matches!(node.int("to", 1), 1 | 10 | 11 | 16) => view.shape.clone(),
            "Transpose" => {
                let is_matrix =
                    view.shape.len() == 2 && node.ints("perm").is_none_or(|order| order == [1, 0]);
                let shape = view.shape.iter().rev().copied().collect();
                return is_matrix.then(|| View {
                    shape,
                    transposed: !view.transposed,
                    ..view.clone()
                });
            }
            _ if view.transposed => return None,
            "Reshape" => constant::reshaped(&view.shape, &ints()?, node.int("allowzero", 0) == 1)?,
            "Unsqueeze" => constant::unsqueezed(&view.shape, &ints()?)?,
            "Squeeze" => constant::squeezed(&view.shape, ints().as_deref())?,
            "Expand" => {
                let to: Option<Vec<usize>> =
                    ints()?.into_iter().map(|n| usize::try_from(n).ok()).collect();
                let shape = constant::common_shape(&view.shape, &to?)?;
                Some(shape).filter(|shape| tensors::is_bounded(shape))?
            }
            _ => return None,
        };
        Some(View { shape, ..view.clone() })
    }

    /// The numbers of a tensor, if they are few.
    fn numbers(&self, place: usize) -> Option<Constant> {
        let tensor = self.tensors[place];
        let few = || Some(tensors::shape(tensor)?.iter().product::<usize>() <= constant::MOST);
        if tensor.location != 1 || !few()? {
            return constant::constant(tensor);
        }
        let raw = (self.external)(tensor)?;
        constant::constant(&Tensor { raw, location: 0, ..tensor.clone() })
    }

    /// The numbers of a value that does not depend on the input, if they are few.
    pub(super) fn constant_of(&self, known: &Known) -> Option<Constant> {
        match known {
            Known::Constant(constant) => Some(constant.clone()),
            Known::Stored(view) if !view.transposed => {
                let constant = self.numbers(view.tensor)?;
                let same = constant.values.len() == view.shape.iter().product::<usize>();
                same.then(|| Constant { shape: view.shape.clone(), ..constant })
            }
            _ => None,
        }
    }

    /// Whether all parts of a tensor along its first axis are equal.
    pub(super) fn repeats(&self, view: &View) -> bool {
        let constant = self.numbers(view.tensor);
        constant.filter(|constant| constant.shape == view.shape).is_some_and(|constant| {
            let parts = constant.values.len() / view.shape[0].max(1);
            constant.values.chunks(parts.max(1)).all(|part| part == &constant.values[..parts])
        })
    }

    /// The only node that reads a value, and its index.
    pub(super) fn only_reader(&self, value: &str) -> Option<(usize, &'a Node)> {
        let is_output = self.graph.outputs.iter().any(|output| output.name == value);
        match self.readers.get(value).map(Vec::as_slice) {
            Some(&[index]) if !is_output => Some((index, &self.graph.nodes[index])),
            _ => None,
        }
    }

    /// The nodes that read a value.
    pub(super) fn readers(&self, value: &str) -> Vec<(usize, &'a Node)> {
        let indices = self.readers.get(value).into_iter().flatten();
        indices.map(|&index| (index, &self.graph.nodes[index])).collect()
    }

    /// The node that makes a value.
    pub(super) fn maker(&self, value: &str) -> Option<&'a Node> {
        self.makers.get(value).map(|&index| &self.graph.nodes[index])
    }

    /// Passes over nodes that are done with an earlier one.
    pub(super) fn take(&mut self, nodes: impl IntoIterator<Item = usize>) {
        self.done.extend(nodes);
    }

    /// Whether a tensor of this name is read already, or lies in the file.
    pub(super) fn is_taken(&self, name: &str) -> bool {
        self.used.contains_key(name) || self.tensors.iter().any(|tensor| tensor.name == name)
    }

    /// Appends a call of an operator of `ATen` with these outputs.
    pub(super) fn emit(
        &mut self,
        node: &Node,
        operator: &str,
        arguments: &[(&str, Argument)],
        outputs: &[(&str, &[usize])],
    ) {
        let stack: Vec<String> = names::modules(node)
            .into_iter()
            .map(|(path, class)| format!("{path},{path},{class}"))
            .collect();
        let metadata = [
            ("nn_module_stack".to_owned(), stack.join(";")),
            ("operator".to_owned(), node.operator.clone()),
        ];
        let target = format!("torch.ops.aten.{operator}");
        self.nodes.push(pt2::Node::new(
            target,
            arguments,
            outputs.iter().map(|(name, _)| *name),
            metadata,
        ));
        for (name, shape) in outputs {
            self.metas.insert((*name).to_owned(), TensorMeta::new(7, shape));
        }
    }

    /// The value of an output, which depends on the input.
    pub(super) fn set(&mut self, output: &'a str, name: &str, shape: &[usize]) {
        let active = Active { name: name.to_owned(), shape: shape.to_vec() };
        self.known.insert(output, Known::Active(active));
    }

    /// Marks the outputs of a node as what phew does not know.
    pub(super) fn set_other(&mut self, node: &'a Node) {
        for output in &node.outputs {
            self.known.insert(output, Known::Other(node.operator.clone()));
        }
    }

    fn finish(self, inputs: &[&str]) -> Result<Converted> {
        let tensor = |name: &str| json!({ "as_tensor": { "name": name } });
        let mut specs = self.specs;
        specs.extend(inputs.iter().map(|name| json!({ "user_input": { "arg": tensor(name) } })));
        let outputs =
            self.graph.outputs.iter().map(|output| match self.known.get(output.name.as_str()) {
                Some(Known::Active(active)) => active.name.clone(),
                _ => output.name.clone(),
            });
        let outputs = outputs.map(|name| json!({ "user_output": { "arg": tensor(&name) } }));
        let program = Program::new(self.nodes, self.metas, specs, outputs.collect());
        Ok(Converted { program, tensors: self.used, apart: self.apart })
    }
}

/// A shape as numbers.
fn shape_of(node: &Node, read: &[Known]) -> Known {
    let shape = match read.first() {
        Some(Known::Active(active)) => &active.shape,
        Some(Known::Stored(view)) => &view.shape,
        Some(Known::Constant(constant)) => &constant.shape,
        _ => return Known::Other("Shape".into()),
    };
    let rank = shape.len() as i64;
    let place = |n: i64| if n < 0 { n + rank } else { n }.clamp(0, rank) as usize;
    let (start, end) = (place(node.int("start", 0)), place(node.int("end", rank)));
    Known::Constant(Constant::sizes(shape.get(start..end).unwrap_or_default()))
}
