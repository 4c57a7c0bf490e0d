//! Two masks beside each other.

use phew_graph::{LayerMask, Mask, PathGraph, Reach};

use crate::error::BaselineError;

/// What two masks have in common in one tensor, or in all.
#[derive(Clone, Debug, PartialEq)]
pub struct Overlap {
    /// Name of the tensor; empty for all together.
    pub name: String,
    /// Prunable weights.
    pub len: usize,
    /// Weights that each mask keeps.
    pub kept: [usize; 2],
    /// Weights that each keeps on a surviving input-output path.
    pub effective: [usize; 2],
    /// Weights that both keep.
    pub common: usize,
    /// Expected number that both keep if each placed its kept weights of every tensor at random.
    pub common_by_chance: f64,
}

impl Overlap {
    /// Jaccard similarity `|A ∩ B| / |A ∪ B|`; 1 for two empty masks.
    #[must_use]
    pub fn jaccard(&self) -> f64 {
        self.ratio(self.common as f64)
    }

    /// The Jaccard similarity of the intersection that is expected by chance.
    #[must_use]
    pub fn by_chance(&self) -> f64 {
        self.ratio(self.common_by_chance)
    }

    fn ratio(&self, common: f64) -> f64 {
        let either = (self.kept[0] + self.kept[1]) as f64 - common;
        if either > 0.0 { common / either } else { 1.0 }
    }
}

/// Two masks of one architecture beside each other, tensor by tensor and in all.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// By tensor.
    pub layers: Vec<Overlap>,
    /// All together.
    pub all: Overlap,
}

impl Comparison {
    /// Compares two masks of a graph's architecture.
    ///
    /// # Errors
    /// [`BaselineError::Graph`] if the masks are not of one architecture.
    ///
    /// # Complexity
    /// Two passes over each mask.
    pub fn new(a: &Mask, b: &Mask, graph: &PathGraph) -> Result<Self, BaselineError> {
        a.jaccard(b)?;
        let effective = |mask: &Mask| Reach::of_mask(graph, mask).effective(graph, mask);
        let (on_path_a, on_path_b) = (effective(a), effective(b));
        let layer = |t: usize, a: &LayerMask, b: &LayerMask| Overlap {
            name: a.name().to_owned(),
            len: a.len(),
            kept: [a.kept(), b.kept()],
            effective: [on_path_a.layer(t).kept(), on_path_b.layer(t).kept()],
            common: a.common(b),
            common_by_chance: a.kept() as f64 * b.density(),
        };
        let pairs = a.layers().iter().zip(b.layers()).enumerate();
        let layers: Vec<Overlap> = pairs.map(|(t, (a, b))| layer(t, a, b)).collect();
        let sum = |of: &dyn Fn(&Overlap) -> usize| layers.iter().map(of).sum::<usize>();
        let all = Overlap {
            name: String::new(),
            len: sum(&|l| l.len),
            kept: [sum(&|l| l.kept[0]), sum(&|l| l.kept[1])],
            effective: [sum(&|l| l.effective[0]), sum(&|l| l.effective[1])],
            common: sum(&|l| l.common),
            common_by_chance: layers.iter().map(|l| l.common_by_chance).sum(),
        };
        Ok(Self { layers, all })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use phew_graph::zoo;

    #[test]
    fn overlaps_are_those_counted_by_hand() {
        let arch = zoo::mlp(&[2, 3, 2]).build().unwrap();
        let (mut a, mut b) = (Mask::empty(&arch), Mask::empty(&arch));
        // a: inputs to hidden 0 to both outputs; hidden 1 leads nowhere from input 1. b: one path, half shared.
        for (t, i) in [(0, 0), (0, 1), (0, 3), (1, 0), (1, 3)] {
            a.layer_mut(t).insert(i);
        }
        for (t, i) in [(0, 0), (1, 0), (1, 1)] {
            b.layer_mut(t).insert(i);
        }
        let found = Comparison::new(&a, &b, &PathGraph::new(&arch)).unwrap();
        assert_eq!((found.layers[0].kept, found.layers[0].common), ([3, 1], 1));
        assert_eq!(found.layers[0].effective, [2, 1]);
        assert_eq!((found.all.kept, found.all.common, found.all.effective), ([5, 3], 2, [4, 2]));
        assert!((found.all.jaccard() - 2.0 / 6.0).abs() < 1e-15);
        // 3 · 1/6 + 2 · 2/6 by chance.
        assert!((found.all.common_by_chance - 7.0 / 6.0).abs() < 1e-15);
        assert!((found.all.by_chance() - (7.0 / 6.0) / (8.0 - 7.0 / 6.0)).abs() < 1e-15);
        let other = Mask::empty(&zoo::mlp(&[2, 3, 3]).build().unwrap());
        assert!(Comparison::new(&a, &other, &PathGraph::new(&arch)).is_err());
    }
}
