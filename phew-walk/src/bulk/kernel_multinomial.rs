//! The multinomial draw of the bulk engine: how many walks take each kernel onwards from a unit, for the units of a block.
//!
//! How many of the `n` walks at a unit take each kernel is multinomial. Poisson numbers that are independent of
//! each other, with means in proportion to the norms, have the same law given their sum. So they are drawn with a
//! sum of `n − 2√n` expected, all anew in the rare case that it is above `n`, and the walks that are missing are
//! drawn one by one. A kernel that many walks take is drawn scalar by scalar in the same way, except those that
//! are kept already: they share one number.

use crate::bulk::block::{Block, Drawn, READS, SCALARS};
use crate::params::bias::Score;
use crate::rng::{Stream, below_with_rest, fraction};
use crate::walk::scalar_draw::draw_scalar;

/// The most walks of a batch, so that counts fit.
pub(crate) const MOST: u64 = 1 << 30;

/// Walks of a unit for each kernel onwards, from which on Poisson numbers are faster than single draws.
const CROWD: u64 = 2;

impl Block<'_, '_> {
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
            let many = walks >= 16 && walks >= CROWD * self.onward.count as u64;
            if many { (n - 2.0 * n.sqrt()) / total } else { 0.0 }
        };
        let scales: Vec<f64> = walks.iter().zip(totals).map(scale).collect();
        let mut sums = vec![0; walks.len()];
        for row in 0..self.rows {
            for column in 0..self.columns {
                let u = if self.onward.forward { column } else { row };
                if scales[u] > 0.0 {
                    sums[u] += self.draw::<S>(row, column, scales[u], &mut drawn, stream);
                }
            }
        }
        for (u, (&walks, &scale)) in walks.iter().zip(&scales).enumerate() {
            while sums[u] > walks {
                let place = |c| if self.onward.forward { (c, u) } else { (u, c) };
                let again = (0..self.onward.count).map(place);
                sums[u] = again
                    .map(|(row, column)| self.draw::<S>(row, column, scale, &mut drawn, stream))
                    .sum();
            }
            self.add::<S>(u, walks - sums[u], &mut drawn, stream);
        }
        self.keep::<S>(&drawn, stream)
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
        let mean = f64::from(self.onward.norm::<S>(kernel)) * scale;
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
        let size = self.onward.kernel;
        let (mut count, mut scalars, mut kept) = (0, 0, 0.0);
        for (t, &weight) in self.onward.weights[kernel * size..][..size].iter().enumerate() {
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
            && let Some(chosen) = self.onward.draw_at_once(unit, stream)
        {
            self.add_one::<S>(u, chosen, drawn, stream);
            left -= 1;
        }
        let (first, _) = self.onward.fan(unit);
        let bound = self.onward.units.bound[unit];
        let mut chosen = [0; READS];
        let mut levels = [0.0; READS];
        while left > 0 {
            for (chosen, level) in chosen.iter_mut().zip(&mut levels) {
                let (choice, rest) = below_with_rest(stream, self.onward.count);
                (*chosen, *level) = (choice as u32, fraction(rest) * bound);
            }
            // Without a branch: whether a proposal is accepted cannot be predicted.
            let mut accepted = 0;
            for p in 0..READS {
                let choice = chosen[p];
                let norm = self.onward.norm::<S>(first + choice as usize * self.onward.stride);
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
        let (row, column) = if self.onward.forward { (chosen, u) } else { (u, chosen) };
        let spot = row * self.columns + column;
        drawn.counts[spot] += 1;
        if drawn.counts[spot] & SCALARS != 0 {
            let size = self.onward.kernel;
            let weights = &self.onward.weights[self.kernel(row, column) * size..][..size];
            drawn.scalars[spot] |= 1 << draw_scalar::<S>(stream, weights);
        }
    }
}
