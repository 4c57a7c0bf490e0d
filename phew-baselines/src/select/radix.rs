//! Fixing the digits of the k-th score by histograms, for any distribution.

use rayon::prelude::*;

use super::bracket::Bracket;
use super::group::Group;
use crate::error::BaselineError;

const DIGIT: u32 = 16;

/// So few scores are cheaper collected than narrowed down further.
const FEW: usize = 1 << 18;

/// An integer that orders as the number does; -0 is 0.
fn key(score: f64) -> u64 {
    let bits = (score + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

fn score(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key & !(1 << 63) } else { !key })
}

/// A bracket with the `kept`-th greatest score and few others inside, or nothing but equal scores.
pub(super) fn narrow(group: &Group<'_>, kept: usize) -> Result<Bracket, BaselineError> {
    let (mut prefix, mut fixed, mut wanted) = (0u64, 0, kept);
    while fixed < 64 {
        let counts = histogram(group, prefix, fixed)?;
        let mut digit = counts.len();
        let inside = loop {
            digit -= 1;
            if counts[digit] >= wanted || digit == 0 {
                break counts[digit];
            }
            wanted -= counts[digit];
        };
        prefix = prefix << DIGIT | digit as u64;
        fixed += DIGIT;
        if inside <= FEW {
            break;
        }
    }
    let open = 64 - fixed;
    let low = prefix.checked_shl(open).unwrap_or(0);
    let high = low | u64::MAX.checked_shr(64 - open).unwrap_or(0);
    // Beyond the infinities the integers are those of NaN.
    let or = |score: f64, end: f64| if score.is_nan() { end } else { score };
    Ok(Bracket { low: or(score(low), f64::NEG_INFINITY), high: or(score(high), f64::INFINITY) })
}

/// How many candidates have each next digit, among those whose first `fixed` bits are `prefix`.
fn histogram(group: &Group<'_>, prefix: u64, fixed: u32) -> Result<Vec<usize>, BaselineError> {
    let shift = 64 - fixed - DIGIT;
    let empty = || vec![0usize; 1 << DIGIT];
    group
        .blocks()
        .par_iter()
        .with_min_len(256)
        .try_fold(empty, |mut counts, block| {
            group.visit(block, |_, score| {
                let key = key(score);
                if key.checked_shr(64 - fixed).unwrap_or(0) == prefix {
                    counts[(key >> shift & ((1 << DIGIT) - 1)) as usize] += 1;
                }
            })?;
            Ok(counts)
        })
        .try_reduce(empty, |mut a, b| {
            a.iter_mut().zip(&b).for_each(|(a, b)| *a += b);
            Ok(a)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_order_as_numbers_do_and_come_back() {
        let numbers = [f64::NEG_INFINITY, -2.5, -1e-300, 0.0, 1e-310, 0.1, 7.0, f64::INFINITY];
        assert!(numbers.windows(2).all(|w| key(w[0]) < key(w[1])));
        assert!(numbers.iter().all(|&n| score(key(n)).total_cmp(&n).is_eq()));
        assert_eq!(key(-0.0), key(0.0));
    }
}
