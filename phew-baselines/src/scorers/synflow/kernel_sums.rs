//! Sums over kernels, whose scalars join the same two units: sums over paths need no more of them.

use super::products::live;
use crate::power::Power;

/// Scalars of a kernel at least, for sums to be worth their memory.
const FEWEST: usize = 4;

/// `Σ f(w)` of each kernel; nothing if kernels are small.
pub(super) fn kernel_sums(values: &[f32], kernel: usize, edge: Power) -> Vec<f64> {
    match kernel {
        ..FEWEST => Vec::new(),
        _ => values.chunks_exact(kernel).map(|values| kernel_sum(values, edge)).collect(),
    }
}

/// `Σ f(w)` of one kernel's live weights; NaN if there are none.
pub(super) fn kernel_sum(values: &[f32], edge: Power) -> f64 {
    match values.iter().all(|v| v.is_nan()) {
        true => f64::NAN,
        false => values.iter().map(|&v| edge.of(live(v) as f32)).sum(),
    }
}

/// Takes the part of a weight from its kernel's sum, if there are sums, where all smaller weights go too.
#[inline(always)]
pub(super) fn take(sums: &mut [f64], kernel: usize, part: f64) {
    if let Some(sum) = sums.get_mut(kernel) {
        *sum = without(*sum, part);
    }
}

/// A sum without the part of a weight, where all smaller ones go too; NaN if nothing is left.
#[inline(always)]
fn without(sum: f64, part: f64) -> f64 {
    let rest = sum - part;
    // What stays is no smaller than what goes, and the difference loses no precision; or nothing stays.
    if rest <= 0.5 * part { f64::NAN } else { rest }
}

/// A sum with the part of one more weight.
pub(super) fn with(sum: f64, part: f64) -> f64 {
    if sum.is_nan() { part } else { sum + part }
}

/// A sum as a number: 0 if nothing is left.
#[inline(always)]
pub(super) fn number(sum: f64) -> f64 {
    if sum > 0.0 { sum } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_not_a_number_from_when_its_last_weight_goes() {
        let weights = [0.1f32, 3.0, 0.0, 0.1, 0.7];
        let mut sum = kernel_sum(&weights, Power::Abs);
        for (gone, &i) in [2, 3, 0, 4, 1].iter().enumerate() {
            assert!(sum > 0.0, "{gone} are gone");
            sum = without(sum, Power::Abs.of(weights[i]));
        }
        assert!(sum.is_nan() && number(sum) <= 0.0);
        assert!(with(sum, 0.5) >= 0.5 && with(0.25, 0.5) >= 0.75);
    }

    #[test]
    fn weights_that_go_together_go_in_any_order() {
        // The greatest first: what stays seems to be nothing, and it is, for the smaller ones go too.
        let sum = [3.0, 0.1, 0.1].iter().fold(3.2, |sum, &part| without(sum, part));
        assert!(sum.is_nan());
        let sum = [0.7, 0.1, 0.1].iter().fold(3.9, |sum, &part| without(sum, part));
        assert!((sum - 3.0).abs() < 1e-15);
    }

    #[test]
    fn pruned_weights_and_zeros_are_told_apart() {
        let sum = |values| kernel_sum(values, Power::Square).to_bits();
        assert_eq!(sum(&[f32::NAN, 0.0]), 0.0f64.to_bits());
        assert_eq!(sum(&[f32::NAN, 3.0]), 9.0f64.to_bits());
        assert!(f64::from_bits(sum(&[f32::NAN; 2])).is_nan());
    }
}
