//! The greatest eigenvalues of the path kernel, without the path kernel.

use std::ops::ControlFlow;

use faer::Mat;

use super::gram::Gram;
use super::watch::{Watch, tell};
use crate::analysis::Analysis;
use crate::eigen::{ChebyshevFilter, Eigenvalue, Eigenvalues, Lanczos, eigenvalues};
use crate::error::MetricError;

/// The filter's cut, as a share of the least eigenvalue that may matter.
const CUT: f64 = 0.9;

/// Up to this many bundles the matrix is formed.
const DENSE: usize = 512;

/// Parameters of [`Analysis::path_kernel_spectrum`].
#[derive(Clone, Debug, PartialEq)]
pub struct SpectrumParams {
    lanczos: Lanczos,
    dense: usize,
}

impl SpectrumParams {
    /// The `count` greatest eigenvalues; tolerance 10⁻⁶, seed 0, a basis of `2 · count + 20` vectors, at most 2,000
    /// matrix-vector products.
    ///
    /// # Errors
    /// [`MetricError::Parameter`] if `count` is 0.
    pub fn new(count: usize) -> Result<Self, MetricError> {
        Ok(Self { lanczos: Lanczos::greatest(count)?, dense: DENSE })
    }

    /// Sets the greatest residual `‖p(G) v − p(λ) v‖`, relative to p(λ), at which an eigenvalue counts as found;
    /// p is the polynomial that the method iterates with. An eigenvalue's own error is of the order of the
    /// residual's square.
    ///
    /// # Errors
    /// [`MetricError::Parameter`] unless the tolerance is at least 10⁻¹² and below 1.
    pub fn tolerance(self, tolerance: f64) -> Result<Self, MetricError> {
        Ok(Self { lanczos: self.lanczos.tolerance(tolerance)?, ..self })
    }

    /// Sets the seed of the first vector.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { lanczos: self.lanczos.seed(seed), ..self }
    }

    /// Sets how many Krylov vectors are kept before a restart. Each takes 8 bytes for each kernel.
    ///
    /// # Errors
    /// [`MetricError::Parameter`] unless there are at least two more than eigenvalues.
    pub fn basis(self, vectors: usize) -> Result<Self, MetricError> {
        Ok(Self { lanczos: self.lanczos.basis(vectors)?, ..self })
    }

    /// Sets the greatest number of matrix-vector products.
    #[must_use]
    pub fn max_products(self, products: usize) -> Self {
        Self { lanczos: self.lanczos.max_products(products), ..self }
    }

    /// Sets up to how many bundles of weights the matrix is formed and decomposed as a whole; 512 by default.
    #[must_use]
    pub fn dense_up_to(self, bundles: usize) -> Self {
        Self { dense: bundles, ..self }
    }
}

/// The greatest eigenvalues of a path kernel, relative to its trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrum {
    /// Natural logarithm of the trace, from path sums: the sum of all eigenvalues.
    pub ln_trace: f64,
    /// Eigenvalues over the trace, greatest first. No more than the rank.
    pub shares: Vec<f64>,
    /// For each eigenvalue a bound on its error, over the trace.
    pub bounds: Vec<f64>,
    /// Whether all eigenvalues asked for were found to the tolerance.
    pub converged: bool,
    /// Matrix-vector products.
    pub products: usize,
}

impl Spectrum {
    /// Natural logarithms of the eigenvalues.
    #[must_use]
    pub fn ln_values(&self) -> Vec<f64> {
        self.shares.iter().map(|s| s.ln() + self.ln_trace).collect()
    }

    /// Share of the trace that these eigenvalues make up together: 1 at most.
    #[must_use]
    pub fn explained(&self) -> f64 {
        self.shares.iter().fold(0.0, |sum, share| sum + share)
    }
}

impl Analysis<'_> {
    /// The greatest eigenvalues of the path kernel Π over the kept weights.
    ///
    /// Use it to see how much of the trace a few directions hold: those along which the network learns fastest.
    ///
    /// # Returns
    /// Eigenvalues over the trace. They add up to at most 1, a check on both; with as many eigenvalues as the
    /// rank they add up to 1.
    ///
    /// # Errors
    /// [`MetricError::Decomposition`] if a small dense eigenproblem fails; [`MetricError::Memory`] if the vectors are
    /// too many; [`MetricError::Tied`] where operators share a weight.
    ///
    /// # Complexity
    /// One pass over the weights; then O(kernels) for each matrix-vector product and O(kernels · basis) to keep
    /// the vectors orthogonal. Memory of 8 bytes · kernels · (basis + 5).
    ///
    /// # References
    /// Wu & Simon 2000 (thick-restart Lanczos). `G·v = θ∘(∇²R(s)·(θ∘v)) + (∂R/∂s)∘v` with s = θ², from
    /// Gebhart et al. 2021.
    pub fn path_kernel_spectrum(&self, params: &SpectrumParams) -> Result<Spectrum, MetricError> {
        self.path_kernel_spectrum_with(params, &mut |_| ControlFlow::Continue(()))
    }

    /// As [`Analysis::path_kernel_spectrum`]; `watch` is told the number of matrix-vector products as they are made,
    /// and may ask to stop.
    ///
    /// # Errors
    /// [`MetricError::Stopped`] besides.
    pub fn path_kernel_spectrum_with(
        &self,
        params: &SpectrumParams,
        watch: &mut dyn FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Spectrum, MetricError> {
        let gram = Gram::new(self)?;
        let ln_trace = gram.ln_trace();
        let none = |products| Spectrum {
            ln_trace,
            shares: Vec::new(),
            bounds: Vec::new(),
            converged: true,
            products,
        };
        if ln_trace == f64::NEG_INFINITY {
            return Ok(none(0));
        }
        let found = if gram.places().len() <= params.dense {
            dense(&gram)?
        } else {
            iterate(&gram, &params.lanczos, watch)?
        };
        let Eigenvalues { greatest, converged, products, .. } = found;
        let count = params.lanczos.greatest;
        let mut all: Vec<(f64, f64)> = greatest.iter().map(|e| (e.value, e.bound)).collect();
        for (value, copies) in gram.known() {
            // Products of three factors, each right to a few ulps.
            let copies = (copies as usize).min(count);
            all.extend(std::iter::repeat_n((value, 16.0 * f64::EPSILON * value), copies));
        }
        all.sort_by(|a, b| b.0.total_cmp(&a.0));
        // Beyond the rank there is rounding only.
        let rank = all.iter().take_while(|v| v.0 > 1e-14 * all[0].0).count();
        all.truncate(rank.min(count));
        let (shares, bounds) = all.into_iter().unzip();
        Ok(Spectrum { shares, bounds, converged, ..none(products) })
    }
}

/// The greatest eigenvalues of what is left, those that may be among the greatest of all.
fn iterate(
    gram: &Gram<'_>,
    lanczos: &Lanczos,
    watch: Watch<'_>,
) -> Result<Eigenvalues, MetricError> {
    let start = gram.start(lanczos.seed);
    let floor = floor(&gram.known(), lanczos.greatest);
    let mut products = 0;
    let mut made = |more: usize| {
        products += more;
        tell(watch, products)
    };
    let first = lanczos.clone().floor(floor).max_products(lanczos.max_products.min(lanczos.basis));
    let rough = first.eigenvalues_from(start.clone(), |v, out| {
        gram.apply(v, out);
        made(1)
    })?;
    let last = rough.greatest.last().map_or(0.0, |e| e.value).max(floor);
    if rough.converged || rough.products >= lanczos.max_products || last <= 0.0 {
        return Ok(rough);
    }
    // Ritz values are never greater than the eigenvalues that they approach: all that matter lie above the cut.
    let filter = ChebyshevFilter::new(CUT * last);
    let left = lanczos.max_products - rough.products;
    let second = lanczos.clone().floor(filter.value(floor)).max_products(left / filter.products());
    let found = second.eigenvalues_from(start, |v, out| {
        filter.apply(|v, out| gram.apply(v, out), v, out);
        made(filter.products())
    })?;
    let undo = |e: &Eigenvalue| Eigenvalue {
        value: filter.inverse(e.value),
        // The polynomial is monotone above the cut: an interval of its values is one of eigenvalues.
        bound: filter.inverse(e.value + e.bound) - filter.inverse(e.value - e.bound),
    };
    Ok(Eigenvalues {
        greatest: found.greatest.iter().filter(|e| e.value > 1.0).map(undo).collect(),
        products: rough.products + found.products * filter.products(),
        ..found
    })
}

/// The `count`-th greatest of the known eigenvalues: no other eigenvalue below it is among the greatest.
fn floor(known: &[(f64, u32)], count: usize) -> f64 {
    let mut known = known.to_vec();
    known.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut left = count;
    for (value, copies) in known {
        if copies as usize >= left {
            return value;
        }
        left -= copies as usize;
    }
    0.0
}

/// All eigenvalues, from the matrix itself.
fn dense(gram: &Gram<'_>) -> Result<Eigenvalues, MetricError> {
    let places = gram.places();
    let n = places.len();
    let mut matrix = Mat::zeros(n, n);
    let (mut unit, mut column) = (vec![0.0; gram.len()], vec![0.0; gram.len()]);
    for (j, &place) in places.iter().enumerate() {
        unit[place] = 1.0;
        gram.apply(&unit, &mut column);
        unit[place] = 0.0;
        for (i, &place) in places.iter().enumerate() {
            matrix[(i, j)] = column[place];
        }
    }
    let values = eigenvalues(matrix.as_ref())?;
    // Backward stability of the symmetric eigenproblem.
    let bound = values[0] * n as f64 * f64::EPSILON;
    let greatest = values.into_iter().map(|value| Eigenvalue { value, bound }).collect();
    Ok(Eigenvalues { greatest, least: Vec::new(), converged: true, products: n })
}
