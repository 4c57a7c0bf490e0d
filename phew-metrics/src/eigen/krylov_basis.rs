//! Krylov vectors, stored block by block: a block holds the same entries of all vectors side by side, so that
//! making a vector orthogonal to all others reads memory front to back, and every sum has a fixed order.

use faer::MatRef;
use rayon::prelude::*;

/// Entries of a block: with a few dozen vectors it fits the second-level cache.
const BLOCK: usize = 1 << 10;

/// Blocks of a task: partial sums are combined in the order of tasks.
const TASK: usize = 64;

/// Up to `capacity` vectors of one length.
pub(crate) struct KrylovBasis {
    len: usize,
    capacity: usize,
    data: Vec<f64>,
}

impl KrylovBasis {
    pub(crate) fn new(len: usize, capacity: usize) -> Self {
        let data = vec![0.0; len.div_ceil(BLOCK) * BLOCK * capacity];
        Self { len, capacity, data }
    }

    fn stride(&self) -> usize {
        BLOCK * self.capacity
    }

    /// Stores `v / norm` as vector `at`.
    pub(crate) fn set(&mut self, at: usize, v: &[f64], norm: f64) {
        let stride = self.stride();
        self.data.par_chunks_mut(stride).zip(v.par_chunks(BLOCK)).for_each(|(block, v)| {
            let to = &mut block[at * BLOCK..][..v.len()];
            to.iter_mut().zip(v).for_each(|(t, v)| *t = v / norm);
        });
    }

    /// Copies vector `at`.
    pub(crate) fn get(&self, at: usize, v: &mut [f64]) {
        self.data.par_chunks(self.stride()).zip(v.par_chunks_mut(BLOCK)).for_each(|(block, v)| {
            v.copy_from_slice(&block[at * BLOCK..][..v.len()]);
        });
    }

    /// Makes `w` orthogonal to the first `count` vectors, twice over: what it had along each, and what is left
    /// of its length.
    pub(crate) fn orthogonalise(&self, count: usize, w: &mut [f64]) -> (Vec<f64>, f64) {
        let mut coefficients = self.sweep(count, w, &vec![0.0; count], true).0;
        let (again, _) = self.sweep(count, w, &coefficients, true);
        let (_, square) = self.sweep(count, w, &again, false);
        coefficients.iter_mut().zip(again).for_each(|(c, a)| *c += a);
        (coefficients, square.sqrt())
    }

    /// Subtracts the combination with `remove`, then measures what `w` has along each vector, and its square.
    fn sweep(&self, count: usize, w: &mut [f64], remove: &[f64], measure: bool) -> (Vec<f64>, f64) {
        let stride = self.stride();
        let task = |(data, w): (&[f64], &mut [f64])| {
            let (mut along, mut square) = (vec![0.0; count], 0.0);
            for (block, w) in data.chunks(stride).zip(w.chunks_mut(BLOCK)) {
                for (vector, &r) in block.chunks(BLOCK).zip(remove) {
                    if r != 0.0 {
                        w.iter_mut().zip(vector).for_each(|(w, v)| *w -= r * v);
                    }
                }
                if measure {
                    let vectors = block.chunks(BLOCK);
                    along.iter_mut().zip(vectors).for_each(|(a, vector)| *a += dot(w, vector));
                }
                square += dot(w, w);
            }
            (along, square)
        };
        let parts: Vec<(Vec<f64>, f64)> = self
            .data
            .par_chunks(stride * TASK)
            .zip(w.par_chunks_mut(BLOCK * TASK))
            .map(task)
            .collect();
        let mut total = (vec![0.0; count], 0.0);
        for (along, square) in parts {
            total.0.iter_mut().zip(along).for_each(|(t, a)| *t += a);
            total.1 += square;
        }
        total
    }

    /// Replaces the first vectors by combinations of them: column j of `mix` makes vector j.
    pub(crate) fn combine(&mut self, mix: MatRef<'_, f64>) {
        let stride = self.stride();
        let (from, to) = (mix.nrows(), mix.ncols());
        self.data.par_chunks_mut(stride).for_each(|block| {
            let mut mixed = vec![0.0; to * BLOCK];
            for (j, mixed) in mixed.chunks_mut(BLOCK).enumerate() {
                for (i, vector) in block.chunks(BLOCK).take(from).enumerate() {
                    let factor = mix[(i, j)];
                    mixed.iter_mut().zip(vector).for_each(|(m, v)| *m += factor * v);
                }
            }
            block[..to * BLOCK].copy_from_slice(&mixed);
        });
    }

    /// Length of the vectors.
    pub(crate) fn len(&self) -> usize {
        self.len
    }
}

/// Sum of products, in eight lanes.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (whole, rest) = a.as_chunks::<8>();
    let (other, _) = b.as_chunks::<8>();
    for (a, b) in whole.iter().zip(other) {
        for l in 0..8 {
            lanes[l] += a[l] * b[l];
        }
    }
    let from = whole.len() * 8;
    for (l, (a, b)) in rest.iter().zip(&b[from..]).enumerate() {
        lanes[l] += a * b;
    }
    lanes.iter().sum()
}

/// Euclidean length.
pub(crate) fn norm(v: &[f64]) -> f64 {
    let parts: Vec<f64> = v.par_chunks(BLOCK * TASK).map(|v| dot(v, v)).collect();
    parts.iter().sum::<f64>().sqrt()
}
