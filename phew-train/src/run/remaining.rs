//! How much of a network was left at which step of its training.

use serde::{Deserialize, Serialize};

/// The share of the prunable weights that was left over the steps of a training: a line through points, which falls where
/// two of them have the same step.
///
/// A network that is pruned before training has two points, its first and its last step. Steps are those of the
/// recipe's schedule: what is pruned after training falls at its last step, whatever is trained afterwards, and where
/// training goes back to an early step the weights count as pruned since then. A run that begins from the early step of
/// another counts as dense until that step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Remaining {
    /// Steps, in ascending order.
    pub step: Vec<u64>,
    /// The share that is left at each of them.
    pub density: Vec<f64>,
}

impl Remaining {
    /// What is left of `start` when it falls to a density at each of `prunings`, in a training of `end` steps.
    pub(super) fn new(start: f64, prunings: &[(u64, f64)], end: u64) -> Self {
        let mut line = Self { step: vec![0], density: vec![start] };
        let mut last = (0, start);
        for &(step, density) in prunings {
            if step == 0 {
                line = Self { step: vec![0], density: vec![density] };
            } else {
                line.push(step, last.1);
                line.push(step, density);
            }
            last = (step, density);
        }
        if last.0 < end {
            line.push(end, last.1);
        }
        line
    }

    fn push(&mut self, step: u64, density: f64) {
        self.step.push(step);
        self.density.push(density);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_falls_where_a_network_is_pruned() {
        let line = |prunings: &[(u64, f64)], step: &[u64], density: &[f64]| {
            let wanted = Remaining { step: step.to_vec(), density: density.to_vec() };
            assert_eq!(Remaining::new(1.0, prunings, 9), wanted);
        };
        line(&[], &[0, 9], &[1.0, 1.0]);
        line(&[(0, 0.5)], &[0, 9], &[0.5, 0.5]);
        line(&[(4, 0.5)], &[0, 4, 4, 9], &[1.0, 1.0, 0.5, 0.5]);
        line(&[(9, 0.5)], &[0, 9, 9], &[1.0, 1.0, 0.5]);
        line(&[(2, 0.5), (4, 0.2)], &[0, 2, 2, 4, 4, 9], &[1.0, 1.0, 0.5, 0.5, 0.2, 0.2]);
    }
}
