//! A fully connected ReLU network in f64, forward and in reverse: independent of the path graph.

use phew_graph::{Init, Network, stream, stream_key, zoo};
use rand::Rng;

use crate::error::MetricError;

/// Weights by layer, `[out][in]`; ReLU between the layers, no biases.
#[derive(Clone, Debug)]
pub(super) struct ReluNet {
    pub(super) network: Network,
    weights: Vec<Vec<Vec<f64>>>,
}

/// What one input makes of every layer.
pub(super) struct Pass {
    /// Values of each layer's units, the input first; hidden ones after ReLU.
    pub(super) values: Vec<Vec<f64>>,
}

impl ReluNet {
    pub(super) fn sample(widths: &[usize], seed: u64) -> Result<Self, MetricError> {
        let network = Network::initialise(zoo::mlp(widths).build()?, Init::default(), seed)?;
        Ok(Self::of(network, widths))
    }

    /// A network with given weights, row-major by layer.
    pub(super) fn with_weights(
        widths: &[usize],
        weights: Vec<Vec<f32>>,
    ) -> Result<Self, MetricError> {
        let network = Network::initialise(zoo::mlp(widths).build()?, Init::default(), 0)?;
        Ok(Self::of(network.with_weights(weights)?, widths))
    }

    fn of(network: Network, widths: &[usize]) -> Self {
        let rows = |(w, &inputs): (&&[f32], &usize)| {
            w.chunks(inputs).map(|r| r.iter().map(|&w| f64::from(w)).collect()).collect()
        };
        let weights = network.weights().iter().zip(widths).map(rows).collect();
        Self { network, weights }
    }

    pub(super) fn forward(&self, input: &[f64]) -> Pass {
        let mut values = vec![input.to_vec()];
        for (l, layer) in self.weights.iter().enumerate() {
            let x = &values[l];
            let hidden = l + 1 < self.weights.len();
            let unit = |row: &Vec<f64>| {
                let z: f64 = row.iter().zip(x).map(|(w, x)| w * x).sum();
                if hidden { z.max(0.0) } else { z }
            };
            let next = layer.iter().map(unit).collect();
            values.push(next);
        }
        Pass { values }
    }

    /// Gradient of `Σ_k cotangent_k · output_k` by every weight, in the order of the weights.
    pub(super) fn gradient(&self, pass: &Pass, cotangent: &[f64]) -> Vec<f64> {
        let mut delta = cotangent.to_vec();
        let mut layers = Vec::new();
        for (l, layer) in self.weights.iter().enumerate().rev() {
            let x = &pass.values[l];
            layers.push(
                delta.iter().flat_map(|d| x.iter().map(move |x| d * x)).collect::<Vec<f64>>(),
            );
            let below = |i: usize| {
                // The derivative of ReLU at 0 is taken as 0; the input has none.
                let active = l == 0 || x[i] > 0.0;
                let sum: f64 = layer.iter().zip(&delta).map(|(row, d)| row[i] * d).sum();
                if active { sum } else { 0.0 }
            };
            delta = (0..x.len()).map(below).collect();
        }
        layers.reverse();
        layers.concat()
    }
}

/// Independent normal numbers (Box & Muller).
pub(super) fn normals(count: usize, domain: &str, seed: u64) -> Vec<f64> {
    let mut rng = stream(stream_key(domain, seed), 0);
    let normal = |_| {
        let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    };
    (0..count).map(normal).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_agree_with_differences() {
        let widths = [3, 5, 4, 2];
        let net = ReluNet::sample(&widths, 1).unwrap();
        let input = normals(3, "test", 2);
        let cotangent = [0.7, -1.3];
        let value = |net: &ReluNet| -> f64 {
            let out = net.forward(&input).values.pop().unwrap();
            out.iter().zip(cotangent).map(|(o, c)| o * c).sum()
        };
        let gradient = net.gradient(&net.forward(&input), &cotangent);
        let mut at = 0;
        for l in 0..3 {
            for j in 0..widths[l + 1] {
                for i in 0..widths[l] {
                    let moved = |by: f64| {
                        let mut net = net.clone();
                        net.weights[l][j][i] += by;
                        value(&net)
                    };
                    // Piecewise linear in each weight: central differences are exact up to rounding.
                    let difference = (moved(1e-6) - moved(-1e-6)) / 2e-6;
                    assert!((gradient[at] - difference).abs() < 1e-8, "{l} {j} {i}");
                    at += 1;
                }
            }
        }
        assert!(gradient.iter().any(|g| g.abs() > 0.1));
    }
}
