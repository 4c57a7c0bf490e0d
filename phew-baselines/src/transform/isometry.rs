//! Approximate isometry: weights of a masked network moved towards orthogonality.

use std::ops::Range;

use phew_graph::{LayerMask, Mask, Network, PathGraph, TensorId};
use rayon::prelude::*;

use crate::error::BaselineError;

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Isometry {
    /// Steps at most; 1,000 by default.
    pub iterations: usize,
    /// The gradient's norm relative to its first one at which a tensor counts as converged; 1e-6 by default.
    pub tolerance: f64,
}

impl Default for Isometry {
    fn default() -> Self {
        Self { iterations: 1000, tolerance: 1e-6 }
    }
}

/// How far a tensor came.
#[derive(Clone, Debug, PartialEq)]
pub struct Convergence {
    /// Name of the tensor.
    pub tensor: String,
    /// `‖A Aᵀ − I‖` (Frobenius) of the masked weights before, A lying on its long side; over all groups together.
    pub before: f64,
    /// The same afterwards.
    pub after: f64,
    /// Steps taken.
    pub iterations: usize,
    /// The gradient's norm relative to the first one.
    pub gradient: f64,
    /// Kept weights of 0 that stay there although the tensor is nearer without it: no gradient moves a unit or an input
    /// whose kept weights are all exactly 0.
    pub stuck: usize,
    /// Whether the tolerance was met and no weight is stuck.
    pub converged: bool,
}

/// Moves the kept weights of each tensor to a minimum of `‖(C ⊙ W)ᵀ(C ⊙ W) − I‖²`, C the mask; pruned weights
/// become 0. No data are needed.
///
/// A tensor is the matrix `[out, in · kh · kw]`, of a grouped convolution one for each group, whose objectives add
/// up: units of different groups share no input and need not be orthogonal. Of `AᵀA` and `AAᵀ` the smaller is
/// used, which changes the objective by a constant. Conjugate gradients (Polak–Ribière, restarted when they stop
/// descending) with an exact line search: along a line the objective is a polynomial of degree 4, whose least minimum
/// is found in closed form and polished.
///
/// Where all kept weights of a row or a column are exactly 0 the gradient by them is 0, though the objective may fall
/// on either side. They stay as they are, and [`Convergence::stuck`] counts them: draw them first.
///
/// # Errors
/// [`BaselineError::Graph`] if the mask is not of the network's architecture; [`BaselineError::Parameter`]
/// if the tolerance is not positive.
///
/// # Complexity
/// A step takes `Σ_k n_k²` operations over the lines of the long side with `n_k` kept weights each, the
/// square of the short side in memory for each group; tensors run in parallel.
///
/// # References
/// Lee et al. 2020, eq. (7) and section 5 (LDI-AI), who descend by plain gradient steps.
pub fn approximate_isometry(
    network: &Network,
    mask: &Mask,
    stop: Isometry,
) -> Result<(Network, Vec<Convergence>), BaselineError> {
    mask.check(network.arch(), "the mask")?;
    if !(stop.tolerance > 0.0 && stop.tolerance.is_finite()) {
        return Err(BaselineError::parameter("tolerance", stop.tolerance, "a positive number"));
    }
    let graph = PathGraph::new(network.arch());
    let (weights, reports): (Vec<Vec<f32>>, Vec<Convergence>) = network
        .weights()
        .into_par_iter()
        .zip(mask.layers())
        .enumerate()
        .map(|(tensor, (values, layer))| {
            let mut lines = Lines::new(values, layer, graph.shape(TensorId::new(tensor)).groups);
            let report = lines.minimise(layer.name(), stop);
            (lines.weights(layer), report)
        })
        .unzip();
    Ok((network.with_weights(weights)?, reports))
}

/// A tensor's masked matrices, one for each group, by the lines of their long side: each line lists its kept entries
/// on the short side.
struct Lines {
    groups: usize,
    short: usize,
    /// Where each line begins in the lists below, and where the last one ends; group by group.
    starts: Vec<usize>,
    /// Place on the short side, and row-major index in the tensor.
    places: Vec<(u32, u32)>,
    values: Vec<f64>,
}

impl Lines {
    fn new(weights: &[f32], layer: &LayerMask, groups: usize) -> Self {
        let columns = layer.len() / layer.shape()[0];
        let rows = layer.shape()[0] / groups;
        let wide = rows <= columns;
        let (short, long) = (rows.min(columns), rows.max(columns));
        let (mut starts, mut places, mut values) = (vec![0], Vec::new(), Vec::new());
        for (group, k) in (0..groups).flat_map(|g| (0..long).map(move |k| (g, k))) {
            let first = group * rows * columns;
            for s in 0..short {
                let index = first + if wide { s * columns + k } else { k * columns + s };
                if layer.get(index) {
                    places.push((s as u32, index as u32));
                    values.push(f64::from(weights[index]));
                }
            }
            starts.push(places.len());
        }
        Self { groups, short, starts, places, values }
    }

    fn weights(&self, layer: &LayerMask) -> Vec<f32> {
        let mut weights = vec![0.0; layer.len()];
        for (&(_, index), &v) in self.places.iter().zip(&self.values) {
            weights[index as usize] = v as f32;
        }
        weights
    }

    /// Each line's entries, and those of its group in what [`Lines::gram`] gives.
    fn lines(&self) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
        let (each, block) = ((self.starts.len() - 1) / self.groups, self.short * self.short);
        let group = move |k: usize| k / each * block..(k / each + 1) * block;
        self.starts.windows(2).enumerate().map(move |(k, w)| (w[0]..w[1], group(k)))
    }

    /// `Σ_k (a_k b_kᵀ + b_k a_kᵀ) / 2` of each group, full.
    fn gram(&self, a: &[f64], b: &[f64]) -> Vec<f64> {
        let n = self.short;
        let mut g = vec![0.0; self.groups * n * n];
        for (line, group) in self.lines() {
            let g = &mut g[group];
            for p in line.clone() {
                let row = &mut g[self.places[p].0 as usize * n..][..n];
                for q in line.clone() {
                    row[self.places[q].0 as usize] += 0.5 * (a[p] * b[q] + b[p] * a[q]);
                }
            }
        }
        g
    }

    /// `4 (G − I) a_k` on the kept entries.
    fn gradient(&self, residual: &[f64]) -> Vec<f64> {
        let n = self.short;
        let mut gradient = vec![0.0; self.values.len()];
        for (line, group) in self.lines() {
            let residual = &residual[group];
            for p in line.clone() {
                let row = &residual[self.places[p].0 as usize * n..][..n];
                let sum: f64 =
                    line.clone().map(|q| row[self.places[q].0 as usize] * self.values[q]).sum();
                gradient[p] = 4.0 * sum;
            }
        }
        gradient
    }

    /// Number of weights of 0 with a gradient of 0 and a negative curvature: `4 (r_ss + Σ_q a_q²)` at place s, the sum
    /// over the line. It counts as negative below `-error`: rows of norm 1 are so up to the tolerance only.
    fn stuck(&self, residual: &[f64], gradient: &[f64], error: f64) -> usize {
        let of = |(line, group): (Range<usize>, Range<usize>)| {
            let (norm, residual) =
                (dot(&self.values[line.clone()], &self.values[line.clone()]), &residual[group]);
            let still = line.filter(|&p| self.values[p] == 0.0 && gradient[p] == 0.0);
            let falls =
                |p: &usize| residual[self.places[*p].0 as usize * (self.short + 1)] + norm < -error;
            still.filter(falls).count()
        };
        self.lines().map(of).sum()
    }

    fn residual(&self) -> Vec<f64> {
        let mut g = self.gram(&self.values, &self.values);
        let n = self.short;
        (0..self.groups * n).for_each(|i| g[i * n + i % n] -= 1.0);
        g
    }

    fn minimise(&mut self, tensor: &str, stop: Isometry) -> Convergence {
        let mut residual = self.residual();
        let before = dot(&residual, &residual).sqrt();
        let mut gradient = self.gradient(&residual);
        let first = dot(&gradient, &gradient).sqrt();
        let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let (mut norm, mut iterations) = (first, 0);
        while norm > stop.tolerance * first && iterations < stop.iterations {
            if dot(&gradient, &direction) >= 0.0 {
                direction = gradient.iter().map(|g| -g).collect();
            }
            // R(t) = R + 2 t B + t² D with B, D the Gram matrices of values and direction.
            let cross = self.gram(&self.values, &direction);
            let square = self.gram(&direction, &direction);
            let (rb, rd) = (dot(&residual, &cross), dot(&residual, &square));
            let (bb, bd, dd) = (dot(&cross, &cross), dot(&cross, &square), dot(&square, &square));
            let t = least(4.0 * rb, 2.0 * rd + 4.0 * bb, 4.0 * bd, dd);
            if t == 0.0 {
                break;
            }
            self.values.iter_mut().zip(&direction).for_each(|(v, d)| *v += t * d);
            residual = self.residual();
            let next = self.gradient(&residual);
            let change: f64 = next.iter().zip(&gradient).map(|(n, g)| n * (n - g)).sum();
            let beta = (change / dot(&gradient, &gradient)).max(0.0);
            direction.iter_mut().zip(&next).for_each(|(d, n)| *d = beta * *d - n);
            gradient = next;
            norm = dot(&gradient, &gradient).sqrt();
            iterations += 1;
        }
        let stuck = self.stuck(&residual, &gradient, stop.tolerance.sqrt());
        let relative = if first > 0.0 { norm / first } else { 0.0 };
        Convergence {
            tensor: tensor.to_owned(),
            before,
            after: dot(&residual, &residual).sqrt(),
            iterations,
            gradient: relative,
            stuck,
            converged: relative <= stop.tolerance && stuck == 0,
        }
    }
}

/// The t ≥ 0 where `c1 t + c2 t² + c3 t³ + c4 t⁴` is least.
fn least(c1: f64, c2: f64, c3: f64, c4: f64) -> f64 {
    let value = |t: f64| t * (c1 + t * (c2 + t * (c3 + t * c4)));
    let slope = |t: f64| c1 + t * (2.0 * c2 + t * (3.0 * c3 + t * 4.0 * c4));
    let bend = |t: f64| 2.0 * c2 + t * (6.0 * c3 + t * 12.0 * c4);
    if c4 <= 0.0 {
        return 0.0;
    }
    // Roots of the cubic slope by Cardano, then two steps of Newton.
    let (a, b, c) = (0.75 * c3 / c4, 0.5 * c2 / c4, 0.25 * c1 / c4);
    let (q, r) = ((a * a - 3.0 * b) / 9.0, (a * (2.0 * a * a - 9.0 * b) + 27.0 * c) / 54.0);
    let roots = if r * r < q * q * q {
        let angle = (r / (q * q * q).sqrt()).clamp(-1.0, 1.0);
        let angle = libm::acos(angle);
        let root = |k: f64| {
            -2.0 * q.sqrt() * libm::cos((angle + k * std::f64::consts::TAU) / 3.0) - a / 3.0
        };
        vec![root(0.0), root(1.0), root(-1.0)]
    } else {
        let s = -r.signum() * libm::cbrt(r.abs() + (r * r - q * q * q).sqrt());
        vec![s + if s == 0.0 { 0.0 } else { q / s } - a / 3.0]
    };
    let polished = roots
        .into_iter()
        .map(|t| (0..2).fold(t, |t, _| if bend(t) > 0.0 { t - slope(t) / bend(t) } else { t }));
    polished.filter(|t| *t > 0.0).min_by(|a, b| value(*a).total_cmp(&value(*b))).unwrap_or(0.0)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_point_of_a_quartic_is_found() {
        // (t − 1)² (t − 3)² − 9 has minima at 1 and 3; a tilt makes one of them least.
        for (tilt, want) in [(0.2, 1.0), (-0.2, 3.0)] {
            let t = least(-24.0 + tilt, 22.0, -8.0, 1.0);
            assert!((t - want).abs() < 0.05, "{tilt}: {t}");
        }
        assert!((least(-4.0, 0.0, 0.0, 1.0) - 1.0).abs() < 1e-12);
    }
}
