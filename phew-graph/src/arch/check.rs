//! From operator specifications to a checked [`Arch`]: names, order, shapes, tensors.

use std::collections::HashMap;

use super::{Arch, Node, NodeSpec, Op, Role, Shape, TensorSpec, shape};
use crate::error::{GraphError, list};

impl Arch {
    /// Checks operators given in any order and puts them into topological order.
    ///
    /// Operators that stand in a valid order keep it, so a round trip through a file changes nothing.
    ///
    /// # Errors
    /// One of [`GraphError`]'s variants on architectures, naming the operator: duplicate or dangling names,
    /// cycles, not exactly one input and one output, shapes that do not fit, groups that do not divide, no
    /// prunable weight.
    pub fn new(name: impl Into<String>, specs: Vec<NodeSpec>) -> Result<Self, GraphError> {
        let name = name.into();
        if specs.is_empty() {
            return Err(GraphError::Empty { arch: name });
        }
        let inputs = resolve(&specs)?;
        check_ends(&name, &specs, &inputs)?;
        let order = sort(&specs, &inputs)?;
        let mut place = vec![0; specs.len()];
        for (at, &spec) in order.iter().enumerate() {
            place[spec] = at;
        }
        let mut nodes: Vec<Node> = Vec::with_capacity(specs.len());
        for &i in &order {
            let spec = &specs[i];
            let reads: Vec<usize> = inputs[i].iter().map(|&j| place[j]).collect();
            let shapes: Vec<Shape> = reads.iter().map(|&j| nodes[j].shape).collect();
            let shape = shape::infer(&spec.name, &spec.op, &shapes)?;
            nodes.push(Node { name: spec.name.clone(), op: spec.op.clone(), inputs: reads, shape });
        }
        let (prunable, auxiliary): (Vec<_>, Vec<_>) =
            (0..nodes.len()).flat_map(|i| tensors(&nodes, i)).partition(|t| t.role == Role::Weight);
        if prunable.is_empty() {
            return Err(GraphError::NoWeights { arch: name });
        }
        Ok(Self { name, nodes, prunable, auxiliary })
    }
}

/// Names to indices, with the number of inputs checked.
fn resolve(specs: &[NodeSpec]) -> Result<Vec<Vec<usize>>, GraphError> {
    let mut index = HashMap::new();
    for (i, spec) in specs.iter().enumerate() {
        if spec.name.is_empty() {
            return Err(GraphError::Field {
                operator: String::new(),
                field: "name",
                found: format!("empty (operator {})", i + 1),
                expected: "a name".into(),
            });
        }
        if index.insert(spec.name.as_str(), i).is_some() {
            return Err(GraphError::DuplicateOperator { name: spec.name.clone() });
        }
    }
    specs
        .iter()
        .map(|spec| {
            let found = spec.inputs.len();
            let (fits, expected) = match spec.op {
                Op::Input { .. } => (found == 0, "none"),
                Op::Add => (found >= 2, "two or more"),
                _ => (found == 1, "one"),
            };
            if !fits {
                let (operator, kind) = (spec.name.clone(), spec.op.kind());
                return Err(GraphError::Arity { operator, kind, found, expected });
            }
            let find = |input: &String| {
                index.get(input.as_str()).copied().ok_or_else(|| GraphError::UnknownInput {
                    operator: spec.name.clone(),
                    input: input.clone(),
                })
            };
            spec.inputs.iter().map(find).collect()
        })
        .collect()
}

fn check_ends(arch: &str, specs: &[NodeSpec], inputs: &[Vec<usize>]) -> Result<(), GraphError> {
    let found = specs.iter().filter(|s| matches!(s.op, Op::Input { .. })).count();
    if found != 1 {
        return Err(GraphError::InputCount { arch: arch.to_owned(), found });
    }
    let mut read = vec![false; specs.len()];
    for &i in inputs.iter().flatten() {
        read[i] = true;
    }
    let sinks: Vec<&str> =
        specs.iter().zip(&read).filter(|&(_, &r)| !r).map(|(s, _)| s.name.as_str()).collect();
    // No sink at all means that every operator leads into a cycle: the sort names it.
    if sinks.len() > 1 {
        return Err(GraphError::OutputCount { operators: list(&sinks) });
    }
    Ok(())
}

/// Kahn's algorithm; of the operators that are ready, the one written first comes first.
fn sort(specs: &[NodeSpec], inputs: &[Vec<usize>]) -> Result<Vec<usize>, GraphError> {
    let mut waiting: Vec<usize> = inputs.iter().map(Vec::len).collect();
    let mut readers = vec![Vec::new(); specs.len()];
    for (i, reads) in inputs.iter().enumerate() {
        for &j in reads {
            readers[j].push(i);
        }
    }
    let mut ready: std::collections::BTreeSet<usize> =
        (0..specs.len()).filter(|&i| waiting[i] == 0).collect();
    let mut order = Vec::with_capacity(specs.len());
    while let Some(i) = ready.pop_first() {
        order.push(i);
        for &j in &readers[i] {
            waiting[j] -= 1;
            if waiting[j] == 0 {
                ready.insert(j);
            }
        }
    }
    if order.len() < specs.len() {
        let stuck: Vec<&str> =
            on_cycles(&waiting, &readers).map(|i| specs[i].name.as_str()).collect();
        return Err(GraphError::Cycle { operators: list(&stuck) });
    }
    Ok(order)
}

/// Of the operators that the sort never reached, those on a cycle rather than merely behind one.
fn on_cycles<'a>(
    waiting: &'a [usize],
    readers: &'a [Vec<usize>],
) -> impl Iterator<Item = usize> + 'a {
    (0..waiting.len()).filter(|&i| {
        let mut seen = vec![false; waiting.len()];
        let mut stack = readers[i].clone();
        while let Some(j) = stack.pop() {
            if j == i {
                return true;
            }
            if waiting[j] > 0 && !std::mem::replace(&mut seen[j], true) {
                stack.extend(&readers[j]);
            }
        }
        false
    })
}

/// The state-dict tensors of one node.
fn tensors(nodes: &[Node], index: usize) -> Vec<TensorSpec> {
    let node = &nodes[index];
    let tensor = |suffix: &str, shape: Vec<usize>, role| TensorSpec {
        name: format!("{}.{suffix}", node.name),
        shape,
        role,
        node: index,
    };
    let fan_in = |groups: usize| nodes[node.inputs[0]].shape.units() / groups;
    match &node.op {
        Op::Conv2d(conv) => {
            let shape = vec![conv.out, fan_in(conv.groups), conv.kernel[0], conv.kernel[1]];
            let bias = conv.bias.then(|| tensor("bias", vec![conv.out], Role::Bias));
            [tensor("weight", shape, Role::Weight)].into_iter().chain(bias).collect()
        }
        Op::Linear { out, bias } => {
            let bias = bias.then(|| tensor("bias", vec![*out], Role::Bias));
            let weight = tensor("weight", vec![*out, fan_in(1)], Role::Weight);
            [weight].into_iter().chain(bias).collect()
        }
        Op::BatchNorm { .. } => [
            ("weight", Role::NormScale),
            ("bias", Role::NormShift),
            ("running_mean", Role::RunningMean),
            ("running_var", Role::RunningVar),
        ]
        .map(|(suffix, role)| tensor(suffix, vec![node.shape.units()], role))
        .into(),
        _ => Vec::new(),
    }
}
