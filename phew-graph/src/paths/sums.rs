//! Sums over all paths: forward from the inputs, backward from the outputs, and an edge's share.

use rayon::prelude::*;

use super::edges::{EdgeValue, Edges};
use super::graph::{Connection, Kind, PathGraph};
use super::kernel::{gather, scatter};
use super::transition::Transition;

/// Shares of a block: enough to be worth a task.
const SHARES: usize = 1 << 14;

/// One value for each unit of each layer, on a scale of its own for each layer.
///
/// Unit `u` of layer `l` has the value `values[l][u] · 2^exponents[l]`; the greatest of a layer (in
/// magnitude) lies in [1, 2), so neither depth nor width over- or underflows. Scaling by powers of two is exact.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSums {
    /// Scaled values, by layer and unit.
    pub values: Vec<Vec<f64>>,
    /// Binary exponents, by layer.
    pub exponents: Vec<i64>,
}

impl LayerSums {
    /// Natural logarithm of a unit's value; `-inf` for 0.
    ///
    /// # Panics
    /// If there is no such layer or unit.
    #[must_use]
    pub fn ln(&self, layer: usize, unit: usize) -> f64 {
        self.values[layer][unit].ln() + self.exponents[layer] as f64 * std::f64::consts::LN_2
    }

    /// A unit's value, which may over- or underflow.
    ///
    /// # Panics
    /// If there is no such layer or unit.
    #[must_use]
    pub fn value(&self, layer: usize, unit: usize) -> f64 {
        scale(self.values[layer][unit], self.exponents[layer])
    }

    /// `2^exponent` over the sum of the last layer, which forward is the total over all paths; 0 if no path
    /// survives.
    #[must_use]
    pub fn over_total(&self, exponent: i64) -> f64 {
        let (total, own) = self.total_scaled();
        if total == 0.0 { 0.0 } else { scale(1.0 / total, exponent - own) }
    }

    /// Natural logarithm of the sum of the last layer; `-inf` for 0.
    fn ln_total(&self) -> f64 {
        let (total, exponent) = self.total_scaled();
        total.ln() + exponent as f64 * std::f64::consts::LN_2
    }

    /// Mantissa and binary exponent of the sum of the last layer.
    fn total_scaled(&self) -> (f64, i64) {
        let (Some(values), Some(&exponent)) = (self.values.last(), self.exponents.last()) else {
            unreachable!("a path graph has layers");
        };
        (values.iter().sum(), exponent)
    }

    pub(super) fn empty(graph: &PathGraph) -> Self {
        let layers = graph.layers().len();
        Self { values: vec![Vec::new(); layers], exponents: vec![0; layers] }
    }

    /// Adds up what each connection brings to a layer, and puts the greatest unit into [1, 2).
    pub(super) fn set(&mut self, layer: usize, units: usize, parts: Vec<(Vec<f64>, i64)>) {
        let nonzero = |part: &&(Vec<f64>, i64)| part.0.iter().any(|&v| v != 0.0);
        // A part of zeros has no scale of its own and must not set the layer's.
        let exponent = parts.iter().filter(nonzero).map(|p| p.1).max().unwrap_or(0);
        let mut total = vec![0.0; units];
        for (values, own) in &parts {
            for (t, &v) in total.iter_mut().zip(values) {
                *t += scale(v, own - exponent);
            }
        }
        let greatest = total.iter().fold(0.0f64, |m, &v| m.max(v.abs()));
        if greatest > 0.0 {
            let shift = exponent_of(greatest);
            total.iter_mut().for_each(|v| *v = scale(*v, -shift));
            self.exponents[layer] = exponent + shift;
        }
        self.values[layer] = total;
    }
}

/// `⌊log₂ v⌋` of a positive number.
fn exponent_of(v: f64) -> i64 {
    match (v.to_bits() >> 52) as i64 {
        0 => exponent_of(v * 2f64.powi(64)) - 64,
        biased => biased - 1023,
    }
}

/// `v · 2^exponent`, to 0 or infinity only where the result is beyond f64.
fn scale(v: f64, exponent: i64) -> f64 {
    let mut v = v;
    let mut left = exponent.clamp(-2300, 2300);
    while left != 0 {
        let step = left.clamp(-1000, 1000);
        v *= 2f64.powi(step as i32);
        left -= step;
    }
    v
}

impl PathGraph {
    /// Sum over the paths from the inputs to each unit of the products of edge values.
    ///
    /// `start` weighs the input units; `None` is 1 for each. With a [`Transition`] the edge value is the
    /// probability of the step instead, so that the sums are a walk's visits.
    ///
    /// # Panics
    /// If `start` does not have one value for each input unit.
    ///
    /// # Complexity
    /// One pass over the weights; O(units) memory besides.
    #[must_use]
    pub fn forward<E: EdgeValue>(
        &self,
        edges: &Edges<'_, E>,
        start: Option<&[f64]>,
        step: Option<&Transition>,
    ) -> LayerSums {
        let ones = vec![1.0; self.inputs()];
        let start = start.unwrap_or(&ones);
        assert_eq!(start.len(), self.inputs(), "one start value for each input unit");
        let mut sums = LayerSums::empty(self);
        sums.set(0, self.inputs(), vec![(start.to_vec(), 0)]);
        for (l, layer) in self.layers().iter().enumerate().skip(1) {
            let parts = layer.incoming.iter().map(|&c| {
                let source = self.connections()[c].source;
                let values = self.push(c, edges, step, &sums.values[source]);
                (values, sums.exponents[source])
            });
            let parts = parts.collect();
            sums.set(l, layer.units, parts);
        }
        sums
    }

    /// Sum over the paths from each unit to the outputs of the products of edge values.
    ///
    /// As [`PathGraph::forward`], the other way round: `start` weighs the output units.
    ///
    /// # Panics
    /// If `start` does not have one value for each output unit.
    #[must_use]
    pub fn backward<E: EdgeValue>(
        &self,
        edges: &Edges<'_, E>,
        start: Option<&[f64]>,
        step: Option<&Transition>,
    ) -> LayerSums {
        let ones = vec![1.0; self.outputs()];
        let start = start.unwrap_or(&ones);
        assert_eq!(start.len(), self.outputs(), "one start value for each output unit");
        let mut sums = LayerSums::empty(self);
        let last = self.layers().len() - 1;
        sums.set(last, self.outputs(), vec![(start.to_vec(), 0)]);
        for (l, layer) in self.layers().iter().enumerate().take(last).rev() {
            let parts = layer.outgoing.iter().map(|&c| {
                let target = self.connections()[c].target;
                let values = self.pull(c, edges, step, &sums.values[target]);
                (values, sums.exponents[target])
            });
            let parts = parts.collect();
            sums.set(l, layer.units, parts);
        }
        sums
    }

    /// Natural logarithm of the sum over all input-output paths of the products of edge values; `-inf` for 0.
    ///
    /// # Complexity
    /// One pass over the weights.
    #[must_use]
    pub fn ln_total<E: EdgeValue>(&self, edges: &Edges<'_, E>) -> f64 {
        self.forward(edges, None, None).ln_total()
    }

    /// What one connection carries forward from the values of its source units.
    pub(super) fn push<E: EdgeValue>(
        &self,
        connection: usize,
        edges: &Edges<'_, E>,
        step: Option<&Transition>,
        x: &[f64],
    ) -> Vec<f64> {
        let Connection { kind, target, .. } = &self.connections()[connection];
        let terms = step.map(|s| s.terms(connection));
        let scaled = terms.and_then(|t| t.at_source(x));
        let mut y = match kind {
            Kind::Weighted(shape) => gather(shape, edges, scaled.as_deref().unwrap_or(x)),
            Kind::Identity => scaled.as_deref().unwrap_or(x).to_vec(),
            Kind::Flatten { block } => {
                let x = scaled.as_deref().unwrap_or(x);
                (0..self.layers()[*target].units).map(|u| x[u / block]).collect()
            }
        };
        if let Some(terms) = terms {
            terms.finish_forward(kind, x, &mut y);
        }
        y
    }

    /// What one connection carries backward from the values of its target units.
    pub(super) fn pull<E: EdgeValue>(
        &self,
        connection: usize,
        edges: &Edges<'_, E>,
        step: Option<&Transition>,
        y: &[f64],
    ) -> Vec<f64> {
        let Connection { kind, .. } = &self.connections()[connection];
        let terms = step.map(|s| s.terms(connection));
        let scaled = terms.and_then(|t| t.at_target(y));
        let mut x = match kind {
            Kind::Weighted(shape) => scatter(shape, edges, scaled.as_deref().unwrap_or(y)),
            Kind::Identity => scaled.as_deref().unwrap_or(y).to_vec(),
            Kind::Flatten { block } => {
                let y = scaled.as_deref().unwrap_or(y);
                y.chunks(*block).map(|features| features.iter().sum()).collect()
            }
        };
        if let Some(terms) = terms {
            terms.finish_backward(kind, y, &mut x);
        }
        x
    }
}

/// Forward and backward sums together: the total over all paths, and every edge's share of it.
///
/// With `F` the forward and `B` the backward sums, the paths through an edge sum to `F(source) · f(w) ·
/// B(target)`, and `F(source) · B(target)` is the derivative of the total by f(w).
///
/// # Complexity
/// Two passes over the weights.
///
/// # References
/// Tanaka et al. 2020 (SynFlow); Gebhart et al. 2021 (path kernel); Patil & Dovrolis 2021, eq. (6) to (8).
#[derive(Clone, Debug)]
pub struct PathSums<'a> {
    graph: &'a PathGraph,
    /// Sums from the inputs.
    pub forward: LayerSums,
    /// Sums to the outputs.
    pub backward: LayerSums,
}

impl<'a> PathSums<'a> {
    /// Both sums, over all paths from any input to any output.
    #[must_use]
    pub fn new<E: EdgeValue>(graph: &'a PathGraph, edges: &Edges<'_, E>) -> Self {
        let forward = graph.forward(edges, None, None);
        let backward = graph.backward(edges, None, None);
        Self { graph, forward, backward }
    }

    /// From sums that were computed by other means: see [`PathGraph::forward_by`].
    #[must_use]
    pub fn from_sums(graph: &'a PathGraph, forward: LayerSums, backward: LayerSums) -> Self {
        Self { graph, forward, backward }
    }

    /// The graph that was summed over.
    #[must_use]
    pub fn graph(&self) -> &'a PathGraph {
        self.graph
    }

    /// Natural logarithm of the total over all paths; `-inf` if no path survives.
    #[must_use]
    pub fn ln_total(&self) -> f64 {
        self.forward.ln_total()
    }

    /// The total over all paths, which may over- or underflow.
    #[must_use]
    pub fn total(&self) -> f64 {
        let (total, exponent) = self.forward.total_scaled();
        scale(total, exponent)
    }

    /// Share of the total that passes each unit of a layer; zeros if no path survives.
    ///
    /// # Panics
    /// If there is no such layer.
    #[must_use]
    pub fn unit_shares(&self, layer: usize) -> Vec<f64> {
        let (forward, backward) = (&self.forward.values[layer], &self.backward.values[layer]);
        let factor =
            self.forward.over_total(self.forward.exponents[layer] + self.backward.exponents[layer]);
        forward.iter().zip(backward).map(|(f, b)| f * b * factor).collect()
    }

    /// Share of the total that passes each edge of a prunable tensor, row-major: `F · f(w) · B / total`.
    ///
    /// # Panics
    /// If there is no such tensor.
    #[must_use]
    pub fn edge_shares<E: EdgeValue>(&self, tensor: usize, edges: &Edges<'_, E>) -> Vec<f64> {
        let derivative = self.derivatives(tensor);
        let share = |i: usize| {
            let value = edges.value(tensor, i);
            if value == 0.0 { 0.0 } else { value * derivative.at(i) }
        };
        let len = self.graph.weighted(tensor).1.len();
        (0..len).into_par_iter().with_min_len(SHARES).map(share).collect()
    }

    /// Derivatives of the total by the edge values of a prunable tensor, over the total.
    ///
    /// # Panics
    /// If there is no such tensor.
    #[must_use]
    pub fn derivatives(&self, tensor: usize) -> Derivatives<'_> {
        let (connection, shape) = self.graph.weighted(tensor);
        let Connection { source, target, .. } = self.graph.connections()[connection];
        let exponent = self.forward.exponents[source] + self.backward.exponents[target];
        Derivatives {
            shape,
            source: &self.forward.values[source],
            target: &self.backward.values[target],
            factor: self.forward.over_total(exponent),
        }
    }
}

/// `∂ total / ∂ f(w)`, over the total, for the scalars of one tensor: a product of a source and a target factor.
#[derive(Clone, Copy, Debug)]
pub struct Derivatives<'a> {
    shape: super::graph::Weighted,
    /// Factor of each source unit.
    pub source: &'a [f64],
    /// Factor of each target unit.
    pub target: &'a [f64],
    /// Common factor.
    pub factor: f64,
}

impl Derivatives<'_> {
    /// The derivative by one scalar's value.
    ///
    /// # Panics
    /// If there is no such scalar.
    #[must_use]
    pub fn at(&self, index: usize) -> f64 {
        let (source, target) = self.shape.ends(index);
        self.source[source] * self.target[target] * self.factor
    }
}
