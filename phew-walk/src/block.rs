//! Walks from some units of a layer over one connection, as counts.
//!
//! How many of the `n` walks at a unit take each kernel is multinomial. Poisson numbers that are independent of
//! each other, with means in proportion to the norms, have the same law given their sum. So they are drawn with a
//! sum of `n − 2√n` expected, all anew in the rare case that it is above `n`, and the walks that are missing are
//! drawn one by one. A kernel that many walks take is drawn scalar by scalar in the same way, except those that
//! are kept already: they share one number.

use crate::draw::{Stream, below_with_rest, within};
use crate::marks::Tensor;
use crate::params::Granularity;
use crate::poisson::Poisson;
use crate::score::Score;
use crate::way::Edge;

/// In a count: the scalars are drawn already.
const SCALARS: u32 = 1 << 31;

/// The most walks of a batch, so that counts fit.
pub(crate) const MOST: u64 = 1 << 30;

/// Walks of a unit for each kernel onwards, from which on Poisson numbers are faster than single draws.
const CROWD: u64 = 2;

/// Kernels that are read together: see [`crate::walker`].
const READS: usize = 64;

/// Some units of one side of a connection, with all kernels onwards from each: rows and columns of the matrix of
/// kernels. Forward, a unit is a column; in reverse, it is a row.
pub(crate) struct Block<'b, 'a> {
    edge: &'b Edge<'a>,
    marks: &'b Tensor,
    granularity: Granularity,
    poisson: &'static Poisson,
    /// The first unit.
    unit: usize,
    /// The first kernel.
    first: usize,
    rows: usize,
    columns: usize,
}

/// What is drawn for each kernel of a block.
struct Drawn {
    /// Walks, and whether the scalars are drawn.
    counts: Vec<u32>,
    /// Scalars that they take; empty if no kernel is drawn scalar by scalar.
    scalars: Vec<u64>,
}

impl<'b, 'a> Block<'b, 'a> {
    /// The units `from .. from + count`, of one group.
    pub(crate) fn new(
        edge: &'b Edge<'a>,
        marks: &'b Tensor,
        granularity: Granularity,
        from: usize,
        count: usize,
    ) -> Self {
        let (first, _) = edge.fan(from);
        let (rows, columns) =
            if edge.forward { (edge.outputs, count) } else { (count, edge.inputs) };
        let poisson = Poisson::tables();
        Self { edge, marks, granularity, poisson, unit: from, first, rows, columns }
    }

    /// Takes `walks` from the units, whose norms have these totals, and keeps what they pass. Returns how many
    /// arrive at each unit of the far side.
    pub(crate) fn cross<S: Score>(
        &self,
        walks: &[u64],
        totals: &[f64],
        stream: &mut Stream,
    ) -> Vec<u64> {
        let kernels = self.rows * self.columns;
        let by_scalar = self.by_scalar();
        let mut drawn = Drawn {
            counts: vec![0; kernels],
            scalars: vec![0; if by_scalar { kernels } else { 0 }],
        };
        let scale = |(&walks, &total): (&u64, &f64)| {
            let n = walks as f64;
            let many = walks >= 16 && walks >= CROWD * self.edge.count as u64;
            if many { (n - 2.0 * n.sqrt()) / total } else { 0.0 }
        };
        let scales: Vec<f64> = walks.iter().zip(totals).map(scale).collect();
        let mut sums = vec![0; walks.len()];
        for row in 0..self.rows {
            for column in 0..self.columns {
                let u = if self.edge.forward { column } else { row };
                if scales[u] > 0.0 {
                    sums[u] += self.draw::<S>(row, column, scales[u], &mut drawn, stream);
                }
            }
        }
        for (u, (&walks, &scale)) in walks.iter().zip(&scales).enumerate() {
            while sums[u] > walks {
                let place = |c| if self.edge.forward { (c, u) } else { (u, c) };
                let again = (0..self.edge.count).map(place);
                sums[u] = again
                    .map(|(row, column)| self.draw::<S>(row, column, scale, &mut drawn, stream))
                    .sum();
            }
            self.add::<S>(u, walks - sums[u], &mut drawn, stream);
        }
        self.keep::<S>(&drawn, stream)
    }

    /// Whether kernels may be drawn scalar by scalar.
    fn by_scalar(&self) -> bool {
        self.granularity == Granularity::Weight && (2..=64).contains(&self.edge.kernel)
    }

    #[inline]
    fn kernel(&self, row: usize, column: usize) -> usize {
        self.first + row * self.edge.inputs + column
    }

    /// Draws the walks of one kernel, anew.
    #[inline]
    fn draw<S: Score>(
        &self,
        row: usize,
        column: usize,
        scale: f64,
        drawn: &mut Drawn,
        stream: &mut Stream,
    ) -> u64 {
        let (kernel, spot) = (self.kernel(row, column), row * self.columns + column);
        let mean = f64::from(self.edge.norm::<S>(kernel)) * scale;
        if mean > 0.5 && self.by_scalar() {
            let open = self.open(kernel);
            if mean > 0.5 * f64::from(open.count_ones() + 1) {
                let (count, scalars) = self.draw_scalars::<S>(kernel, open, mean, scale, stream);
                drawn.counts[spot] = count as u32 | SCALARS;
                drawn.scalars[spot] = scalars;
                return count;
            }
        }
        let count = self.poisson.draw(mean, stream);
        drawn.counts[spot] = count as u32;
        count
    }

    /// The scalars of a kernel that are not kept yet.
    #[inline]
    fn open(&self, kernel: usize) -> u64 {
        let size = self.edge.kernel;
        !self.marks.bits(kernel * size, size) & u64::MAX >> (64 - size)
    }

    /// Draws the walks of one kernel, and which of its open scalars they take.
    fn draw_scalars<S: Score>(
        &self,
        kernel: usize,
        open: u64,
        mean: f64,
        scale: f64,
        stream: &mut Stream,
    ) -> (u64, u64) {
        if open == 0 {
            return (self.poisson.draw(mean, stream), 0);
        }
        let size = self.edge.kernel;
        let (mut count, mut scalars, mut kept) = (0, 0, 0.0);
        for (t, &weight) in self.edge.weights[kernel * size..][..size].iter().enumerate() {
            let mean = f64::from(S::of(weight)) * scale;
            if open >> t & 1 == 0 {
                kept += mean;
            } else {
                let walks = self.poisson.draw(mean, stream);
                count += walks;
                scalars |= u64::from(walks > 0) << t;
            }
        }
        if kept > 0.0 {
            count += self.poisson.draw(kept, stream);
        }
        (count, scalars)
    }

    /// Draws the kernels of `walks` walks from a unit, one by one.
    fn add<S: Score>(&self, u: usize, walks: u64, drawn: &mut Drawn, stream: &mut Stream) {
        let unit = self.unit + u;
        let mut left = walks;
        while left > 0
            && let Some(chosen) = self.edge.draw_at_once(unit, stream)
        {
            self.add_one::<S>(u, chosen, drawn, stream);
            left -= 1;
        }
        let (first, _) = self.edge.fan(unit);
        let bound = self.edge.units.bound[unit];
        let mut chosen = [0; READS];
        let mut levels = [0.0; READS];
        while left > 0 {
            for (chosen, level) in chosen.iter_mut().zip(&mut levels) {
                let (choice, rest) = below_with_rest(stream, self.edge.count);
                (*chosen, *level) = (choice as u32, rest as f32 * 2f32.powi(-32) * bound);
            }
            // Without a branch: whether a proposal is accepted cannot be predicted.
            let mut accepted = 0;
            for p in 0..READS {
                let choice = chosen[p];
                let norm = self.edge.norm::<S>(first + choice as usize * self.edge.stride);
                chosen[accepted] = choice;
                accepted += usize::from(levels[p] < norm);
            }
            let taken = accepted.min(usize::try_from(left).unwrap_or(usize::MAX));
            for &choice in &chosen[..taken] {
                self.add_one::<S>(u, choice as usize, drawn, stream);
            }
            left -= taken as u64;
        }
    }

    /// One more walk from a unit over the kernel of this number.
    #[inline]
    fn add_one<S: Score>(&self, u: usize, chosen: usize, drawn: &mut Drawn, stream: &mut Stream) {
        let (row, column) = if self.edge.forward { (chosen, u) } else { (u, chosen) };
        let spot = row * self.columns + column;
        drawn.counts[spot] += 1;
        if drawn.counts[spot] & SCALARS != 0 {
            let size = self.edge.kernel;
            let weights = &self.edge.weights[self.kernel(row, column) * size..][..size];
            drawn.scalars[spot] |= 1 << within::<S>(stream, weights);
        }
    }

    /// Keeps what was drawn, and adds up where it leads.
    fn keep<S: Score>(&self, drawn: &Drawn, stream: &mut Stream) -> Vec<u64> {
        let mut arrived = vec![0; self.edge.count];
        let mut taken = Vec::with_capacity(self.columns);
        let mut scalars = [[0.0; 9]; READS];
        for row in 0..self.rows {
            let counts = &drawn.counts[row * self.columns..][..self.columns];
            taken.clear();
            for (column, &count) in counts.iter().enumerate() {
                let walks = u64::from(count & !SCALARS);
                arrived[if self.edge.forward { row } else { column }] += walks;
                // Without a branch: which kernels are taken cannot be predicted.
                taken.push(column as u32);
                taken.truncate(taken.len() - usize::from(walks == 0));
            }
            for columns in taken.chunks(READS) {
                if self.edge.kernel == 9 {
                    for (&column, scalars) in columns.iter().zip(&mut scalars) {
                        let first = self.kernel(row, column as usize) * 9;
                        if let Some(read) = self.edge.weights[first..].first_chunk() {
                            *scalars = *read;
                        }
                    }
                }
                for (&column, read) in columns.iter().zip(&scalars) {
                    let (kernel, spot) =
                        (self.kernel(row, column as usize), row * self.columns + column as usize);
                    let size = self.edge.kernel;
                    let weights = match size {
                        9 => &read[..],
                        _ => &self.edge.weights[kernel * size..][..size],
                    };
                    let count = drawn.counts[spot];
                    if count & SCALARS != 0 {
                        self.marks.mark(kernel * size, drawn.scalars[spot]);
                    } else {
                        self.keep_kernel::<S>(kernel, count, weights, stream);
                    }
                }
            }
        }
        arrived
    }

    /// Keeps the scalars that `walks` walks over a kernel draw.
    #[inline]
    fn keep_kernel<S: Score>(
        &self,
        kernel: usize,
        walks: u32,
        weights: &[f32],
        stream: &mut Stream,
    ) {
        let size = self.edge.kernel;
        let first = kernel * size;
        if size == 1 {
            self.marks.mark(first, 1);
        } else if self.granularity == Granularity::Kernel {
            (first..first + size).for_each(|scalar| self.marks.mark(scalar, 1));
        } else if size > 64 {
            (0..walks).for_each(|_| self.marks.mark(first + within::<S>(stream, weights), 1));
        } else {
            let open = self.open(kernel);
            let mut taken = 0;
            for _ in 0..walks {
                if open & !taken == 0 {
                    break;
                }
                taken |= 1 << within::<S>(stream, weights);
            }
            self.marks.mark(first, taken);
        }
    }
}
