//! The batch size of the bulk engine: how many walks are expected to keep fewer weights than are wanted, from a sample.
//!
//! A weight that a walk passes with probability p is kept by n walks with probability 1 − (1 − p)ⁿ. The
//! probabilities are exact; their sum over tens of millions of weights is estimated from some ten thousand, one
//! drawn from each stretch of the weights that are not kept yet.

use phew_graph::{Mask, TensorId};
use rayon::prelude::*;

use crate::bulk::exponential::Exponential;
use crate::rng::{Stream, unit_interval};

/// Weights of the sample.
const SAMPLE: usize = 1 << 15;

/// Standard deviations to spare: chance does not reach the target.
const SPARE: f64 = 8.0;

/// A sample of the weights that a mask does not keep.
pub(crate) struct OpenWeights {
    /// Tensor and index of each.
    pub(crate) weights: Vec<(TensorId, usize)>,
    /// Weights that each stands for.
    pub(crate) share: f64,
}

impl OpenWeights {
    /// One weight of each stretch of `share` open ones, anywhere in it: no pattern of the layers can bias it.
    pub(crate) fn sample(mask: &Mask, stream: &mut Stream) -> Self {
        let open = mask.len() - mask.kept();
        let size = SAMPLE.min(open);
        let share = open as f64 / size.max(1) as f64;
        let mut place = |i: usize| ((i as f64 + unit_interval(stream.next())) * share) as usize;
        let (mut i, mut passed) = (0, 0);
        let mut next = place(0);
        let mut weights = Vec::with_capacity(size);
        for (tensor, layer) in mask.layers().with_ids() {
            for (w, &word) in layer.words().iter().enumerate() {
                let mut open = !word;
                if layer.len() - w * 64 < 64 {
                    open &= (1 << (layer.len() - w * 64)) - 1;
                }
                let count = open.count_ones() as usize;
                while i < size && next < passed + count {
                    let mut rest = open;
                    (passed..next).for_each(|_| rest &= rest - 1);
                    weights.push((tensor, w * 64 + rest.trailing_zeros() as usize));
                    i += 1;
                    next = place(i);
                }
                passed += count;
            }
        }
        Self { weights, share }
    }
}

/// What more walks are expected to add to a mask.
pub(crate) struct ExpectedGain {
    /// −ln(1 − p) of each weight of a sample.
    pub(crate) rates: Vec<f64>,
    /// Weights that each stands for.
    pub(crate) share: f64,
    /// The most weights that one walk can add.
    pub(crate) most: f64,
}

impl ExpectedGain {
    /// The number of walks that will almost surely add fewer than `left` weights, and not many fewer.
    ///
    /// What they add varies by chance: a walk adds between 0 and `most`, so the variance of what walks add is at
    /// most `most` times its mean. And the sample has an error of its own.
    pub(crate) fn batch_size(&self, left: usize) -> u64 {
        let left = left as f64;
        let mut walks = 0.0;
        // The gain is concave and its tangents lie above it: Newton's method comes from below.
        for _ in 0..40 {
            let (gain, rate, error) = self.gain(walks);
            let spare = SPARE * (left * self.most + error * error).sqrt();
            let step = (left - spare - gain) / rate;
            if step.is_nan() || step < 1.0 {
                break;
            }
            walks += step;
            if step < walks * 1e-3 {
                break;
            }
        }
        walks as u64
    }

    /// Expected gain of so many walks.
    pub(crate) fn expected(&self, walks: f64) -> f64 {
        self.gain(walks).0
    }

    /// The number of walks that are expected to add `left` weights, to a part in a hundred; infinite where none does.
    pub(crate) fn walks_for(&self, left: f64) -> f64 {
        let (mut few, mut many) = (0.0, 1.0);
        while self.expected(many) < left {
            few = many;
            many *= 4.0;
            if many > 1e30 {
                return f64::INFINITY;
            }
        }
        while many - few > 0.01 * many {
            let middle = 0.5 * (few + many);
            if self.expected(middle) < left { few = middle } else { many = middle }
        }
        many
    }

    /// Expected gain of some walks, what one more would add, and the standard error of the gain.
    fn gain(&self, walks: f64) -> (f64, f64, f64) {
        let exponential = Exponential::table();
        let chunk = |rates: &[f64]| {
            let mut sums = [0.0; 3];
            for &rate in rates {
                let left = exponential.of_minus(walks * rate);
                let gain = 1.0 - left;
                sums[0] += gain;
                sums[1] += rate * left;
                sums[2] += gain * gain;
            }
            sums
        };
        // Chunks depend on the sample alone, so the sums do not depend on the number of threads.
        let sums: Vec<[f64; 3]> = self.rates.par_chunks(4096).map(chunk).collect();
        let sum = |i: usize| sums.iter().map(|s| s[i]).sum::<f64>();
        let n = self.rates.len() as f64;
        let mean = sum(0) / n;
        let variance = (sum(2) / n - mean * mean).max(0.0) * (1.0 - 1.0 / self.share);
        (sum(0) * self.share, sum(1) * self.share, self.share * (n * variance).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1,000 weights, half of them passed once in 100 walks and half once in 10,000.
    #[test]
    fn the_number_of_walks_falls_short_by_the_margin() {
        let mut rates = vec![0.01; 500];
        rates.resize(1_000, 0.0001);
        let expected_gain = ExpectedGain { rates, share: 1.0, most: 1.0 };
        let (gain, rate, error) = expected_gain.gain(100.0);
        let expected = 500.0 * (1.0 - f64::exp(-1.0)) + 500.0 * (1.0 - f64::exp(-0.01));
        assert!((gain - expected).abs() < 1e-9, "{gain} {expected}");
        let slope = 5.0 * f64::exp(-1.0) + 0.05 * f64::exp(-0.01);
        assert!((rate - slope).abs() < 1e-9 && error == 0.0);
        for left in [300, 700, 990] {
            let walks = expected_gain.batch_size(left);
            let gain = expected_gain.gain(walks as f64).0;
            let budget = left as f64 - 8.0 * (left as f64).sqrt();
            assert!(gain <= budget && gain > 0.98 * budget, "{left}: {walks} add {gain}");
        }
        assert_eq!(expected_gain.batch_size(50), 0);
        let walks = expected_gain.walks_for(expected);
        assert!((99.0..=101.0).contains(&walks), "{walks}");
        assert!(expected_gain.walks_for(1_001.0).is_infinite());
    }
}
