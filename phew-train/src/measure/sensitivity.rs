//! Connection sensitivity, layer by layer.

use phew_graph::Mask;
use serde::{Deserialize, Serialize};

/// Connection sensitivities of the kept weights of a tensor, over the sum of those of all tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerSensitivity {
    /// Name of the tensor.
    pub name: String,
    /// Their mean; 0 where nothing is kept.
    pub mean: f64,
    /// Their standard deviation over the weights; 0 where nothing is kept.
    pub deviation: f64,
    /// The greatest.
    pub greatest: f64,
    /// Their sum: the share of the tensor in the whole network.
    pub share: f64,
}

/// How sensitive the loss is to the kept weights of each tensor: `|θ ∂L/∂θ|`, divided by its sum over the network.
///
/// # Shapes
/// `gradient` as [`TorchOracle::gradient`](crate::TorchOracle::gradient) gives it under the mask; `weights` alike, one
/// slice for each tensor of the mask.
///
/// # Returns
/// Shares that add up to 1; all 0 where no weight moves the loss.
///
/// # References
/// Lee, Ajanthan & Torr 2019 (SNIP), eq. (6); by layer Lee et al. 2020, figure 1.
#[must_use]
pub fn connection_sensitivity(
    gradient: &[Vec<f32>],
    weights: &[&[f32]],
    mask: &Mask,
) -> Vec<LayerSensitivity> {
    let of = |tensor: usize| {
        let (gradient, weights) = (&gradient[tensor], weights[tensor]);
        let kept = mask.layers().as_slice()[tensor].iter();
        kept.map(|index| (f64::from(gradient[index]) * f64::from(weights[index])).abs())
    };
    let sums: Vec<f64> = (0..gradient.len()).map(|tensor| of(tensor).sum()).collect();
    let all: f64 = sums.iter().sum();
    let scale = if all > 0.0 { 1.0 / all } else { 0.0 };
    let layers = mask.layers().iter().zip(sums).enumerate();
    let layer = |(tensor, (layer, sum)): (usize, (&phew_graph::LayerMask, f64))| {
        let count = layer.kept().max(1) as f64;
        let mean = sum / count;
        let squares: f64 = of(tensor).map(|value| (value - mean).powi(2)).sum();
        LayerSensitivity {
            name: layer.name().to_owned(),
            mean: mean * scale,
            deviation: (squares / count).sqrt() * scale,
            greatest: of(tensor).fold(0.0, f64::max) * scale,
            share: sum * scale,
        }
    };
    layers.map(layer).collect()
}

#[cfg(test)]
mod tests {
    use phew_graph::LayerMask;

    use super::*;

    #[test]
    fn sensitivities_are_those_worked_by_hand() {
        let layers = vec![
            LayerMask::from_fn("a", &[1, 3], |i| i < 2),
            LayerMask::from_fn("b", &[2, 1], |_| true),
        ];
        let mask = Mask::from_layers(layers);
        let gradient = [vec![1.0, -3.0, 9.0], vec![2.0, 0.0]];
        // 1 and 3 of the kept weights of the first tensor, 4 and 0 of the second: 8 in all.
        let found = connection_sensitivity(&gradient, &[&[1.0, 1.0, 1.0], &[-2.0, 5.0]], &mask);
        let bits = |numbers: [f64; 4]| numbers.map(f64::to_bits);
        let numbers = |s: &LayerSensitivity| bits([s.mean, s.deviation, s.greatest, s.share]);
        assert_eq!(numbers(&found[0]), bits([0.25, 0.125, 0.375, 0.5]));
        assert_eq!(numbers(&found[1]), bits([0.25, 0.25, 0.5, 0.5]));
        let none =
            connection_sensitivity(&[vec![0.0; 3], vec![0.0; 2]], &[&[1.0; 3], &[1.0; 2]], &mask);
        assert_eq!(numbers(&none[0]), bits([0.0; 4]));
    }
}
