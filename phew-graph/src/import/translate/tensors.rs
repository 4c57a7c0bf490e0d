//! Calls that read no value which depends on the input: parameters under views, reparametrised weights, random numbers.

use super::super::builder::Builder;
use super::super::call::Call;
use super::super::names;
use super::super::value::{Tensor, Value};

/// Views that keep all of a tensor's scalars in their order.
const VIEWS: [&str; 15] = [
    "view",
    "reshape",
    "flatten",
    "unflatten",
    "squeeze",
    "unsqueeze",
    "expand",
    "repeat",
    "contiguous",
    "clone",
    "detach",
    "alias",
    "to",
    "_to_copy",
    "lift_fresh_copy",
];

/// Operators that make random numbers, or change what holds them.
const RANDOM: [&str; 6] = ["bernoulli", "rand", "rand_like", "empty", "new_empty", "empty_like"];

/// What a call makes of tensors.
pub(in super::super) fn of_tensors<'a>(builder: &Builder<'a>, call: &Call<'a>) -> Value {
    let name = call.name();
    let plain = name.strip_suffix('_').unwrap_or(name);
    let read: Vec<&Value> = call
        .node
        .inputs
        .iter()
        .filter_map(|argument| builder.value(argument.arg.tensor()?))
        .collect();
    match read[..] {
        _ if RANDOM.contains(&plain) => Value::Noise,
        [Value::Noise] => Value::Noise,
        [Value::Tensor(tensor)] if VIEWS.contains(&plain) => match call.shape() {
            Ok(shape) => Value::Tensor(Tensor { shape, ..tensor.clone() }),
            Err(_) => Value::Other(call.operator().to_owned()),
        },
        [Value::Tensor(a), Value::Tensor(b)] if matches!(plain, "_weight_norm" | "mul") => {
            reparametrised(plain, a, b).unwrap_or_else(|| Value::Other(call.operator().to_owned()))
        }
        _ => Value::Other(call.operator().to_owned()),
    }
}

/// The weight that two parts make: under weight norm, or pruned by `torch.nn.utils.prune`.
fn reparametrised(operator: &str, a: &Tensor, b: &Tensor) -> Option<Value> {
    let (whole, other) = (names::whole(&a.name)?, names::whole(&b.name)?);
    let pruned = [&a.name, &b.name].iter().any(|name| name.ends_with("_orig"));
    let larger =
        if a.stored.iter().product::<usize>() >= b.stored.iter().product() { a } else { b };
    ((operator == "_weight_norm" || pruned) && whole == other).then(|| {
        let shape = larger.stored.clone();
        Value::Tensor(Tensor { name: whole, stored: shape.clone(), shape, saved: true })
    })
}
