//! What the axes of a tensor hold: the batch, a layer's units, its positions, or parts of them.
//!
//! PyTorch's programs reshape and transpose; phew's operators do not. So an import follows, for each value, which part of
//! a layer's units and positions each axis of the tensor runs over. Views then are no operators at all, until one reads
//! the value that tells units from positions: what it finds there is the layer as it was, a flattened one, or one whose
//! units are permuted.

/// What a part of an axis runs over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Batch,
    Unit,
    Position,
}

/// A part of an axis: an index from 0 to `size`, which counts `stride` units, or positions, or samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) kind: Kind,
    pub(super) size: usize,
    pub(super) stride: usize,
}

impl Part {
    /// So many of a kind, one by one; nothing if there is but one.
    pub(super) fn whole(kind: Kind, size: usize) -> Vec<Self> {
        if size == 1 { Vec::new() } else { vec![Self { kind, size, stride: 1 }] }
    }

    /// Splits it into an outer part of this size and an inner one, if it divides.
    fn split(self, outer: usize) -> Option<(Self, Self)> {
        let inner = self.size.checked_div(outer).filter(|inner| inner * outer == self.size)?;
        let part = |size, stride| Self { size, stride, ..self };
        Some((part(outer, self.stride * inner), part(inner, self.stride)))
    }

    fn follows(&self, outer: &Self) -> bool {
        self.kind == outer.kind && outer.stride == self.stride * self.size
    }
}

/// The axes of a tensor; an axis of size 1 holds no part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Axes(Vec<Vec<Part>>);

impl Axes {
    /// Batch, units, and positions in row-major order.
    pub(super) fn plain(batch: usize, units: usize, positions: &[usize]) -> Self {
        let mut axes = vec![Part::whole(Kind::Batch, batch), Part::whole(Kind::Unit, units)];
        axes.extend(positions_axes(positions));
        Self(axes)
    }

    /// Batch, positions in row-major order, and units.
    pub(super) fn units_last(batch: usize, positions: &[usize], units: usize) -> Self {
        let mut axes = vec![Part::whole(Kind::Batch, batch)];
        axes.extend(positions_axes(positions));
        axes.push(Part::whole(Kind::Unit, units));
        Self(axes)
    }

    pub(super) fn rank(&self) -> usize {
        self.0.len()
    }

    /// What an axis holds, outermost first.
    pub(super) fn axis(&self, axis: usize) -> &[Part] {
        &self.0[axis]
    }

    /// Size of an axis.
    pub(super) fn size(&self, axis: usize) -> usize {
        self.0[axis].iter().map(|part| part.size).product()
    }

    /// Puts something else on an axis.
    pub(super) fn with(&self, axis: usize, parts: Vec<Part>) -> Self {
        let mut axes = self.clone();
        axes.0[axis] = parts;
        axes
    }

    /// Without an axis.
    pub(super) fn without(&self, axis: usize) -> Self {
        let mut axes = self.clone();
        axes.0.remove(axis);
        axes
    }

    /// The axes in another order.
    pub(super) fn permuted(&self, order: &[usize]) -> Self {
        Self(order.iter().map(|&axis| self.0[axis].clone()).collect())
    }

    /// The same scalars under other sizes; `None` if an axis would hold what is no part of a layer's index.
    pub(super) fn reshaped(&self, sizes: &[usize]) -> Option<Self> {
        let mut rest: Vec<Part> = self.0.iter().flatten().rev().copied().collect();
        let mut axes = Vec::with_capacity(sizes.len());
        for &size in sizes {
            let (mut axis, mut wanted) = (Vec::new(), size);
            while wanted > 1 {
                let part = rest.pop()?;
                if wanted.is_multiple_of(part.size) {
                    wanted /= part.size;
                    axis.push(part);
                } else {
                    let (outer, inner) = part.split(wanted)?;
                    rest.push(inner);
                    axis.push(outer);
                    wanted = 1;
                }
            }
            axes.push(merged(&axis));
        }
        rest.is_empty().then_some(Self(axes))
    }

    /// Parts one after the other as one axis.
    pub(super) fn merge(parts: &[Part]) -> Vec<Part> {
        merged(parts)
    }

    /// The axes that hold this kind.
    pub(super) fn axes_of(&self, kind: Kind) -> Vec<usize> {
        let holds = |&axis: &usize| self.0[axis].iter().any(|part| part.kind == kind);
        (0..self.rank()).filter(holds).collect()
    }
}

/// An axis for each size of a map.
fn positions_axes(positions: &[usize]) -> Vec<Vec<Part>> {
    let mut stride: usize = positions.iter().product();
    let axis = |&size: &usize| {
        // A size of 0, which no network has and a damaged file may, is refused where its operator is made.
        stride /= size.max(1);
        match size {
            1 => Vec::new(),
            _ => vec![Part { kind: Kind::Position, size, stride }],
        }
    };
    positions.iter().map(axis).collect()
}

/// Neighbours that count on as one.
fn merged(parts: &[Part]) -> Vec<Part> {
    let mut merged: Vec<Part> = Vec::with_capacity(parts.len());
    for &part in parts {
        match merged.last_mut() {
            Some(outer) if part.follows(outer) => {
                *outer = Part { size: outer.size * part.size, ..part };
            }
            _ => merged.push(part),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(size: usize, stride: usize) -> Part {
        Part { kind: Kind::Unit, size, stride }
    }

    #[test]
    fn a_channel_shuffle_leaves_the_units_in_two_parts_with_the_inner_first() {
        let axes = Axes::plain(1, 6, &[4, 5]);
        let split = axes.reshaped(&[1, 2, 3, 4, 5]).unwrap();
        assert_eq!(split.axis(1), [unit(2, 3)]);
        assert_eq!(split.axis(2), [unit(3, 1)]);
        let shuffled = split.permuted(&[0, 2, 1, 3, 4]).reshaped(&[1, 6, 4, 5]).unwrap();
        assert_eq!(shuffled.axis(1), [unit(3, 1), unit(2, 3)]);
        // Back again it is what it was.
        let back = shuffled.reshaped(&[1, 3, 2, 4, 5]).unwrap().permuted(&[0, 2, 1, 3, 4]);
        assert_eq!(back.reshaped(&[1, 6, 4, 5]), Some(axes));
    }

    #[test]
    fn a_flattened_map_holds_units_and_then_positions() {
        let axes = Axes::plain(2, 3, &[4, 5]).reshaped(&[2, 60]).unwrap();
        let position = Part { kind: Kind::Position, size: 20, stride: 1 };
        assert_eq!(axes.axis(1), [unit(3, 1), position]);
        assert_eq!(axes.axes_of(Kind::Unit), [1]);
    }

    #[test]
    fn sizes_that_cut_across_the_parts_are_refused() {
        assert_eq!(Axes::plain(1, 6, &[4]).reshaped(&[1, 4, 6]), None);
        assert_eq!(Axes::plain(1, 6, &[4]).reshaped(&[1, 5]), None);
        assert_eq!(
            Axes::plain(1, 6, &[]).reshaped(&[1, 6, 1, 1]),
            Some(Axes::plain(1, 6, &[1, 1]))
        );
    }
}
