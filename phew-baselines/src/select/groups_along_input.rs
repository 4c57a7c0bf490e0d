//! The best of each group of neighbours along the input of a tensor.

use phew_graph::{LayerMask, TensorId};

use crate::error::BaselineError;
use crate::scores::Scores;

/// The `keep` best candidates of each group of `of` consecutive inputs, at each output and place of the kernel; of equal
/// scores those that stand first. And how many of them their index chose.
pub(super) fn keep_of_each(
    scores: &Scores<'_>,
    (tensor, candidates): (TensorId, &LayerMask),
    keep: usize,
    of: usize,
) -> Result<(LayerMask, usize), BaselineError> {
    let shape = candidates.shape();
    let (outputs, inputs) = (shape[0], shape[1]);
    let kernel: usize = shape[2..].iter().product();
    let mut by_index = 0;
    let mut kept = LayerMask::empty(candidates.name(), shape);
    let mut row = vec![0.0; inputs * kernel];
    let mut group: Vec<(f64, usize)> = Vec::with_capacity(of);
    for output in 0..outputs {
        let start = output * row.len();
        scores.block(tensor, start, &mut row);
        for first in (0..inputs).step_by(of) {
            for place in 0..kernel {
                let members = (first..(first + of).min(inputs)).map(|input| input * kernel + place);
                let open = members.filter(|&i| candidates.get(start + i));
                group.clear();
                group.extend(open.map(|i| (row[i], i)));
                if let Some(&(_, i)) = group.iter().find(|(score, _)| score.is_nan()) {
                    let (tensor, index) = (candidates.name().to_owned(), start + i);
                    return Err(BaselineError::NotComparable { tensor, index });
                }
                // Stable, and −0 is 0: of equals the first comes first.
                group.sort_by(|a, b| (b.0 + 0.0).total_cmp(&(a.0 + 0.0)));
                by_index += ties(&group, keep);
                group.iter().take(keep).for_each(|&(_, i)| _ = kept.insert(start + i));
            }
        }
    }
    Ok((kept, by_index))
}

/// Of sorted scores, how many of the first `keep` equal the first that is left out.
fn ties(sorted: &[(f64, usize)], keep: usize) -> usize {
    let Some(&(next, _)) = sorted.get(keep) else { return 0 };
    sorted[..keep].iter().filter(|(score, _)| (score - next) == 0.0).count()
}
