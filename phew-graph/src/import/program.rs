//! From a program to an architecture: its inputs, its operators one after the other, and its output.

use std::collections::BTreeMap;

use super::axes::Axes;
use super::builder::{Builder, Draft};
use super::call::{Call, Refusal};
use super::translate::translator;
use super::value::{Tensor, Value};
use crate::arch::{Arch, Op};
use crate::error::{GraphError, list};
use crate::pt2::{Program, TensorMeta};

/// Operators that make no value and mean nothing to a network's structure.
const PASSED_OVER: [&str; 4] =
    ["_assert_scalar", "_assert_tensor_metadata", "sym_constrain_range", "_assert_async"];

/// The architecture of a program, and a sentence for each thing that was left out.
pub(super) fn translate(
    program: &Program,
    origin: &str,
    name: &str,
) -> Result<(Arch, Vec<String>), GraphError> {
    // Of a sequence the program does not say which axis holds its units: what reads it first tells mostly, and if it
    // does not, only one of both fits.
    let likely = starts_with_units_last(program);
    let first = translate_with(program, origin, name, likely);
    // Units and positions are exchanged where they must be, and not because the wrong ones were taken for units.
    let exchanges = |(arch, _): &(Arch, Vec<String>)| {
        arch.nodes().iter().filter(|node| matches!(node.op, Op::PositionsAsUnits(_))).count()
    };
    match &first {
        Ok(found) if exchanges(found) == 0 => first,
        _ if !is_sequence(program) => first,
        _ => match (translate_with(program, origin, name, !likely), first) {
            (Ok(other), Err(_)) => Ok(other),
            (Ok(other), Ok(found)) if exchanges(&other) < exchanges(&found) => Ok(other),
            (_, first) => first,
        },
    }
}

fn translate_with(
    program: &Program,
    origin: &str,
    name: &str,
    units_last: bool,
) -> Result<(Arch, Vec<String>), GraphError> {
    let whole = |reason: String| GraphError::Import {
        origin: origin.to_owned(),
        node: "the program".into(),
        module: Box::default(),
        reason: reason.into(),
    };
    let mut builder = start(program, units_last).map_err(|Refusal(reason)| whole(reason))?;
    let metas = &program.graph_module.graph.tensor_values;
    for node in &program.graph_module.graph.nodes {
        let call = Call { node, metas };
        run(&mut builder, &call).map_err(|Refusal(reason)| refused(origin, &call, reason))?;
    }
    let output = output(program, &mut builder).map_err(|Refusal(reason)| whole(reason))?;
    let drafts = reached(&builder.nodes, output);
    let arch = Arch::new(name, drafts.iter().map(|draft| draft.spec.clone()).collect())?;
    check_shapes(origin, &arch, &drafts)?;
    Ok((arch, builder.notes()))
}

/// An error about a call.
fn refused(origin: &str, call: &Call<'_>, reason: String) -> GraphError {
    let module = |(path, class): (&str, &str)| {
        let class = class.rsplit('.').next().unwrap_or(class);
        format!("{} ({class})", if path.is_empty() { "the model" } else { path })
    };
    let modules: Vec<String> = call.modules().into_iter().map(module).collect();
    GraphError::Import {
        origin: origin.to_owned(),
        node: format!("`{}` ({})", call.output(), call.shown()),
        module: modules.join(" > ").into(),
        reason: reason.into(),
    }
}

/// The inputs of the program that operators read.
fn inputs(program: &Program) -> Vec<&str> {
    let module = &program.graph_module;
    let reads = |input: &str| {
        let mut named = module.graph.nodes.iter().flat_map(|node| &node.inputs);
        named.any(|argument| {
            argument.arg.tensor() == Some(input)
                || argument.arg.tensors().is_some_and(|names| names.contains(&input))
        })
    };
    module.signature.inputs().into_iter().filter(|input| reads(input)).collect()
}

/// Whether the input is a batch of sequences.
fn is_sequence(program: &Program) -> bool {
    let metas = &program.graph_module.graph.tensor_values;
    let input = inputs(program).first().and_then(|input| metas.get(*input)?.shape());
    input.is_some_and(|shape| shape.len() == 3)
}

/// Whether the input is a batch of sequences whose units are the last axis, as far as its first reader tells.
fn starts_with_units_last(program: &Program) -> bool {
    let first = inputs(program).first().copied();
    is_sequence(program) && first.is_some_and(|input| first_reader_is_linear(program, input))
}

/// A builder that knows the inputs of the program.
fn start(program: &Program, units_last: bool) -> Result<Builder<'_>, Refusal> {
    let module = &program.graph_module;
    let metas = &module.graph.tensor_values;
    let inputs = inputs(program);
    let [input] = inputs[..] else {
        return Err(Refusal(match inputs.len() {
            0 => "no operator reads an input".into(),
            _ => format!(
                "it reads the inputs {}: phew's networks have one; wrap the model in one that makes the others itself",
                list(&inputs)
            ),
        }));
    };
    let shape = |name: &str| {
        let shape = metas.get(name).and_then(TensorMeta::shape);
        shape.ok_or_else(|| Refusal(format!("the shape of `{name}` is not in the file")))
    };
    let sizes = shape(input)?;
    // Codes of whole numbers and truth values.
    if metas.get(input).is_some_and(|meta| matches!(meta.dtype, 1..=5 | 12)) {
        return Err(Refusal(format!(
            "its input `{input}` holds whole numbers (tokens?): export the part of the model that follows the embedding"
        )));
    }
    let (&batch, rest) = sizes.split_first().ok_or("its input is a single number")?;
    let mut builder = Builder::new(batch);
    if sizes.contains(&0) {
        return Err(Refusal(format!("its input has the shape {sizes:?}: export it with values")));
    }
    if (1..sizes.len()).any(|axis| metas.get(input).is_some_and(|meta| meta.is_symbolic(axis))) {
        builder.note(format!(
            "sizes of the input besides the batch are symbolic: taken as at export, {rest:?}"
        ));
    }
    match *rest {
        [] => {
            return Err(
                "its input has one axis: export it with a batch, as in model(x[None])".into()
            );
        }
        [positions, units] if units_last => {
            let axes = Axes::units_last(batch, &[positions], units);
            builder.input(input, units, &[positions], axes);
        }
        [units, ref positions @ ..] => {
            builder.input(input, units, positions, Axes::plain(batch, units, positions));
        }
    }
    if builder.nodes[0].shape().is_none() {
        return Err(Refusal(format!(
            "its input has the shape {sizes:?}, expected a batch of vectors, sequences or images"
        )));
    }
    for (value, name, saved) in module.signature.tensors() {
        let shape = shape(value)?;
        let tensor = Tensor { name: name.to_owned(), stored: shape.clone(), shape, saved };
        builder.tensor(value, tensor);
    }
    Ok(builder)
}

/// Whether the first operator that reads a value has its units on the last axis.
fn first_reader_is_linear(program: &Program, value: &str) -> bool {
    const UNITS_LAST: [&str; 2] = ["linear", "layer_norm"];
    let metas = &program.graph_module.graph.tensor_values;
    let calls = || program.graph_module.graph.nodes.iter().map(|node| Call { node, metas });
    let reader = calls().find(|call| {
        call.node.inputs.iter().any(|argument| argument.arg.tensor() == Some(value))
            && !call.outputs().is_empty()
    });
    reader.is_some_and(|call| {
        let passes = ["dropout", "add", "mul", "gelu", "relu"].contains(&call.name());
        UNITS_LAST.contains(&call.name())
            || passes && first_reader_is_linear(program, call.output())
    })
}

/// Translates a call, whose outputs are known afterwards.
fn run<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result<(), Refusal> {
    if PASSED_OVER.contains(&call.name()) || call.outputs().is_empty() {
        return Ok(());
    }
    let read = call.node.inputs.iter().flat_map(|argument| {
        argument.arg.tensor().into_iter().chain(argument.arg.tensors().into_iter().flatten())
    });
    let read: Vec<&Value> = read.filter_map(|name| builder.value(name)).collect();
    let active = read.iter().any(|value| matches!(value, Value::Activation(_)));
    let scores = read.iter().any(|value| matches!(value, Value::Scores(..)));
    let translator = translator(call.name()).filter(|_| call.is_aten());
    let values = match translator {
        _ if scores => super::translate::of_scores(builder, call),
        Some(translate) if active => translate(builder, call)?,
        // What does not depend on the input: of tensors, and of nothing.
        _ if !active => vec![super::translate::of_tensors(builder, call)],
        _ => {
            return Err(Refusal(format!(
                "phew has no operator `{}`: write this part of the model with others (docs/operators.md lists them), \
                 or export the model without it",
                call.operator()
            )));
        }
    };
    // An operator in place changes what its first argument is to all that follow.
    let in_place = active && call.name().ends_with('_');
    let changed = call.place(0).and_then(|argument| argument.tensor()).filter(|_| in_place);
    for (name, value) in changed.into_iter().zip(values.clone()) {
        builder.set(name, value);
    }
    for (name, value) in call.outputs().into_iter().zip(values) {
        builder.set(name, value);
    }
    Ok(())
}

/// The node of the output.
fn output<'a>(program: &'a Program, builder: &mut Builder<'a>) -> Result<usize, Refusal> {
    let signature = &program.graph_module.signature;
    let outputs: Vec<&str> = signature.outputs();
    let active: Vec<&str> = outputs
        .iter()
        .copied()
        .filter(|name| matches!(builder.value(name), Some(Value::Activation(_))))
        .collect();
    let first = match active[..] {
        [] => return Err("no output depends on the input".into()),
        [one] => one,
        [first, ref others @ ..] => {
            builder.note(format!(
                "of several outputs the first, `{first}`, is taken; what only {} need is left out",
                list(others)
            ));
            first
        }
    };
    let Some(Value::Activation(value)) = builder.value(first).cloned() else {
        unreachable!("outputs that depend on the input were chosen");
    };
    // The last view may be a flatten: done as by a call of that name.
    let metas = &program.graph_module.graph.tensor_values;
    let makes = |call: &Call<'_>| call.outputs().contains(&first);
    let calls = program.graph_module.graph.nodes.iter().map(|node| Call { node, metas });
    match calls.rev().find(makes) {
        Some(call) => builder.finish(&call, value),
        None => Ok(value.node),
    }
}

/// The operators that lead to the output, which comes last, with their inputs by name.
fn reached(nodes: &[Draft], output: usize) -> Vec<Draft> {
    let mut needed = vec![false; nodes.len()];
    needed[output] = true;
    for index in (0..=output).rev() {
        if needed[index] {
            nodes[index].inputs.iter().for_each(|&input| needed[input] = true);
        }
    }
    // The input is one even if a constant output does not need it.
    needed[0] = true;
    let mut reached = Vec::new();
    for (draft, _) in nodes.iter().zip(&needed).filter(|(_, needed)| **needed) {
        let mut draft = draft.clone();
        draft.spec.inputs =
            draft.inputs.iter().map(|&input| nodes[input].spec.name.clone()).collect();
        reached.push(draft);
    }
    reached
}

/// Compares the shapes that the architecture infers with those of the program.
fn check_shapes(origin: &str, arch: &Arch, drafts: &[Draft]) -> Result<(), GraphError> {
    let drafts: BTreeMap<&str, &Draft> =
        drafts.iter().map(|draft| (draft.spec.name.as_str(), draft)).collect();
    for node in arch.nodes() {
        let draft = drafts[node.name.as_str()];
        if draft.shape() != Some(node.shape) {
            return Err(GraphError::Import {
                origin: origin.to_owned(),
                node: draft.source.clone(),
                module: Box::default(),
                reason: format!(
                    "phew makes a map of {} of it, where PyTorch has {} units at {:?} positions",
                    node.shape, draft.units, draft.positions
                )
                .into(),
            });
        }
    }
    Ok(())
}
