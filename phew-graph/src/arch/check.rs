//! From operator specifications to a checked [`Arch`]: names, order, shapes, tensors.

use std::collections::HashMap;

use super::op::Op;
use super::op::site::Site;
use super::shape::Shape;
use super::tensor::{Role, TensorSpec};
use super::{Arch, Node, NodeSpec, limits};
use crate::error::{GraphError, list};

impl Arch {
    /// Checks operators given in any order and puts them into topological order.
    ///
    /// Operators that stand in a valid order keep it, so a round trip through a file changes nothing.
    ///
    /// # Errors
    /// One of [`GraphError`]'s variants on architectures, naming the operator: duplicate or dangling names,
    /// cycles, not exactly one input and one output, shapes that do not fit, groups that do not divide, tensors of one name
    /// that operators use in different ways, no prunable weight, more scalars than [`MAX_SCALARS`](crate::MAX_SCALARS) or more arithmetic than
    /// [`MAX_MULTIPLY_ADDS`](crate::MAX_MULTIPLY_ADDS).
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
            let shape = spec.op.operator().shape(&Site { name: &spec.name, inputs: &shapes })?;
            limits::check_output(&spec.name, shape)?;
            let (name, op, tensors) = (spec.name.clone(), spec.op.clone(), spec.tensors.clone());
            nodes.push(Node { name, op, inputs: reads, shape, tensors });
        }
        let (prunable, positions) = (Vec::new().into(), Vec::new().into());
        let mut arch = Self { name, nodes, prunable, positions, auxiliary: vec![] };
        for node in 0..arch.nodes.len() {
            arch.list_tensors(node)?;
        }
        arch.check_parts()?;
        if arch.prunable.is_empty() {
            return Err(GraphError::NoWeights { arch: arch.name });
        }
        let weights = arch.prunable.iter().zip(arch.positions.iter().copied());
        let attention = arch.attention_multiply_adds();
        limits::check_network(&arch.name, weights, &arch.auxiliary, attention)?;
        Ok(arch)
    }

    /// Lists the tensors of a node, whose inputs' shapes are known.
    fn list_tensors(&mut self, index: usize) -> Result<(), GraphError> {
        let node = self.nodes[index].clone();
        let tensors = node.op.operator().tensors(&self.input_shapes(index), node.shape);
        let own = |name: &String| tensors.iter().any(|tensor| tensor.suffix == name);
        if let Some(unknown) = node.tensors.keys().find(|name| !own(name)) {
            return Err(GraphError::Field {
                operator: node.name.clone(),
                field: "tensors",
                found: format!("a name for `{unknown}`"),
                expected: "names for tensors that the operator has".into(),
            });
        }
        for tensor in tensors {
            limits::check_tensor(&node.name, tensor.suffix, &tensor.shape)?;
            let name = match node.tensors.get(tensor.suffix) {
                Some(name) => name.clone(),
                None => format!("{}.{}", node.name, tensor.suffix),
            };
            if name.is_empty() {
                return Err(GraphError::Field {
                    operator: node.name.clone(),
                    field: "tensors",
                    found: "an empty name".into(),
                    expected: "names".into(),
                });
            }
            if self.share(&name, index, &tensor)? {
                continue;
            }
            let (shape, role) = (tensor.shape, tensor.role);
            let spec = TensorSpec { name, shape, role, nodes: vec![index] };
            if role == Role::Weight {
                self.prunable.push(spec);
                self.positions.push(tensor.positions);
            } else {
                self.auxiliary.push(spec);
            }
        }
        Ok(())
    }
}

impl Arch {
    /// Refuses units that nothing reads: a walk that came to one could not go on.
    fn check_parts(&self) -> Result<(), GraphError> {
        for (index, node) in self.nodes.iter().enumerate() {
            let readers = self.nodes.iter().filter(|reader| reader.inputs.contains(&index));
            let part = |reader: &Node| match &reader.op {
                Op::Slice(slice) => Some(slice.first..slice.first + slice.units),
                _ => None,
            };
            // Whatever is no part reads all units, and so does the world outside what no operator reads.
            let Some(mut parts) = readers.map(part).collect::<Option<Vec<_>>>() else { continue };
            if parts.is_empty() {
                continue;
            }
            parts.sort_by_key(|part| part.start);
            let read = parts.iter().fold(0, |end, part| match part.start <= end {
                true => part.end.max(end),
                false => end,
            });
            if read < node.shape.units() {
                return Err(GraphError::Field {
                    operator: node.name.clone(),
                    field: "units",
                    found: format!("{}, of which nothing reads number {read}", node.shape.units()),
                    expected: "parts that hold all of them together".into(),
                });
            }
        }
        Ok(())
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
            let (found, arity) = (spec.inputs.len(), spec.op.operator().arity());
            if !arity.fits(found) {
                let (operator, kind) = (spec.name.clone(), spec.op.kind());
                let expected = arity.name();
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
    let found = specs.iter().filter(|s| matches!(s.op, Op::Input(_))).count();
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
