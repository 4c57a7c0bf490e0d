//! Means with errors, and tests with stated levels.

/// Mean and standard error.
pub(super) fn mean_and_error(samples: &[f64]) -> (f64, f64) {
    let n = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / n;
    let variance = samples.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    (mean, (variance / n).sqrt())
}

/// Normal quantile for a two-sided level of 0.001.
pub(super) const Z_999: f64 = 3.290_5;

/// Upper 0.001 quantile of χ² (Wilson & Hilferty 1931; within 1% for ten degrees of freedom and more, 2% above for
/// four).
pub(super) fn chi_squared_999(degrees: usize) -> f64 {
    let k = degrees as f64;
    let z = 3.090_2;
    k * (1.0 - 2.0 / (9.0 * k) + z * (2.0 / (9.0 * k)).sqrt()).powi(3)
}

/// Spearman's rank correlation; ties share their mean rank.
pub(super) fn rank_correlation(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (ranks(a), ranks(b));
    let middle = (a.len() as f64 - 1.0) / 2.0;
    let product = |x: &[f64], y: &[f64]| -> f64 {
        x.iter().zip(y).map(|(x, y)| (x - middle) * (y - middle)).sum()
    };
    product(&a, &b) / (product(&a, &a) * product(&b, &b)).sqrt()
}

fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
    let mut ranks = vec![0.0; values.len()];
    let mut from = 0;
    while from < order.len() {
        let tied = order[from..].iter().take_while(|&&i| values[i] <= values[order[from]]).count();
        let rank = from as f64 + (tied as f64 - 1.0) / 2.0;
        order[from..from + tied].iter().for_each(|&i| ranks[i] = rank);
        from += tied;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_near_the_tables() {
        // χ² tables: 10.828 for 1, 29.588 for 10, 149.449 for 100 degrees of freedom.
        for (degrees, quantile) in [(10, 29.588), (100, 149.449)] {
            assert!((chi_squared_999(degrees) / quantile - 1.0).abs() < 0.01);
        }
    }

    #[test]
    fn monotone_pairs_have_rank_correlation_one_and_ties_share_ranks() {
        assert!((rank_correlation(&[1.0, 2.0, 9.0], &[0.1, 0.2, 0.3]) - 1.0).abs() < 1e-15);
        assert!((rank_correlation(&[1.0, 2.0, 9.0], &[3.0, 2.0, 1.0]) + 1.0).abs() < 1e-15);
        assert_eq!(ranks(&[5.0, 1.0, 5.0]), [1.5, 0.0, 1.5]);
    }
}
