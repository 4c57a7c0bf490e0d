//! Attention: as one call, or in pieces, as products, a softmax, and products again.

use super::super::axes::{Axes, Kind, Part};
use super::super::builder::{Builder, Translator};
use super::super::call::{Call, Refusal};
use super::super::value::{Activation, Scores, Value};
use crate::arch::op::Attention;

type Result<T = Vec<Value>> = std::result::Result<T, Refusal>;

/// The pieces of an attention that read products of queries and keys.
const PIECES: &[(&str, Translator)] = &[
    ("mul", scaled),
    ("div", scaled),
    ("softmax", softmax),
    ("_softmax", softmax),
    ("matmul", with_values),
    ("bmm", with_values),
    ("causal", causal),
    ("dropout", unchanged),
    ("alias", unchanged),
    ("contiguous", unchanged),
    ("clone", unchanged),
    ("to", unchanged),
    ("_to_copy", unchanged),
];

/// What a call makes of products of queries and keys: known if it is a piece of an attention, and of no use else.
pub(in super::super) fn of_scores<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Vec<Value> {
    let piece = PIECES.iter().find(|(name, _)| *name == call.name());
    let made = match piece {
        Some((_, translate)) => translate(builder, call),
        None => Err("phew knows products of queries and keys as parts of an attention only".into()),
    };
    made.unwrap_or_else(|Refusal(reason)| {
        vec![Value::Other(format!("{} ({reason})", call.operator()))]
    })
}

pub(super) fn scaled_dot_product_attention<'a>(
    builder: &mut Builder<'a>,
    call: &Call<'a>,
) -> Result {
    if call.argument("attn_mask").is_some() {
        return Err("it has a mask: phew knows attention to all positions, and causal attention \
                    (is_causal=True)"
            .into());
    }
    if call.bool("enable_gqa", false)? {
        return Err("its keys have fewer heads than its queries".into());
    }
    if call.number("dropout_p", 0.0)? > 0.0 {
        builder.note("dropout is left out");
    }
    let [query, key, value] = ["query", "key", "value"].map(|name| builder.activation(call, name));
    let (query, key) = (query?, key?);
    let scale = call.argument("scale").map(|_| call.number("scale", 1.0)).transpose()?;
    let scores = Scores { query, key, scale: None, causal: call.bool("is_causal", false)? };
    attend(builder, call, &Scores { scale, ..scores }, &value?)
}

/// Products of two values: of queries and keys.
pub(super) fn matmul<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let [query, mut key] = two(builder, call)?;
    let rank = key.axes.rank();
    let mut order: Vec<usize> = (0..rank).collect();
    order.swap(rank - 2, rank - 1);
    key.axes = key.axes.permuted(&order);
    let heads = Heads::of(builder, &query, "first factor")?;
    heads.expect(&Heads::of(builder, &key, "second factor")?)?;
    Ok(vec![Value::Scores(Scores { query, key, scale: Some(1.0), causal: false }, false)])
}

/// Both arguments of a product of values.
fn two<'a>(builder: &Builder<'a>, call: &Call<'a>) -> Result<[Activation; 2]> {
    let read = |place: usize| {
        let name = call.place(place).and_then(|argument| argument.tensor());
        match name.and_then(|name| builder.value(name)) {
            Some(Value::Activation(value)) if value.axes.rank() >= 2 => Ok(value.clone()),
            Some(Value::Tensor(tensor)) => Err(Refusal(format!(
                "it multiplies by the matrix `{}`: write it as a linear layer (torch.nn.functional.linear)",
                tensor.name
            ))),
            _ => Err("it is no product of two values that depend on the input".into()),
        }
    };
    Ok([read(0)?, read(1)?])
}

/// The products that a piece reads as its first argument, and whether softmax is done.
fn scores<'a>(builder: &Builder<'a>, call: &Call<'a>) -> Result<(Scores, bool)> {
    let name = call.place(0).and_then(|argument| argument.tensor());
    match name.and_then(|name| builder.value(name)) {
        Some(Value::Scores(scores, done)) => Ok((scores.clone(), *done)),
        _ => Err("its first argument is none".into()),
    }
}

fn scaled<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let (scores, done) = scores(builder, call)?;
    let number = call.place(1).and_then(|argument| argument.number());
    let (Some(number), false) = (number, done) else {
        return Err("it is no fixed factor before the softmax".into());
    };
    let factor = if call.name() == "div" { 1.0 / number } else { number };
    let scale = scores.scale.map(|scale| scale * factor);
    Ok(vec![Value::Scores(Scores { scale, ..scores }, false)])
}

/// What hides from each query the keys behind it: a mask that was added, of a format that writes attention in pieces.
fn causal<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    match scores(builder, call)? {
        (_, true) => Err("it hides keys behind the softmax".into()),
        (scores, false) => Ok(vec![Value::Scores(Scores { causal: true, ..scores }, false)]),
    }
}

fn softmax<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let (scores, done) = scores(builder, call)?;
    let rank = scores.query.axes.rank();
    if done || call.axis("dim", -1, rank)? != rank - 1 {
        return Err("it is no softmax over the keys".into());
    }
    Ok(vec![Value::Scores(scores, true)])
}

fn unchanged<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    if call.name() == "dropout" && call.number("p", 0.0)? > 0.0 && call.bool("train", false)? {
        builder.note("dropout is left out");
    }
    let (scores, done) = scores(builder, call)?;
    Ok(vec![Value::Scores(scores, done)])
}

fn with_values<'a>(builder: &mut Builder<'a>, call: &Call<'a>) -> Result {
    let (scores, done) = scores(builder, call)?;
    let name = call.place(1).and_then(|argument| argument.tensor());
    match name.and_then(|name| builder.value(name)).cloned() {
        Some(Value::Activation(value)) if done => attend(builder, call, &scores, &value),
        _ => Err("it is no product of a softmax over keys with values".into()),
    }
}

/// How a value holds heads: axes of batch and heads, then positions, then the units of a head.
struct Heads {
    heads: usize,
    /// Units of a head.
    units: usize,
    /// The axes before positions and units.
    before: Axes,
}

impl Heads {
    fn of(builder: &Builder<'_>, value: &Activation, role: &str) -> Result<Self> {
        let wrong = || {
            Refusal(format!(
                "its {role} is not laid out as an attention's: batch and heads, positions, units of a head, where the \
                 units of a head stand one after the other"
            ))
        };
        let (units, positions) = builder.size(value.node);
        let area: usize = positions.iter().product();
        let rank = value.axes.rank();
        let before = value.axes.without(rank - 1).without(rank - 2);
        let own = value.axes.size(rank - 1);
        let heads = units.checked_div(own).ok_or_else(wrong)?;
        let outer = Part { kind: Kind::Unit, size: heads, stride: own };
        let mut found: Vec<Part> =
            (0..before.rank()).flat_map(|axis| before.axis(axis)).copied().collect();
        // What is left of the axes before is the batch.
        if heads > 1 {
            let place = found.iter().position(|&part| part == outer).ok_or_else(wrong)?;
            found.remove(place);
        }
        let fits = value.axes.axis(rank - 1) == Part::whole(Kind::Unit, own)
            && value.axes.axis(rank - 2) == Part::whole(Kind::Position, area)
            && found == builder.whole_batch()
            && heads * own == units;
        if fits { Ok(Self { heads, units: own, before }) } else { Err(wrong()) }
    }

    fn expect(&self, other: &Self) -> Result<()> {
        if (self.heads, self.units) == (other.heads, other.units) && self.before == other.before {
            return Ok(());
        }
        Err(Refusal(format!(
            "its queries have {} heads of {} units, its keys or values {} of {}: phew's attention has as many of each",
            self.heads, self.units, other.heads, other.units
        )))
    }
}

/// The attention itself.
fn attend<'a>(
    builder: &mut Builder<'a>,
    call: &Call<'a>,
    scores: &Scores,
    value: &Activation,
) -> Result {
    let Scores { query, key, scale, causal } = scores;
    let heads = Heads::of(builder, query, "query")?;
    heads.expect(&Heads::of(builder, key, "key")?)?;
    heads.expect(&Heads::of(builder, value, "value")?)?;
    let (units, positions) = builder.size(query.node);
    let positions = positions.to_vec();
    let scale = scale.filter(|&scale| !is_default(scale, heads.units));
    let op = Attention { heads: heads.heads, causal: *causal, scale };
    let nodes = [query.node, key.node, value.node];
    let node = builder.push(call, op, &nodes, (units, &positions));
    Ok(vec![Value::Activation(Activation { node, axes: query.axes.clone(), view: None })])
}

/// Whether a factor is the one over the root of a head's units, as far as f32 tells.
fn is_default(scale: f64, units: usize) -> bool {
    (scale * (units as f64).sqrt() - 1.0).abs() < f64::from(f32::EPSILON)
}
