//! What a file computes of sizes and fixed numbers: evaluated here, as far as networks need it.

use super::model::Node;

/// Most numbers of a constant that is computed with.
pub(super) const MOST: usize = 1 << 20;

/// An array of fixed numbers. Whole numbers up to 2⁵³ are exact, and no size is larger.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Constant {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f64>,
    /// Whether they are whole numbers or truth values, whose quotients are rounded.
    pub(super) whole: bool,
}

impl Constant {
    /// A list of sizes.
    pub(super) fn sizes(sizes: &[usize]) -> Self {
        let values = sizes.iter().map(|&size| size as f64).collect();
        Self { shape: vec![sizes.len()], values, whole: true }
    }

    /// The one number that it is.
    pub(super) fn number(&self) -> Option<f64> {
        match self.values[..] {
            [value] => Some(value),
            _ => None,
        }
    }

    /// Its numbers, if they are whole.
    pub(super) fn ints(&self) -> Option<Vec<i64>> {
        // Beyond the range, "to the end" is meant.
        self.whole.then(|| self.values.iter().map(|&value| value as i64).collect())
    }

    /// Whether it hides, of queries and keys on its last two axes, the keys behind each query and nothing else.
    pub(super) fn is_causal(&self) -> bool {
        // Masks of half precision hide by −65504, others by as much as their type holds.
        const HIDDEN: f64 = -1e4;
        let [.., queries, keys] = self.shape[..] else { return false };
        let fits = |(place, &value): (usize, &f64)| {
            let (query, key) = (place / keys % queries, place % keys);
            if key > query { value <= HIDDEN } else { value.abs() < f64::MIN_POSITIVE }
        };
        queries == keys && queries > 1 && self.values.iter().enumerate().all(fits)
    }

    /// Whether every number is this one.
    pub(super) fn is_all(&self, number: f64) -> bool {
        self.values.iter().all(|value| value.total_cmp(&number).is_eq())
    }
}

/// What an operator makes of constants; `None` if it is not known.
pub(super) fn evaluate(node: &Node, inputs: &[&Constant]) -> Option<Constant> {
    let &first = inputs.first()?;
    let each = |f: fn(f64) -> f64| {
        Some(Constant { values: first.values.iter().map(|&x| f(x)).collect(), ..first.clone() })
    };
    let two = |f: fn(f64, f64) -> f64| broadcast(first, inputs.get(1)?, f);
    let truth = |f: fn(f64, f64) -> bool| {
        let both =
            broadcast(first, inputs.get(1)?, |a, b| if a < b { -1.0 } else { (a > b).into() });
        both.map(|c| Constant {
            values: c.values.iter().map(|&order| f(order, 0.0).into()).collect(),
            whole: true,
            ..c
        })
    };
    match node.operator.as_str() {
        "Add" => two(|a, b| a + b),
        "Sub" => two(|a, b| a - b),
        "Mul" => two(|a, b| a * b),
        "Div" if first.whole => two(|a, b| (a / b).trunc()),
        "Div" => two(|a, b| a / b),
        "Mod" => two(|a, b| a - (a / b).floor() * b),
        "Pow" => two(libm::pow),
        "Max" => two(f64::max),
        "Min" => two(f64::min),
        "Equal" => truth(|a, b| a.total_cmp(&b).is_eq()),
        "Greater" => truth(|a, b| a > b),
        "GreaterOrEqual" => truth(|a, b| a >= b),
        "Less" => truth(|a, b| a < b),
        "LessOrEqual" => truth(|a, b| a <= b),
        "Not" => each(|a| 1.0 - a),
        "Neg" => each(|a| -a),
        "Sqrt" => each(f64::sqrt),
        "Floor" => each(f64::floor),
        "Ceil" => each(f64::ceil),
        "Identity" => Some(first.clone()),
        "Cast" => {
            let whole = matches!(node.int("to", 1), 2..=7 | 9 | 12 | 13);
            let cast = if whole { f64::trunc } else { |x| x };
            let values = first.values.iter().map(|&x| cast(x)).collect();
            Some(Constant { values, whole, ..first.clone() })
        }
        "Where" => {
            let [condition, yes, no] = inputs else { return None };
            let marked = broadcast(condition, yes, |c, y| if c > 0.0 { y } else { f64::NAN })?;
            let values = broadcast(&marked, no, |m, n| if m.is_nan() { n } else { m })?;
            Some(Constant { whole: yes.whole, ..values })
        }
        "Concat" => concat(inputs, node.int("axis", 0)),
        "Gather" => gather(first, inputs.get(1)?, node.int("axis", 0)),
        "Slice" => slice(first, inputs),
        "Reshape" => {
            let shape = reshaped(&first.shape, &inputs.get(1)?.ints()?, false)?;
            Some(Constant { shape, ..first.clone() })
        }
        "Unsqueeze" | "Squeeze" => {
            let axes = inputs.get(1).and_then(|axes| axes.ints());
            let shape = match node.operator.as_str() {
                "Unsqueeze" => unsqueezed(&first.shape, &axes?)?,
                _ => squeezed(&first.shape, axes.as_deref())?,
            };
            Some(Constant { shape, ..first.clone() })
        }
        "Expand" => {
            let ones = filled(&inputs.get(1)?.ints()?, 1.0)?;
            broadcast(first, &ones, |a, _| a)
        }
        "ConstantOfShape" => {
            let value = node.attribute("value").and_then(|value| value.tensor.as_ref());
            let of = value.and_then(constant);
            let made =
                filled(&first.ints()?, of.as_ref().and_then(Constant::number).unwrap_or(0.0));
            Some(Constant { whole: of.is_some_and(|of| of.whole), ..made? })
        }
        "Trilu" => {
            let offset = inputs.get(1).and_then(|k| k.number()).unwrap_or(0.0) as i64;
            let upper = node.int("upper", 1) == 1;
            let [.., rows, columns] = first.shape[..] else { return None };
            let keep = |place: usize| {
                let (row, column) = ((place / columns % rows) as i64, (place % columns) as i64);
                if upper { column - row >= offset } else { column - row <= offset }
            };
            let values = first.values.iter().enumerate();
            let values = values.map(|(i, &v)| if keep(i) { v } else { 0.0 }).collect();
            Some(Constant { values, ..first.clone() })
        }
        "Range" => {
            let [start, limit, step] = [0, 1, 2].map(|i| inputs.get(i).and_then(|c| c.number()));
            let (start, step) = (start?, step?);
            let count = ((limit? - start) / step).ceil().max(0.0);
            if count.is_nan() || count >= MOST as f64 {
                return None;
            }
            let values: Vec<f64> = (0..count as usize).map(|i| start + i as f64 * step).collect();
            Some(Constant { shape: vec![values.len()], values, whole: first.whole })
        }
        _ => None,
    }
}

/// The numbers of a small tensor that lies in the file itself.
pub(super) fn constant(tensor: &super::model::Tensor) -> Option<Constant> {
    let shape = super::tensors::shape(tensor)?;
    let count = shape.iter().try_fold(1_usize, |count, &size| count.checked_mul(size))?;
    if count > MOST || tensor.location == 1 {
        return None;
    }
    let raw = &tensor.raw[..];
    fn of<const SIZE: usize>(raw: &[u8], number: fn([u8; SIZE]) -> f64) -> Vec<f64> {
        raw.as_chunks().0.iter().map(|&bytes| number(bytes)).collect()
    }
    let values: Vec<f64> = match (tensor.data_type, raw.is_empty()) {
        (1, true) => tensor.floats.iter().map(|&x| x.into()).collect(),
        (1, false) => of(raw, |bytes| f32::from_le_bytes(bytes).into()),
        (11, true) => tensor.doubles.clone(),
        (11, false) => of(raw, f64::from_le_bytes),
        (10, false) => of(raw, |bytes| half::f16::from_le_bytes(bytes).to_f64()),
        (16, false) => of(raw, |bytes| half::bf16::from_le_bytes(bytes).to_f64()),
        (7, true) => tensor.longs.iter().map(|&n| n as f64).collect(),
        (7, false) => of(raw, |bytes| i64::from_le_bytes(bytes) as f64),
        (2..=6 | 9, true) => tensor.ints.iter().map(|&n| n.into()).collect(),
        (6, false) => of(raw, |bytes| i32::from_le_bytes(bytes).into()),
        (2 | 9, false) => raw.iter().map(|&n| n.into()).collect(),
        _ => return None,
    };
    let whole = !matches!(tensor.data_type, 1 | 10 | 11 | 16);
    (values.len() == count).then_some(Constant { shape, values, whole })
}

fn filled(sizes: &[i64], value: f64) -> Option<Constant> {
    let shape: Vec<usize> =
        sizes.iter().map(|&n| usize::try_from(n).ok()).collect::<Option<_>>()?;
    let count = shape.iter().try_fold(1_usize, |count, &size| count.checked_mul(size))?;
    (count <= MOST).then(|| Constant { shape, values: vec![value; count], whole: true })
}

/// The shape that two have when sizes of 1 are repeated.
pub(super) fn common_shape(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let size = |shape: &[usize], axis: usize| {
        (axis + shape.len()).checked_sub(rank).map_or(1, |place| shape[place])
    };
    (0..rank)
        .map(|axis| match (size(a, axis), size(b, axis)) {
            (a, b) if a == b || b == 1 => Some(a),
            (1, b) => Some(b),
            _ => None,
        })
        .collect()
}

fn broadcast(a: &Constant, b: &Constant, f: impl Fn(f64, f64) -> f64) -> Option<Constant> {
    let shape = common_shape(&a.shape, &b.shape)?;
    let count = shape.iter().try_fold(1_usize, |count, &size| count.checked_mul(size))?;
    if count > MOST {
        return None;
    }
    let index = |own: &[usize], mut place: usize| {
        let (mut index, mut stride) = (0, 1);
        for (axis, &size) in shape.iter().enumerate().rev() {
            let at = place % size;
            place /= size;
            if let Some(own_axis) = (axis + own.len()).checked_sub(shape.len()) {
                index += if own[own_axis] == 1 { 0 } else { at * stride };
                stride *= own[own_axis];
            }
        }
        index
    };
    let value = |place| f(a.values[index(&a.shape, place)], b.values[index(&b.shape, place)]);
    let values = (0..count).map(value).collect();
    Some(Constant { shape, values, whole: a.whole && b.whole })
}

/// An axis that may be counted from the last.
pub(super) fn axis_of(axis: i64, rank: usize) -> Option<usize> {
    let first = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(first).ok().filter(|&axis| axis < rank)
}

fn concat(inputs: &[&Constant], axis: i64) -> Option<Constant> {
    let axis = axis_of(axis, inputs[0].shape.len())?;
    let mut shape = inputs[0].shape.clone();
    shape[axis] = inputs.iter().map(|c| c.shape.get(axis).copied().unwrap_or(0)).sum();
    let outer: usize = shape[..axis].iter().product();
    let mut values = Vec::new();
    for row in 0..outer {
        for input in inputs {
            let block = input.values.len() / outer.max(1);
            values.extend_from_slice(&input.values[row * block..(row + 1) * block]);
        }
    }
    let whole = inputs.iter().all(|c| c.whole);
    (values.len() == shape.iter().product::<usize>()).then_some(Constant { shape, values, whole })
}

fn gather(from: &Constant, indices: &Constant, axis: i64) -> Option<Constant> {
    let axis = axis_of(axis, from.shape.len())?;
    let size = from.shape[axis];
    let outer: usize = from.shape[..axis].iter().product();
    let inner: usize = from.shape[axis + 1..].iter().product();
    let picked: Vec<usize> =
        indices.ints()?.into_iter().map(|i| axis_of(i, size)).collect::<Option<_>>()?;
    let mut values = Vec::with_capacity(outer * picked.len() * inner);
    for row in 0..outer {
        for &index in &picked {
            let at = (row * size + index) * inner;
            values.extend_from_slice(&from.values[at..at + inner]);
        }
    }
    let shape = [&from.shape[..axis], &indices.shape, &from.shape[axis + 1..]].concat();
    Some(Constant { shape, values, whole: from.whole })
}

/// Slices of one axis, as files take of shapes.
fn slice(from: &Constant, inputs: &[&Constant]) -> Option<Constant> {
    let rank = from.shape.len();
    let ints = |place: usize| inputs.get(place).map(|c| c.ints());
    let (starts, ends) = (ints(1)??, ints(2)??);
    let axes = match ints(3) {
        Some(axes) => axes?,
        None => (0..starts.len() as i64).collect(),
    };
    let steps = ints(4).flatten().unwrap_or_else(|| vec![1; starts.len()]);
    let mut made = from.clone();
    for (((&start, &end), &axis), &step) in starts.iter().zip(&ends).zip(&axes).zip(&steps) {
        let axis = axis_of(axis, rank)?;
        let size = made.shape[axis] as i64;
        let clamp = |n: i64| if n < 0 { n.saturating_add(size) } else { n }.clamp(0, size);
        if step != 1 {
            return None;
        }
        let picked: Vec<f64> = (clamp(start)..clamp(end)).map(|i| i as f64).collect();
        let indices = Constant { shape: vec![picked.len()], values: picked, whole: true };
        made = gather(&made, &indices, axis as i64)?;
    }
    Some(made)
}

/// The shape that a reshape asks for: −1 is what is left, 0 the size that is there (unless `allow_zero`).
pub(super) fn reshaped(from: &[usize], to: &[i64], allow_zero: bool) -> Option<Vec<usize>> {
    let all: usize = from.iter().product();
    let mut shape = Vec::with_capacity(to.len());
    let mut open = None;
    for (axis, &size) in to.iter().enumerate() {
        shape.push(match size {
            -1 if open.is_none() => {
                open = Some(axis);
                1
            }
            0 if !allow_zero => *from.get(axis)?,
            size => usize::try_from(size).ok()?,
        });
    }
    let known = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size))?;
    if let Some(axis) = open {
        shape[axis] = all.checked_div(known)?;
    }
    (shape.iter().product::<usize>() == all).then_some(shape)
}

pub(super) fn unsqueezed(from: &[usize], axes: &[i64]) -> Option<Vec<usize>> {
    let rank = from.len() + axes.len();
    let new: Vec<usize> = axes.iter().map(|&axis| axis_of(axis, rank)).collect::<Option<_>>()?;
    let mut rest = from.iter().copied();
    (0..rank).map(|axis| if new.contains(&axis) { Some(1) } else { rest.next() }).collect()
}

pub(super) fn squeezed(from: &[usize], axes: Option<&[i64]>) -> Option<Vec<usize>> {
    let gone: Vec<usize> = match axes {
        Some(axes) => axes.iter().map(|&a| axis_of(a, from.len())).collect::<Option<_>>()?,
        None => (0..from.len()).filter(|&axis| from[axis] == 1).collect(),
    };
    if gone.iter().any(|&axis| from[axis] != 1) {
        return None;
    }
    Some((0..from.len()).filter(|axis| !gone.contains(axis)).map(|axis| from[axis]).collect())
}
