//! The weights: which bytes of which entry are which tensor of the state dict.

use std::collections::BTreeMap;

use safetensors::tensor::Dtype;
use serde::Deserialize;

use super::archive::Archive;
use super::program::TensorMeta;
use crate::error::GraphError;
use crate::safetensors::{Data, Entry, Window};

/// Scalars that a tensor may have whose entry holds fewer, because it repeats them.
const REPEATED: usize = 1 << 26;

#[derive(Deserialize)]
struct PayloadConfig {
    config: BTreeMap<String, Payload>,
}

#[derive(Deserialize)]
struct Payload {
    path_name: String,
    use_pickle: bool,
    tensor_meta: Option<TensorMeta>,
}

/// The tensors of the state dict by their names: windows onto the archive where they lie row-major in one piece, and
/// copies of those that do not.
///
/// # Errors
/// [`GraphError::Archive`] for weights that are pickles or lie outside their entries.
pub(crate) fn weights(archive: &Archive) -> Result<BTreeMap<String, Entry>, GraphError> {
    let config = config(archive)?;
    let tensor = |(name, payload): (String, Payload)| {
        let wrong = |reason: &str| archive.wrong(format!("its tensor `{name}` {reason}"));
        let meta = match &payload.tensor_meta {
            Some(meta) if !payload.use_pickle => meta,
            _ => {
                return Err(wrong(
                    "is a pickle (of a class of its own, such as a quantised tensor): export plain tensors",
                ));
            }
        };
        let dtype = dtype(meta.dtype).ok_or_else(|| wrong("is of an unknown number type"))?;
        let shape = meta.shape().ok_or_else(|| wrong("has no fixed shape"))?;
        let entry = archive
            .range(&format!("data/weights/{}", payload.path_name))
            .ok_or_else(|| wrong("lies in an entry that is missing"))?;
        let size = dtype.bitsize() / 8;
        let outside = || wrong("lies outside its entry, or was exported without values");
        let strides = meta.strides().ok_or_else(|| wrong("has no fixed layout"))?;
        let offset = meta.offset().ok_or_else(|| wrong("has no fixed layout"))?;
        let entry_len = entry.len();
        let last = last(&shape, &strides, offset).ok_or_else(outside)?;
        if last.checked_mul(size).is_none_or(|end| end > entry_len) {
            return Err(outside());
        }
        let scalars = scalars(&shape).ok_or_else(outside)?;
        let data = if scalars == 0 || strides == row_major(&shape) {
            let start = entry.start + offset * size;
            Window::new(archive.map().clone(), start..start + scalars * size).into()
        } else {
            // Strides of 0 repeat scalars without end.
            if scalars > REPEATED.max(entry_len / size) {
                let reason =
                    format!("repeats its scalars to {scalars}, expected at most {REPEATED}");
                return Err(wrong(&reason));
            }
            Data::Owned(gather(&archive.map()[entry], &shape, &strides, offset, size).into())
        };
        Ok((name, Entry { dtype, shape, data, kept: None }))
    };
    config.config.into_iter().map(tensor).collect()
}

/// Where the tensors of the state dict lie, by their names.
fn config(archive: &Archive) -> Result<PayloadConfig, GraphError> {
    let model = archive.model()?;
    archive.refuse_pickle(model)?;
    archive.json(&format!("data/weights/{model}_weights_config.json"))
}

/// Tensors of the state dict that are the same numbers as one before them: their names, and the name of that one. `names`
/// are those of the program, in its order.
///
/// # Errors
/// [`GraphError::Archive`] where they are the same numbers in another shape or order of axes.
pub(crate) fn shared(
    archive: &Archive,
    names: &[String],
) -> Result<BTreeMap<String, String>, GraphError> {
    let config = config(archive)?.config;
    let place = |name: &String| {
        let payload = config.get(name)?;
        let meta = payload.tensor_meta.as_ref()?;
        let (shape, strides) = (meta.shape()?, meta.strides()?);
        let numbers = scalars(&shape).filter(|&numbers| numbers > 0)?;
        Some(((&payload.path_name, meta.offset()?, numbers), (shape, strides)))
    };
    let (mut known, mut same) = (BTreeMap::new(), BTreeMap::new());
    // Behind those of the program the names that it does without.
    for (index, name) in names.iter().chain(config.keys()).enumerate() {
        let Some((numbers, layout)) = place(name) else { continue };
        let (first, first_layout) = known.entry(numbers).or_insert((name, layout.clone()));
        if *first == name || (index >= names.len() && *first_layout != layout) {
            continue;
        }
        if *first_layout != layout {
            return Err(archive.wrong(format!(
                "its tensors `{first}` and `{name}` are the same numbers in another shape or order of axes: phew knows tied \
                 weights of one shape only"
            )));
        }
        same.insert(name.clone(), (*first).clone());
    }
    Ok(same)
}

/// How many scalars a tensor has.
fn scalars(shape: &[usize]) -> Option<usize> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size))
}

/// One more than the index of the last scalar.
fn last(shape: &[usize], strides: &[usize], offset: usize) -> Option<usize> {
    if shape.len() != strides.len() {
        return None;
    }
    if shape.contains(&0) {
        return Some(offset);
    }
    let reach = |last: usize, (&size, &stride): (&usize, &usize)| {
        last.checked_add((size - 1).checked_mul(stride)?)
    };
    shape.iter().zip(strides).try_fold(offset, reach)?.checked_add(1)
}

/// Strides of a row-major tensor.
fn row_major(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// The scalars in row-major order.
fn gather(bytes: &[u8], shape: &[usize], strides: &[usize], offset: usize, size: usize) -> Vec<u8> {
    let len: usize = shape.iter().product();
    let mut gathered = Vec::with_capacity(len * size);
    let mut at = vec![0; shape.len()];
    for _ in 0..len {
        let index: usize = offset + at.iter().zip(strides).map(|(i, s)| i * s).sum::<usize>();
        gathered.extend_from_slice(&bytes[index * size..(index + 1) * size]);
        for axis in (0..shape.len()).rev() {
            at[axis] += 1;
            if at[axis] < shape[axis] {
                break;
            }
            at[axis] = 0;
        }
    }
    gathered
}

/// The number type of a code of PyTorch's schema.
fn dtype(code: u32) -> Option<Dtype> {
    Some(match code {
        1 => Dtype::U8,
        2 => Dtype::I8,
        3 => Dtype::I16,
        4 => Dtype::I32,
        5 => Dtype::I64,
        6 => Dtype::F16,
        7 => Dtype::F32,
        8 => Dtype::F64,
        12 => Dtype::BOOL,
        13 => Dtype::BF16,
        28 => Dtype::U16,
        29 => Dtype::F8_E4M3,
        30 => Dtype::F8_E5M2,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_with_its_channels_last_in_memory_comes_row_by_row() {
        // 2×3 of bytes, stored column by column from the second byte on.
        let bytes = [9, 0, 3, 1, 4, 2, 5];
        assert_eq!(gather(&bytes, &[2, 3], &[1, 2], 1, 1), [0, 1, 2, 3, 4, 5]);
        assert_eq!(last(&[2, 3], &[1, 2], 1), Some(7));
        assert_eq!(row_major(&[2, 3, 4]), [12, 4, 1]);
        assert_eq!(last(&[usize::MAX, 2], &[2, 1], 0), None);
        assert_eq!(scalars(&[usize::MAX, 2, 0]), Some(0));
        assert_eq!(scalars(&[usize::MAX, 2]), None);
    }
}
