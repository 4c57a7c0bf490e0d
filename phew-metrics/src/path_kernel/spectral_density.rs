//! The distribution of all eigenvalues of the path kernel, by stochastic Lanczos quadrature.
//!
//! The eigenvalues known at once count exactly. For the others and a random vector z of signs
//! `E[zᵀ f(G) z] = Tr f(G)`, and Lanczos from z gives nodes and weights of a Gauss quadrature for `zᵀ f(G) z`. A
//! few vectors suffice: their scatter is the error.

use std::ops::ControlFlow;

use phew_graph::{Mask, stream, stream_key};
use rand::Rng;
use serde::Serialize;

use super::gram::Gram;
use super::watch::tell;
use crate::analysis::Analysis;
use crate::eigen::{KrylovBasis, check_room, gauss_quadrature};
use crate::error::MetricError;

/// Parameters of [`Analysis::path_kernel_density`].
#[derive(Clone, Debug, PartialEq)]
pub struct DensityParams {
    probes: usize,
    steps: usize,
    seed: u64,
}

impl Default for DensityParams {
    /// Four probes of 24 steps, seed 0.
    fn default() -> Self {
        Self { probes: 4, steps: 24, seed: 0 }
    }
}

impl DensityParams {
    /// Probe vectors and Lanczos steps for each.
    ///
    /// # Errors
    /// [`MetricError::Parameter`] unless there are at least two probes and two steps.
    pub fn new(probes: usize, steps: usize) -> Result<Self, MetricError> {
        let wrong = |name, found: usize| {
            Err(MetricError::Parameter { name, found: found.to_string(), expected: "at least 2" })
        };
        match (probes, steps) {
            (0 | 1, _) => wrong("number of probes", probes),
            (_, 0 | 1) => wrong("number of steps", steps),
            _ => Ok(Self { probes, steps, seed: 0 }),
        }
    }

    /// Matrix-vector products at most.
    #[must_use]
    pub fn products(&self) -> usize {
        self.probes.saturating_mul(self.steps)
    }

    /// Sets the seed of the probes.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }
}

/// An estimate with its standard error over the probes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Mean over the probes.
    pub mean: f64,
    /// Standard error of the mean.
    pub error: f64,
}

/// The spectral density of a path kernel, relative to its trace.
///
/// If no path survives all eigenvalues are 0, and the estimates NaN: there is no trace to relate them to.
#[derive(Clone, Debug, PartialEq)]
pub struct Density {
    /// Eigenvalue over trace, and the number of eigenvalues that it stands for, ascending.
    ///
    /// The numbers add up to the number of kept weights: eigenvalues of 0 among weights stand for the
    /// null space of J.
    pub nodes: Vec<(f64, f64)>,
    /// Estimate of the trace over the trace from path sums: 1 within the error.
    pub trace: Estimate,
    /// `−Σ λ ln λ` for λ over trace.
    pub entropy: Estimate,
    /// `Σ λ²` for λ over trace.
    pub square: Estimate,
}

/// Eigenvalues of one interval of a logarithmic scale.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DensityBin {
    /// Least eigenvalue over trace.
    pub from: f64,
    /// Greatest eigenvalue over trace, excluded.
    pub to: f64,
    /// Number of eigenvalues, an estimate.
    pub count: f64,
    /// What they make up of the trace, an estimate.
    pub trace: f64,
}

impl Density {
    /// The distribution on a logarithmic scale with `per_decade` intervals to a decade, empty ones left out, the
    /// greatest eigenvalues first.
    ///
    /// Eigenvalues below 10⁻¹⁵ of the greatest are 0 up to rounding and have no interval: see
    /// [`Density::zeros`].
    #[must_use]
    pub fn histogram(&self, per_decade: usize) -> Vec<DensityBin> {
        let steps = per_decade.max(1) as f64;
        let mut bins: Vec<(i64, DensityBin)> = Vec::new();
        for &(value, count) in self.nodes.iter().rev().take_while(|n| n.0 > self.zero()) {
            let at = (value.log10() * steps).floor() as i64;
            if bins.last().is_none_or(|b| b.0 != at) {
                let edge = |i: i64| 10f64.powf(i as f64 / steps);
                let (from, to) = (edge(at), edge(at + 1));
                bins.push((at, DensityBin { from, to, count: 0.0, trace: 0.0 }));
            }
            if let Some((_, bin)) = bins.last_mut() {
                bin.count += count;
                bin.trace += count * value;
            }
        }
        bins.into_iter().map(|(_, bin)| bin).collect()
    }

    /// Number of eigenvalues of 0, up to rounding, an estimate: kept weights in excess of the rank.
    #[must_use]
    pub fn zeros(&self) -> f64 {
        self.nodes.iter().take_while(|n| n.0 <= self.zero()).map(|n| n.1).sum()
    }

    fn zero(&self) -> f64 {
        1e-15 * self.nodes.last().map_or(0.0, |n| n.0)
    }

    /// Effective rank `exp(−Σ λ ln λ)` (Roy & Vetterli 2007): as many equal eigenvalues have this entropy.
    #[must_use]
    pub fn effective_rank(&self) -> f64 {
        self.entropy.mean.exp()
    }

    /// Participation ratio `1 / Σ λ²`: the rank if all eigenvalues are equal.
    #[must_use]
    pub fn participation_ratio(&self) -> f64 {
        1.0 / self.square.mean
    }
}

impl Analysis<'_> {
    /// Distribution of the eigenvalues of the path kernel Π over the kept weights.
    ///
    /// # Errors
    /// [`MetricError::Decomposition`] if a small eigenproblem fails; [`MetricError::Memory`] if the vectors are too
    /// many.
    ///
    /// # Complexity
    /// One pass over the weights, then `probes · steps` matrix-vector products of O(kernels); memory of
    /// 8 bytes · kernels · (steps + 4).
    ///
    /// # References
    /// Golub & Welsch 1969; Ubaru, Chen & Saad 2017 (stochastic Lanczos quadrature).
    pub fn path_kernel_density(&self, params: &DensityParams) -> Result<Density, MetricError> {
        self.path_kernel_density_with(params, &mut |_| ControlFlow::Continue(()))
    }

    /// As [`Analysis::path_kernel_density`]; `watch` is told the number of matrix-vector products as they are made,
    /// and may ask to stop.
    ///
    /// # Errors
    /// [`MetricError::Stopped`] besides.
    pub fn path_kernel_density_with(
        &self,
        params: &DensityParams,
        watch: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Density, MetricError> {
        let gram = Gram::new(self)?;
        if gram.ln_trace() == f64::NEG_INFINITY {
            let none = Estimate { mean: f64::NAN, error: f64::NAN };
            let kept = self.mask().map_or(self.network.arch().prunable_len(), Mask::kept);
            let nodes = vec![(0.0, kept as f64)];
            return Ok(Density { nodes, trace: none, entropy: none, square: none });
        }
        let steps = params.steps.min(gram.places().len());
        check_room("the Krylov vectors", gram.len(), steps)?;
        let mut basis = KrylovBasis::new(gram.len(), steps);
        let known = gram.known();
        let mut nodes: Vec<(f64, f64)> = known.iter().map(|&(x, n)| (x, f64::from(n))).collect();
        let exact = |f: fn(f64) -> f64| nodes.iter().map(|&(x, n)| n * f(x)).sum::<f64>();
        // Rounding may leave a node of 0 just below it.
        let entropy = |x: f64| if x > 0.0 { -x * x.ln() } else { 0.0 };
        let functions: [fn(f64) -> f64; 3] = [|x| x, entropy, |x| x * x];
        let exact = functions.map(exact);
        let mut sums: [Vec<f64>; 3] = Default::default();
        for probe in 0..params.probes as u64 {
            let mut products = probe as usize * steps;
            let z = signs(&gram, params.seed, probe);
            let quadrature = gauss_quadrature(&mut basis, z, steps, |v, out| {
                gram.apply(v, out);
                products += 1;
                tell(watch, products)
            })?;
            for ((sums, f), exact) in sums.iter_mut().zip(functions).zip(exact) {
                sums.push(exact + quadrature.iter().map(|&(x, m)| m * f(x)).sum::<f64>());
            }
            let share = 1.0 / params.probes as f64;
            nodes.extend(quadrature.into_iter().map(|(x, m)| (x.max(0.0), m * share)));
        }
        nodes.sort_by(|a, b| a.0.total_cmp(&b.0));
        let [trace, entropy, square] = sums.map(|s| estimate(&s));
        Ok(Density { nodes, trace, entropy, square })
    }
}

/// A random sign for each bundle that keeps a weight.
fn signs(gram: &Gram<'_>, seed: u64, probe: u64) -> Vec<f64> {
    let mut rng = stream(stream_key("phew 1 probes", seed), probe);
    let mut v = gram.start(seed);
    for v in v.iter_mut().filter(|v| **v != 0.0) {
        *v = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
    }
    v
}

fn estimate(samples: &[f64]) -> Estimate {
    let n = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / n;
    let variance = samples.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / (n - 1.0);
    Estimate { mean, error: (variance / n).sqrt() }
}

#[cfg(test)]
mod tests {
    use phew_graph::{Init, Network, zoo};

    use super::*;

    #[test]
    fn a_probe_of_m_steps_has_the_moments_of_its_vector_up_to_order_2m_minus_1() {
        for (name, steps) in [("mlp-3-5-4-2", 3), ("wrn-10-1", 5)] {
            let arch = zoo::by_name(name).unwrap().build().unwrap();
            let network = Network::initialise(arch, Init::default(), 2).unwrap();
            let analysis = Analysis::new(&network, None).unwrap();
            let gram = Gram::new(&analysis).unwrap();
            let mut basis = KrylovBasis::new(gram.len(), steps);
            let z = signs(&gram, 0, 1);
            let apply = |v: &[f64], out: &mut [f64]| {
                gram.apply(v, out);
                Ok::<(), MetricError>(())
            };
            let nodes = gauss_quadrature(&mut basis, z.clone(), steps, apply).unwrap();
            assert_eq!(nodes.len(), steps);
            let (mut powered, mut next) = (z.clone(), z.clone());
            for order in 0..2 * steps as i32 {
                let moment: f64 = z.iter().zip(&powered).map(|(z, p)| z * p).sum();
                let found: f64 = nodes.iter().map(|(x, m)| m * x.powi(order)).sum();
                // Rounding of Lanczos with full reorthogonalisation: some ulps of the greatest eigenvalue per order.
                let error = (found - moment).abs();
                assert!(error <= 1e-11 * moment.abs(), "{name} order {order}: {found} {moment}");
                gram.apply(&powered, &mut next);
                std::mem::swap(&mut powered, &mut next);
            }
        }
    }

    #[test]
    fn a_histogram_counts_every_eigenvalue_once() {
        let none = Estimate { mean: 1.0, error: 0.0 };
        let nodes = vec![(0.0, 5.0), (1e-20, 1.0), (0.002, 4.0), (0.009, 2.0), (0.5, 1.0)];
        let density = Density { nodes, trace: none, entropy: none, square: none };
        let bins = density.histogram(1);
        let counts: Vec<f64> = bins.iter().map(|b| b.count).collect();
        assert_eq!(counts, [1.0, 6.0]);
        assert!((bins[1].trace - 0.026).abs() < 1e-15 && (density.zeros() - 6.0).abs() < 1e-15);
        assert!((bins[1].from - 1e-3).abs() < 1e-15 && (bins[1].to - 1e-2).abs() < 1e-15);
        assert_eq!(density.histogram(8).len(), 3);
    }
}
