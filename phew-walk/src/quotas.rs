//! Quotas: how many weights each layer with a share of its own still takes, and all others together.

use phew_graph::{ByTensor, LayerBudgets, Mask, TensorId};

/// What is left to keep, for each layer with a share of its own and for all others together.
#[derive(Clone, Debug)]
pub(crate) struct Quotas {
    /// The group of each tensor: 0 for those that have no share of their own.
    group: ByTensor<usize>,
    /// Weights that each group still takes.
    left: Vec<usize>,
}

impl Quotas {
    /// What is left beside a mask.
    pub(crate) fn new(budgets: &LayerBudgets, mask: &Mask) -> Self {
        let mut left = vec![budgets.free];
        let kept = |tensor| mask.layer(tensor).kept();
        let group = budgets.fixed.with_ids().map(|(tensor, budget)| match budget {
            None => {
                left[0] = left[0].saturating_sub(kept(tensor));
                0
            }
            Some(budget) => {
                left.push(budget.saturating_sub(kept(tensor)));
                left.len() - 1
            }
        });
        Self { group: group.collect(), left }
    }

    /// Whether the group of a tensor takes more.
    pub(crate) fn is_open(&self, tensor: TensorId) -> bool {
        self.left[self.group[tensor]] > 0
    }

    /// Whether any does.
    pub(crate) fn any_open(&self) -> bool {
        self.left.iter().any(|&left| left > 0)
    }

    /// Notes weights that a tensor kept.
    pub(crate) fn take(&mut self, tensor: TensorId, weights: usize) {
        let left = &mut self.left[self.group[tensor]];
        *left = left.saturating_sub(weights);
    }

    /// Whether so many weights of each tensor would leave every open group open.
    pub(crate) fn leave_all_open(&self, gained: &[usize]) -> bool {
        let mut left: Vec<usize> = self.left.clone();
        for (&group, &gained) in self.group.iter().zip(gained) {
            left[group] = left[group].saturating_sub(gained);
        }
        left.iter().zip(&self.left).all(|(after, before)| *after > 0 || *before == 0)
    }

    /// Each group that takes more: how much, and its tensors.
    pub(crate) fn open_groups(&self) -> impl Iterator<Item = (usize, Vec<TensorId>)> {
        let groups = self.left.iter().enumerate().filter(|(_, left)| **left > 0);
        groups.map(|(group, &left)| {
            let of = self.group.with_ids().filter(move |(_, g)| **g == group);
            (left, of.map(|(tensor, _)| tensor).collect())
        })
    }
}

#[cfg(test)]
mod tests {
    use phew_graph::{LayerShares, zoo};

    use super::*;

    #[test]
    fn groups_close_one_by_one() {
        let arch = zoo::mlp(&[10, 8, 6, 4]).build().unwrap();
        let shares = LayerShares::default().share("fc2", 0.25).unwrap();
        let budgets = shares.budgets(&arch, 20).unwrap();
        let [first, second, third] = [0, 1, 2].map(TensorId::new);
        let mut quotas = Quotas::new(&budgets, &Mask::empty(&arch));
        assert!(quotas.leave_all_open(&[3, 11, 4]));
        assert!(!quotas.leave_all_open(&[4, 0, 4]), "the others have 8 together");
        quotas.take(first, 3);
        quotas.take(third, 6);
        assert!(!quotas.is_open(first) && !quotas.is_open(third) && quotas.is_open(second));
        assert!(quotas.leave_all_open(&[100, 11, 100]), "what is closed is not asked");
        assert_eq!(quotas.open_groups().collect::<Vec<_>>(), [(12, vec![second])]);
        quotas.take(second, 12);
        assert!(!quotas.any_open());
    }
}
