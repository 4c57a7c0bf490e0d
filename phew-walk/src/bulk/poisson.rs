//! Poisson numbers of any mean, in a few nanoseconds each.
//!
//! Small ones by inversion: e^−x ≥ 1 − x, so the number 0, which is the commonest, mostly takes one comparison. A
//! Poisson number of mean a + b is the sum of one of mean a and one of mean b: multiples of ¼ up to 64 have tables
//! of their cumulative probabilities, and what is left is small.

use std::sync::OnceLock;

use crate::bulk::exponential::Exponential;
use crate::rng::{Stream, unit_interval};

/// Tables for each unit of the mean.
const FINE: f64 = 4.0;

/// The greatest mean that has a table.
const GREATEST: usize = 64;

/// Up to this mean inversion is faster than a table.
const SMALL: f64 = 3.0;

/// Intervals of [0, 1) for which a table knows where to begin.
const GUIDE: usize = 64;

/// The greatest number that inversion gives: of mean 3 all above it together have probability 2⁻⁷⁰.
const MOST: usize = 31;

/// 1 / k.
const RECIPROCALS: [f64; MOST + 1] = {
    let mut reciprocals = [0.0; MOST + 1];
    let mut k = 1;
    while k <= MOST {
        reciprocals[k] = 1.0 / k as f64;
        k += 1;
    }
    reciprocals
};

/// Tables of cumulative probabilities, one behind the other.
pub(crate) struct Poisson {
    exponential: &'static Exponential,
    tables: Vec<Table>,
    cumulative: Vec<f64>,
}

struct Table {
    /// Where the table begins in the cumulative probabilities.
    first: u32,
    /// For each interval, the least number that a point in it can mean.
    guide: [u8; GUIDE],
}

impl Poisson {
    /// The tables: some 200 KB, the same for all.
    pub(crate) fn tables() -> &'static Self {
        static TABLES: OnceLock<Poisson> = OnceLock::new();
        TABLES.get_or_init(Self::build)
    }

    fn build() -> Self {
        let exponential = Exponential::table();
        let mut all = Self { exponential, tables: Vec::new(), cumulative: Vec::new() };
        for j in 0..=GREATEST * FINE as usize {
            let mean = j as f64 / FINE;
            let first = all.cumulative.len();
            let (mut mass, mut sum, mut k) = (libm::exp(-mean), 0.0, 0.0);
            // Beyond the mean, until nothing is left in double precision.
            while k <= mean || mass > 1.0 / (1u64 << 60) as f64 {
                sum += mass;
                all.cumulative.push(sum);
                k += 1.0;
                mass *= mean / k;
            }
            // Whatever rounding left.
            all.cumulative.push(f64::INFINITY);
            let table = &all.cumulative[first..];
            let mut guide = [0; GUIDE];
            for (g, least) in guide.iter_mut().enumerate() {
                let point = g as f64 / GUIDE as f64;
                *least = table.partition_point(|&c| c <= point) as u8;
            }
            all.tables.push(Table { first: first as u32, guide });
        }
        all
    }

    /// A Poisson number.
    #[inline]
    pub(crate) fn draw(&self, mean: f64, stream: &mut Stream) -> u64 {
        if mean < SMALL { self.invert(mean, stream) } else { self.many(mean, stream) }
    }

    fn many(&self, mean: f64, stream: &mut Stream) -> u64 {
        let greatest = GREATEST as f64;
        let whole = (mean / greatest) as u64;
        let rest = mean - whole as f64 * greatest;
        let mut sum: u64 = (0..whole).map(|_| self.look_up(GREATEST * FINE as usize, stream)).sum();
        let j = (rest * FINE) as usize;
        if j > 0 {
            sum += self.look_up(j, stream);
        }
        sum + self.invert(rest - j as f64 / FINE, stream)
    }

    /// A Poisson number of a small mean.
    #[inline]
    fn invert(&self, mean: f64, stream: &mut Stream) -> u64 {
        let point = unit_interval(stream.next());
        if point < 1.0 - mean {
            return 0;
        }
        let mut mass = self.exponential.of_minus(mean);
        let (mut sum, mut k) = (mass, 0);
        // No point reaches beyond the sum of all terms but by rounding.
        while point >= sum && k < MOST {
            k += 1;
            mass *= mean * RECIPROCALS[k];
            sum += mass;
        }
        k as u64
    }

    #[inline]
    fn look_up(&self, table: usize, stream: &mut Stream) -> u64 {
        let point = unit_interval(stream.next());
        let table = &self.tables[table];
        let cumulative = &self.cumulative[table.first as usize..];
        let mut k = usize::from(table.guide[(point * GUIDE as f64) as usize]);
        while cumulative[k] <= point {
            k += 1;
        }
        k as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// χ² against the exact probabilities at α = 0.001, by the normal approximation of Wilson and Hilferty;
    /// means on, between and beyond the tables.
    #[test]
    fn numbers_have_their_exact_probabilities() {
        let mut stream = Stream::new([5, 7], 0);
        for mean in [0.003, 0.1, 0.7, 1.0, 2.9, 3.0, 3.3, 20.1, 63.9, 64.0, 150.3] {
            let runs = 50_000;
            let mut counts = vec![0.0; 1000];
            (0..runs)
                .for_each(|_| counts[Poisson::tables().draw(mean, &mut stream) as usize] += 1.0);
            let (mut ln, mut chi, mut degrees) = (-mean, 0.0, -1.0);
            let (mut rest, mut rest_expected) = (0.0, 0.0);
            for (k, count) in counts.iter().enumerate() {
                let expected = f64::exp(ln) * f64::from(runs);
                if expected > 5.0 {
                    chi += (count - expected) * (count - expected) / expected;
                    degrees += 1.0;
                } else {
                    (rest, rest_expected) = (rest + count, rest_expected + expected);
                }
                ln += f64::ln(mean / (k + 1) as f64);
            }
            if rest_expected > 5.0 {
                chi += (rest - rest_expected) * (rest - rest_expected) / rest_expected;
                degrees += 1.0;
            }
            let spread = 2.0 / (9.0 * f64::max(degrees, 1.0));
            let limit = degrees * (1.0 - spread + 3.09 * f64::sqrt(spread)).powi(3);
            assert!(chi < limit.max(10.83), "mean {mean}: χ² {chi} at {degrees}");
        }
    }
}
