//! The greatest eigenvalues of a symmetric operator that is only known by what it does to vectors.

use rand::Rng;

use phew_graph::{stream, stream_key};

use crate::error::Result;

/// Steps in a row over which the values that are asked for must stand still: one may do so by chance.
const STILL: usize = 3;

/// The `count` greatest eigenvalues, greatest first, to `tolerance` of the greatest.
pub(super) fn greatest(
    size: usize,
    count: usize,
    tolerance: f64,
    apply: impl FnMut(&[f64]) -> Result<Vec<f64>>,
) -> Result<Vec<f64>> {
    let first = |mut values: Vec<f64>| {
        values.truncate(count);
        values
    };
    iterate(size, count.min(size), tolerance, first, apply)
}

/// The greatest and the least eigenvalue, to `tolerance` of the greatest.
pub(super) fn ends(
    size: usize,
    tolerance: f64,
    apply: impl FnMut(&[f64]) -> Result<Vec<f64>>,
) -> Result<[f64; 2]> {
    let both = |values: Vec<f64>| values.iter().take(1).chain(values.last()).copied().collect();
    let found = iterate(size, 2, tolerance, both, apply)?;
    Ok([found.first(), found.last()].map(|value| value.copied().unwrap_or(0.0)))
}

/// Lanczos with full reorthogonalisation, until the `wanted` values that `pick` takes of all (greatest first) stand
/// still, or the whole space is spanned, where they are exact.
fn iterate(
    size: usize,
    wanted: usize,
    tolerance: f64,
    pick: impl Fn(Vec<f64>) -> Vec<f64>,
    mut apply: impl FnMut(&[f64]) -> Result<Vec<f64>>,
) -> Result<Vec<f64>> {
    let mut rng = stream(stream_key("phew 1 lanczos", 0), 0);
    let mut vector: Vec<f64> = (0..size).map(|_| rng.random::<f64>() - 0.5).collect();
    normalise(&mut vector);
    let mut basis = vec![vector];
    let (mut diagonal, mut beside) = (Vec::new(), Vec::new());
    let (mut last, mut still): (Vec<f64>, usize) = (Vec::new(), 0);
    loop {
        let current = &basis[basis.len() - 1];
        let mut next = apply(current)?;
        diagonal.push(dot(&next, current));
        // Twice is enough (Parlett): what is left along the basis after one pass is removed by the second.
        for _ in 0..2 {
            for other in &basis {
                let along = dot(&next, other);
                next.iter_mut().zip(other).for_each(|(n, o)| *n -= along * o);
            }
        }
        let values = pick(tridiagonal_eigenvalues(&diagonal, &beside));
        let scale = values.first().map_or(0.0, |v: &f64| v.abs());
        let stands = last.len() == wanted
            && values.iter().zip(&last).all(|(a, b)| (a - b).abs() <= tolerance * scale);
        still = if stands { still + 1 } else { 0 };
        let norm = normalise(&mut next);
        // An invariant subspace: from a random start it holds every eigenvalue that is there.
        if still == STILL || basis.len() == size || norm <= f64::EPSILON * scale {
            return Ok(values);
        }
        last = values;
        beside.push(norm);
        basis.push(next);
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Scales to length 1 and returns the length before.
fn normalise(vector: &mut [f64]) -> f64 {
    let norm = dot(vector, vector).sqrt();
    if norm > 0.0 {
        vector.iter_mut().for_each(|v| *v /= norm);
    }
    norm
}

/// Eigenvalues of a symmetric tridiagonal matrix, greatest first, by bisection with Sturm sequences.
fn tridiagonal_eigenvalues(diagonal: &[f64], beside: &[f64]) -> Vec<f64> {
    let reach = |i: usize| {
        let left = if i > 0 { beside[i - 1].abs() } else { 0.0 };
        left + beside.get(i).map_or(0.0, |b| b.abs())
    };
    let bounds = diagonal.iter().enumerate();
    let low = bounds.clone().map(|(i, d)| d - reach(i)).fold(f64::INFINITY, f64::min);
    let high = bounds.map(|(i, d)| d + reach(i)).fold(f64::NEG_INFINITY, f64::max);
    // How many eigenvalues lie below x: the negative pivots of the factorisation of T − x.
    let below = |x: f64| {
        let mut pivot = 1.0_f64;
        diagonal
            .iter()
            .enumerate()
            .filter(|&(i, d)| {
                let cross = if i > 0 { beside[i - 1] * beside[i - 1] / pivot } else { 0.0 };
                pivot = d - x - cross;
                if pivot == 0.0 {
                    pivot = f64::MIN_POSITIVE;
                }
                pivot < 0.0
            })
            .count()
    };
    (0..diagonal.len())
        .rev()
        .map(|index| {
            let (mut low, mut high) = (low, high);
            loop {
                let middle = f64::midpoint(low, high);
                if middle <= low || middle >= high {
                    return middle;
                }
                if below(middle) > index { high = middle } else { low = middle }
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tridiagonal_matrix_has_its_known_eigenvalues() {
        // The second difference of n points: 2 − 2 cos(kπ / (n + 1)).
        let (n, diagonal, beside) = (20, [2.0; 20], [-1.0; 19]);
        let values = tridiagonal_eigenvalues(&diagonal, &beside);
        for (index, value) in values.iter().enumerate() {
            let k = (n - index) as f64;
            let wanted = 2.0 - 2.0 * (k * std::f64::consts::PI / 21.0).cos();
            assert!((value - wanted).abs() < 1e-12, "{value} {wanted}");
        }
    }

    #[test]
    fn the_greatest_of_a_diagonal_operator_come_first() {
        let apply = |v: &[f64]| {
            Ok(v.iter().enumerate().map(|(i, v)| v * 1.0 / (1.0 + i as f64)).collect::<Vec<f64>>())
        };
        let values = greatest(100, 3, 1e-12, apply).unwrap();
        for (value, wanted) in values.iter().zip([1.0, 0.5, 1.0 / 3.0]) {
            assert!((value - wanted).abs() < 1e-9, "{values:?}");
        }
        let [most, least] = ends(100, 1e-12, apply).unwrap();
        assert!((most - 1.0).abs() < 1e-9 && (least - 0.01).abs() < 1e-9, "{most} {least}");
        // More than there are: all of them, exactly.
        assert_eq!(greatest(4, 9, 1e-12, apply).unwrap().len(), 4);
    }
}
