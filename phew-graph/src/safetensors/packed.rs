//! Packed tensors: the kept values of a tensor and where they stand, in place of the whole tensor.
//!
//! In a safetensors file a packed tensor NAME is the values `NAME.kept` of any floating-point type, in row-major order,
//! and, unless all are kept, their [`Positions`]: `NAME.gaps` or `NAME.bits`, of U8. The metadata's entry `phew.packed` has
//! the shapes. A reader sees the whole tensor, with zeros; asked for it as a mask, it sees what is kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;
use safetensors::tensor::Dtype;
use serde::{Deserialize, Serialize};

use super::entry::{Data, Entry};
use super::positions::Positions;
use crate::arch::MAX_SCALARS;

/// The key of the metadata that tells packed tensors.
pub(super) const KEY: &str = "phew.packed";

/// The version of this form.
const VERSION: u32 = 1;

/// The value of [`KEY`], as JSON.
#[derive(Deserialize, Serialize)]
pub(crate) struct Header {
    version: u32,
    /// The shape of each packed tensor.
    shapes: BTreeMap<String, Vec<usize>>,
}

impl Header {
    pub(crate) fn new(shapes: BTreeMap<String, Vec<usize>>) -> Self {
        Self { version: VERSION, shapes }
    }

    pub(crate) fn metadata(&self) -> (&'static str, String) {
        let json = serde_json::to_string(self)
            .unwrap_or_else(|e| unreachable!("names and numbers serialise: {e}"));
        (KEY, json)
    }
}

/// The names under which the parts of a packed tensor lie.
pub(crate) struct Parts {
    pub(crate) kept: String,
    pub(crate) gaps: String,
    pub(crate) bits: String,
}

impl Parts {
    pub(crate) fn of(name: &str) -> Self {
        let part = |part: &str| format!("{name}.{part}");
        Self { kept: part("kept"), gaps: part("gaps"), bits: part("bits") }
    }
}

/// Puts the whole tensors in the place of their parts.
///
/// # Errors
/// What is wrong, with the tensor's name.
pub(super) fn unpack(header: &str, entries: &mut BTreeMap<String, Entry>) -> Result<(), String> {
    let header: Header = serde_json::from_str(header).map_err(|e| format!("`{KEY}`: {e}"))?;
    if header.version != VERSION {
        let version = header.version;
        return Err(format!(
            "`{KEY}` is of version {version}, which this version of phew does not know"
        ));
    }
    let mut packed = Vec::with_capacity(header.shapes.len());
    for (name, shape) in header.shapes {
        if entries.contains_key(&name) {
            return Err(format!("tensor `{name}` stands both packed and whole"));
        }
        let parts = Parts::of(&name);
        let Some(kept) = entries.remove(&parts.kept) else {
            return Err(format!("packed tensor `{name}`: `{}` is missing", parts.kept));
        };
        let positions = match (entries.remove(&parts.gaps), entries.remove(&parts.bits)) {
            (None, None) => Positions::All,
            (Some(gaps), None) => Positions::Gaps(gaps),
            (None, Some(bits)) => Positions::Bits(bits),
            (Some(_), Some(_)) => {
                return Err(format!("packed tensor `{name}`: both gaps and bits"));
            }
        };
        packed.push((name, shape, kept, positions));
    }
    let whole = packed.into_par_iter().map(|(name, shape, kept, positions)| {
        let whole = whole(shape, &kept, positions);
        whole.map(|entry| (name.clone(), entry)).map_err(|e| format!("packed tensor `{name}`: {e}"))
    });
    entries.extend(whole.collect::<Result<Vec<_>, String>>()?);
    Ok(())
}

fn whole(shape: Vec<usize>, kept: &Entry, positions: Positions<Entry>) -> Result<Entry, String> {
    let len = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
    let len = len.filter(|&len| len as u64 <= MAX_SCALARS);
    let len = len.ok_or_else(|| format!("shape {shape:?} has more than {MAX_SCALARS} scalars"))?;
    let bytes = |part: Entry| match part.dtype {
        Dtype::U8 => Ok(part.data),
        other => Err(format!("its positions are of {other}, expected U8")),
    };
    let positions = match positions {
        Positions::All => Positions::All,
        Positions::Gaps(part) => Positions::Gaps(bytes(part)?),
        Positions::Bits(part) => Positions::Bits(bytes(part)?),
    };
    let count = kept.shape.iter().product::<usize>();
    if matches!(positions, Positions::All) && count != len {
        return Err(format!("{count} values, expected {len}"));
    }
    let flags = positions.flags(len)?;
    let places = flags.iter().map(|&flag| usize::from(flag)).sum::<usize>();
    if count != places {
        return Err(format!("{count} values, expected {places}"));
    }
    let size = kept.dtype.bitsize() / 8;
    let mut whole = Vec::new();
    let room = len.checked_mul(size).filter(|&bytes| whole.try_reserve_exact(bytes).is_ok());
    whole.resize(room.ok_or_else(|| format!("no memory for {len} scalars"))?, 0_u8);
    if size > 0 {
        let places = whole.chunks_exact_mut(size).zip(&flags).filter(|(_, flag)| **flag == 1);
        let values = kept.data.as_slice().chunks_exact(size);
        places.zip(values).for_each(|((place, _), value)| place.copy_from_slice(value));
    }
    let data = Data::Owned(Arc::new(whole));
    Ok(Entry { dtype: kept.dtype, shape, data, kept: Some(Arc::new(flags)) })
}
