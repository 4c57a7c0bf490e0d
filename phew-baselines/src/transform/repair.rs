//! Repair of a mask: weights on no path do nothing.

use phew_graph::{Mask, PathGraph, Reach, stream, stream_key};

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
/// Two passes over the mask, and one over the pruned weights if any are to come back.
///
/// # References
/// Effective sparsity: Vysogorets & Kempe 2023. The refill is phew's own.
#[must_use]
pub fn repair(mask: &Mask, graph: &PathGraph, refill: Refill) -> Repaired {
    let reach = Reach::of_mask(graph, mask);
    let mut repaired = reach.effective(graph, mask);
    let dropped = mask.kept() - repaired.kept();
    let mut refilled = 0;
    if let (Refill::Uniform { seed }, true) = (refill, dropped > 0) {
        let key = stream_key("phew 1 refill", seed);
        // Added between units that are alive, a weight lies on a path and kills or wakes no unit.
        let mut room: Vec<Vec<usize>> = Vec::new();
        for (t, layer) in repaired.layers().iter().enumerate() {
            let (connection, shape) = graph.weighted(t);
            let connection = &graph.connections()[connection];
            let fits = |i: &usize| {
                let (source, target) = shape.ends(*i);
                !layer.get(*i)
                    && reach.alive(connection.source, source)
                    && reach.alive(connection.target, target)
            };
            let fits: Vec<usize> = (0..layer.len()).filter(fits).collect();
            let len = fits.len();
            room.push(choose(&mut stream(key, t as u64), fits, len));
        }
        let own = |t: usize| mask.layer(t).kept() - repaired.layer(t).kept();
        let mut taken: Vec<usize> = (0..room.len()).map(|t| own(t).min(room[t].len())).collect();
        let mut left = dropped - taken.iter().sum::<usize>();
        for (taken, room) in taken.iter_mut().zip(&room) {
            let more = left.min(room.len() - *taken);
            *taken += more;
            left -= more;
        }
        for (t, (room, taken)) in room.iter().zip(taken).enumerate() {
            room[..taken].iter().for_each(|&i| {
                repaired.layer_mut(t).insert(i);
            });
            refilled += taken;
        }
    }
    Repaired { mask: repaired, dropped, refilled }
}
