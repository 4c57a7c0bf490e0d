//! Repair of a mask: weights on no path do nothing.

use phew_graph::{ByTensor, Ends, Mask, PathGraph, Reach, TensorId, stream, stream_key};

use crate::draw::choose;

/// What happens to the places of the weights that were dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refill {
    /// They stay empty: the density falls.
    No,
    /// As many pruned weights of the same tensor come back, uniformly among those between two units on a path.
    /// Where a tensor has too few, others take the rest, in order.
    Uniform {
        /// Seed of the choice.
        seed: u64,
    },
}

/// A repaired mask, and what was done to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// Every kept weight lies on a path.
    pub mask: Mask,
    /// Number of weights that lay on none.
    pub dropped: usize,
    /// Number that came in for them: fewer than dropped if there was no room, none if no path survived.
    pub refilled: usize,
}

/// Drops the kept weights that lie on no input-output path, and optionally refills.
///
/// # Complexity
/// Two passes over the mask; if weights are to come back two over the pruned ones, and a list of one tensor's.
///
/// # References
/// Effective sparsity: Vysogorets & Kempe 2023. The refill is phew's own.
#[must_use]
pub fn repair(mask: &Mask, graph: &PathGraph, refill: Refill) -> Repaired {
    let reach = Reach::of_mask(graph, mask);
    let mut repaired = reach.effective(graph, mask);
    let dropped = mask.kept() - repaired.kept();
    let before = repaired.kept();
    if let (Refill::Uniform { seed }, true) = (refill, dropped > 0) {
        let key = stream_key("phew 1 refill", seed);
        let room: ByTensor<usize> =
            graph.tensors().map(|t| free(&repaired, graph, &reach, t).count()).collect();
        let own = |t: TensorId| mask.layer(t).kept() - repaired.layer(t).kept();
        let mut taken: ByTensor<usize> = graph.tensors().map(|t| own(t).min(room[t])).collect();
        let mut left = dropped - taken.iter().sum::<usize>();
        for (taken, room) in taken.iter_mut().zip(&room) {
            let more = left.min(room - *taken);
            *taken += more;
            left -= more;
        }
        for (t, &taken) in taken.with_ids().filter(|(_, taken)| **taken > 0) {
            let places: Vec<u32> = free(&repaired, graph, &reach, t).map(|i| i as u32).collect();
            for i in choose(&mut stream(key, t.index() as u64), places, taken) {
                repaired.layer_mut(t).insert(i as usize);
            }
        }
    }
    let refilled = repaired.kept() - before;
    Repaired { mask: repaired, dropped, refilled }
}

/// Pruned weights of a tensor between units on a path: added, they lie on a path. Unless several operators share them, they
/// wake no other unit.
fn free<'a>(
    mask: &'a Mask,
    graph: &'a PathGraph,
    reach: &'a Reach,
    tensor: TensorId,
) -> impl Iterator<Item = usize> + 'a {
    let layer = mask.layer(tensor);
    (0..layer.len()).filter(move |&i| {
        let between = |Ends { shape, source: from, target: to, .. }| {
            let (source, target) = shape.ends(i);
            reach.alive(from, source) && reach.alive(to, target)
        };
        !layer.get(i) && graph.uses(tensor).any(between)
    })
}
