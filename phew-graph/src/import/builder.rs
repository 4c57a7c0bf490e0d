//! Operators as they come, with what is known of their shapes; and the architecture that they make.

use std::collections::{BTreeMap, BTreeSet};

use super::axes::{Axes, Kind, Part};
use super::call::{Call, Refusal};
use super::names;
use super::value::{Activation, Tensor, Value};
use crate::arch::op::{Flatten, Input, Op, PositionsAsUnits, Shuffle};
use crate::arch::{NodeSpec, Shape, TensorNames};

/// Translates a call that reads something which depends on the input: a value for each of its outputs.
pub(super) type Translator = for<'a> fn(&mut Builder<'a>, &Call<'a>) -> Result<Vec<Value>, Refusal>;

/// What is built.
#[derive(Debug)]
pub(super) struct Builder<'a> {
    /// Values of the program by name.
    values: BTreeMap<&'a str, Value>,
    pub(super) nodes: Vec<Draft>,
    /// Names that operators have, or that are kept for those with tensors.
    taken: BTreeSet<String>,
    /// The parts of names that tensors begin with: for the operators that own them.
    owners: BTreeSet<String>,
    /// Samples of a batch at export.
    batch: usize,
    notes: BTreeSet<String>,
}

/// An operator, with the shape that PyTorch's program says.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) spec: NodeSpec,
    pub(super) inputs: Vec<usize>,
    pub(super) units: usize,
    pub(super) positions: Vec<usize>,
    /// Where it comes from, for messages.
    pub(super) source: String,
}

impl Draft {
    /// Its shape, if phew has such shapes.
    pub(super) fn shape(&self) -> Option<Shape> {
        let mut sizes = vec![self.units];
        sizes.extend(&self.positions);
        Shape::from_slice(&sizes)
    }
}

impl<'a> Builder<'a> {
    /// With an input of so many samples.
    pub(super) fn new(batch: usize) -> Self {
        Self {
            values: BTreeMap::new(),
            nodes: Vec::new(),
            taken: BTreeSet::new(),
            owners: BTreeSet::new(),
            batch,
            notes: BTreeSet::new(),
        }
    }

    /// The network's input.
    pub(super) fn input(&mut self, value: &'a str, units: usize, positions: &[usize], axes: Axes) {
        let mut draft = Draft {
            // Replaced below: what the shape is is the draft's to know.
            spec: NodeSpec::new("input", Flatten, &[]),
            inputs: Vec::new(),
            units,
            positions: positions.to_vec(),
            source: format!("input `{value}`"),
        };
        if let Some(shape) = draft.shape() {
            draft.spec.op = Input { shape }.into();
        }
        self.taken.insert("input".into());
        self.nodes.push(draft);
        self.set(value, Value::Activation(Activation { node: 0, axes, view: None }));
    }

    /// Makes a parameter or buffer known.
    pub(super) fn tensor(&mut self, value: &'a str, tensor: Tensor) {
        let whole = names::whole(&tensor.name).unwrap_or_else(|| tensor.name.clone());
        self.owners.insert(names::split(&whole).0.to_owned());
        self.set(value, Value::Tensor(tensor));
    }

    pub(super) fn set(&mut self, name: &'a str, value: Value) {
        self.values.insert(name, value);
    }

    /// A sentence for the user.
    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.insert(note.into());
    }

    pub(super) fn notes(&self) -> Vec<String> {
        self.notes.iter().cloned().collect()
    }

    /// A value by its name in the program.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// The value of an argument: `None` if it is not given.
    pub(super) fn argument(&self, call: &Call<'a>, name: &str) -> Option<&Value> {
        self.value(call.argument(name)?.tensor()?)
    }

    /// The activation of an argument, with at least the axes of batch and units.
    pub(super) fn activation(&self, call: &Call<'a>, name: &str) -> Result<Activation, Refusal> {
        let value = self.any_activation(call, name)?;
        match value.axes.rank() {
            0 | 1 => {
                Err(Refusal(format!("its `{name}` has no axes of its own for batch and units")))
            }
            _ => Ok(value),
        }
    }

    /// The activation of an argument, whatever its axes.
    pub(super) fn any_activation(
        &self,
        call: &Call<'a>,
        name: &str,
    ) -> Result<Activation, Refusal> {
        match self.argument(call, name) {
            Some(Value::Activation(activation)) => Ok(activation.clone()),
            Some(Value::Tensor(tensor)) => Err(Refusal(format!(
                "its `{name}` is the tensor `{}`, expected a value that depends on the input",
                tensor.name
            ))),
            Some(Value::Other(operator)) => Err(Refusal(format!(
                "its `{name}` is what {operator} computes, expected a value that depends on the input"
            ))),
            Some(Value::Scores(..)) => Err(Refusal(format!(
                "its `{name}` is a product of queries and keys, which phew knows as a part of an attention only"
            ))),
            Some(Value::Noise) => Err(Refusal(format!("its `{name}` is random"))),
            None => Err(Refusal(format!("its `{name}` is missing"))),
        }
    }

    /// The parameter or buffer of an argument, if it is given.
    pub(super) fn tensor_of(&self, call: &Call<'a>, name: &str) -> Result<Option<Tensor>, Refusal> {
        match self.argument(call, name) {
            None if call.argument(name).is_none() => Ok(None),
            Some(Value::Tensor(tensor)) => {
                if !tensor.saved {
                    return Err(Refusal(format!(
                        "its `{name}` is `{}`, which no state dict holds: make it a parameter or persistent buffer",
                        tensor.name
                    )));
                }
                Ok(Some(tensor.clone()))
            }
            Some(Value::Activation(_) | Value::Scores(..)) => Err(Refusal(format!(
                "its `{name}` depends on the input: phew knows fixed parameters there only"
            ))),
            Some(Value::Other(operator)) => Err(Refusal(format!(
                "its `{name}` is computed by {operator}: remove the parametrisation first \
                 (torch.nn.utils.parametrize.remove_parametrizations)"
            ))),
            Some(Value::Noise) | None => {
                Err(Refusal(format!("its `{name}` is no parameter of the model")))
            }
        }
    }

    /// Appends an operator without tensors that reads these.
    pub(super) fn push(
        &mut self,
        call: &Call<'a>,
        op: impl Into<Op>,
        inputs: &[usize],
        (units, positions): (usize, &[usize]),
    ) -> usize {
        let name = self.name(call);
        self.push_named(call, name, op, inputs, (units, positions), TensorNames::new())
    }

    /// Appends an operator with tensors, each what it is to the operator and its name in the state dict.
    pub(super) fn push_with(
        &mut self,
        call: &Call<'a>,
        op: impl Into<Op>,
        inputs: &[usize],
        (units, positions): (usize, &[usize]),
        tensors: &[(&str, &Tensor)],
    ) -> usize {
        // Named after a tensor that is called as phew would call it: one of the module's own, or else the first.
        let owners = tensors.iter().filter_map(|(role, tensor)| {
            let (owner, last) = names::split(&tensor.name);
            let free = last == *role && !owner.is_empty() && !self.taken.contains(owner);
            free.then(|| owner.to_owned())
        });
        let owners: Vec<String> = owners.collect();
        let module = call.module();
        let owner = owners.iter().find(|owner| **owner == module).or(owners.first()).cloned();
        let name = match owner {
            Some(owner) => {
                self.taken.insert(owner.clone());
                owner
            }
            None => self.name(call),
        };
        let named_otherwise = tensors
            .iter()
            .filter(|(role, tensor)| tensor.name != format!("{name}.{role}"))
            .map(|(role, tensor)| ((*role).to_owned(), tensor.name.clone()))
            .collect();
        self.push_named(call, name, op, inputs, (units, positions), named_otherwise)
    }

    /// Appends an operator without tensors that a call needs beside its own: named after it and what it does.
    pub(super) fn push_beside(
        &mut self,
        call: &Call<'a>,
        what: &str,
        op: impl Into<Op>,
        inputs: &[usize],
        (units, positions): (usize, &[usize]),
    ) -> usize {
        let module = call.module();
        let name = if module.is_empty() { what.to_owned() } else { format!("{module}.{what}") };
        let name = self.free_name(&name, &format!("{}.{what}", call.output()));
        self.push_named(call, name, op, inputs, (units, positions), TensorNames::new())
    }

    /// Appends an operator that does what a view of a value did, unless it is there already.
    fn push_view(
        &mut self,
        call: &Call<'a>,
        value: &Activation,
        op: impl Into<Op>,
        size: (usize, &[usize]),
    ) -> usize {
        let op = op.into();
        let same = |draft: &Draft| draft.inputs == [value.node] && draft.spec.op == op;
        if let Some(there) = self.nodes.iter().position(same) {
            return there;
        }
        let name = self.free_name("", value.view.as_deref().unwrap_or(call.output()));
        self.push_named(call, name, op, &[value.node], size, TensorNames::new())
    }

    fn push_named(
        &mut self,
        call: &Call<'a>,
        name: String,
        op: impl Into<Op>,
        inputs: &[usize],
        (units, positions): (usize, &[usize]),
        tensors: TensorNames,
    ) -> usize {
        let spec = NodeSpec { name, op: op.into(), inputs: Vec::new(), tensors };
        let source = format!("`{}` ({})", call.output(), call.shown());
        let (inputs, positions) = (inputs.to_vec(), positions.to_vec());
        self.nodes.push(Draft { spec, inputs, units, positions, source });
        self.nodes.len() - 1
    }

    /// A free name: the module's path, the node's name, or that with a number.
    fn name(&mut self, call: &Call<'a>) -> String {
        self.free_name(&call.module(), call.output())
    }

    fn free_name(&mut self, module: &str, node: &str) -> String {
        let free = |name: &str, this: &Self| {
            !name.is_empty() && !this.taken.contains(name) && !this.owners.contains(name)
        };
        let within = format!("{module}.{node}");
        let candidates = [module, node, within.as_str()].into_iter().map(str::to_owned);
        let numbered = (2..).map(|n| format!("{node}.{n}"));
        let name = candidates.chain(numbered).find(|name| free(name, self)).unwrap_or_default();
        self.taken.insert(name.clone());
        name
    }

    /// The units and positions of a node.
    pub(super) fn size(&self, node: usize) -> (usize, &[usize]) {
        (self.nodes[node].units, &self.nodes[node].positions)
    }

    /// The part of an axis that runs over the whole batch; nothing if that is one sample.
    pub(super) fn whole_batch(&self) -> Vec<Part> {
        Part::whole(Kind::Batch, self.batch)
    }

    /// Makes an axis hold a node's units in their order and nothing else, by a flatten or a permutation where it does
    /// not.
    pub(super) fn settle_units(
        &mut self,
        call: &Call<'a>,
        value: Activation,
        axis: usize,
    ) -> Result<Activation, Refusal> {
        let (units, positions) = self.size(value.node);
        let area: usize = positions.iter().product();
        let parts = value.axes.axis(axis).to_vec();
        if parts == Part::whole(Kind::Unit, units) {
            return Ok(value);
        }
        let mut flat = Part::whole(Kind::Unit, units);
        flat.extend(Part::whole(Kind::Position, area));
        if parts == flat {
            let size = units * area;
            let node = self.push_view(call, &value, Flatten, (size, &[]));
            let axes = value.axes.with(axis, Part::whole(Kind::Unit, size));
            return Ok(Activation { node, axes, view: None });
        }
        if let [inner, outer] = parts[..]
            && [inner, outer].iter().all(|part| part.kind == Kind::Unit)
            && (inner.stride, outer.stride) == (1, inner.size)
            && inner.size * outer.size == units
        {
            let positions = positions.to_vec();
            let op = Shuffle { rows: outer.size };
            let node = self.push_view(call, &value, op, (units, &positions));
            let axes = value.axes.with(axis, Part::whole(Kind::Unit, units));
            return Ok(Activation { node, axes, view: None });
        }
        if parts == Part::whole(Kind::Position, area)
            && let Some(exchanged) = self.exchanged(call, &value, &[units])
            && exchanged.axes.axis(axis) == Part::whole(Kind::Unit, area)
        {
            return Ok(exchanged);
        }
        let only_units = parts.iter().all(|part| part.kind == Kind::Unit);
        Err(match only_units {
            true => "it reads only some of a layer's units, or a permutation of them that is no transposition".into(),
            false => "it mixes the positions of a map as if they were units".into(),
        })
    }

    /// The same value with its positions as units and its units as these positions; `None` unless besides the batch one axis
    /// holds all units and another all positions.
    pub(super) fn exchanged(
        &mut self,
        call: &Call<'a>,
        value: &Activation,
        positions: &[usize],
    ) -> Option<Activation> {
        let (units, area) = (self.size(value.node).0, self.size(value.node).1.iter().product());
        let (of_units, of_positions) = match value.axes.rank() {
            3 => (Part::whole(Kind::Unit, units), Part::whole(Kind::Position, area)),
            _ => return None,
        };
        let find = |parts: &[Part]| (1..3).find(|&axis| value.axes.axis(axis) == parts);
        let (unit_axis, position_axis) = (find(&of_units)?, find(&of_positions)?);
        if unit_axis == position_axis || positions.iter().product::<usize>() != units {
            return None;
        }
        let image = match *positions {
            [_] => None,
            [rows, columns] => Some([rows, columns]),
            _ => return None,
        };
        let node = self.push_view(call, value, PositionsAsUnits { image }, (area, positions));
        let axes = value.axes.with(unit_axis, Part::whole(Kind::Position, units));
        let axes = axes.with(position_axis, Part::whole(Kind::Unit, area));
        Some(Activation { node, axes, view: None })
    }

    /// The node of a value whose axes are the batch, the units, and so many axes of positions in order.
    pub(super) fn plain(
        &mut self,
        call: &Call<'a>,
        value: Activation,
        maps: usize,
    ) -> Result<usize, Refusal> {
        if value.axes.rank() != maps + 2 {
            return Err(Refusal(format!(
                "it reads a value with {} axes, expected a batch, channels and {maps} axes of positions",
                value.axes.rank()
            )));
        }
        let value = self.settle_units(call, value, 1)?;
        let (units, positions) = self.size(value.node);
        let sizes: Vec<usize> = (2..maps + 2).map(|axis| value.axes.size(axis)).collect();
        if value.axes != Axes::plain(self.batch, units, &sizes) {
            return Err("it reads a map whose axes are in another order".into());
        }
        if positions == sizes {
            return Ok(value.node);
        }
        if sizes.is_empty() {
            // One position: flattening takes its axes away.
            return Ok(self.push_view(call, &value, Flatten, (units, &[])));
        }
        Err(Refusal(format!("it reads a map of {sizes:?} positions that was one of {positions:?}")))
    }

    /// The same value, where it has no axis but those of batch and units as a vector of one position.
    pub(super) fn flat(
        &mut self,
        call: &Call<'a>,
        value: Activation,
    ) -> Result<Activation, Refusal> {
        let area: usize = self.size(value.node).1.iter().product();
        match value.axes.rank() {
            // Positions may stand beside the samples, as in a matrix of all tokens.
            2 if area == 1 => {
                let node = self.plain(call, value.clone(), 0)?;
                let axes = Axes::plain(self.batch, self.size(node).0, &[]);
                Ok(Activation { node, axes, view: None })
            }
            _ => Ok(value),
        }
    }

    /// The node of an output: with its flattens and permutations done, as far as phew has shapes for them.
    pub(super) fn finish(&mut self, call: &Call<'a>, value: Activation) -> Result<usize, Refusal> {
        let Some(maps) = value.axes.rank().checked_sub(2) else {
            return Err("its output has no axes of its own for batch and units".into());
        };
        let axis = if self.is_units_last(&value) { value.axes.rank() - 1 } else { 1 };
        let value = self.settle_units(call, value, axis)?;
        match axis == 1 {
            true => self.plain(call, value, maps),
            false => Ok(value.node),
        }
    }

    /// Whether the last of several axes holds the units alone.
    fn is_units_last(&self, value: &Activation) -> bool {
        let last = value.axes.rank() - 1;
        last > 1 && value.axes.axis(last) == Part::whole(Kind::Unit, self.size(value.node).0)
    }

    /// The value of a new node under the axes of a plain tensor.
    pub(super) fn plain_value(&self, node: usize) -> Value {
        let (units, positions) = self.size(node);
        let axes = Axes::plain(self.batch, units, positions);
        Value::Activation(Activation { node, axes, view: None })
    }
}
