//! The loss's gradient where a mask keeps weights.

use phew_graph::Mask;
use serde::{Deserialize, Serialize};

/// Shares of a gradient.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GradientShare {
    /// Of the sum of magnitudes.
    pub magnitude: f64,
    /// Of the sum of squares.
    pub square: f64,
}

/// The share of the dense network's loss gradient by its weights that lies along a mask's paths: on the weights that it
/// keeps.
///
/// Paths of greater edge-weight product carry more of the gradient (Patil & Dovrolis, ICLR 2021 submission, section 3): a mask of such paths has a share
/// above its density, one of random paths about its density.
///
/// # Shapes
/// `gradient` as [`TorchOracle::gradient`](crate::TorchOracle::gradient) gives it for the dense mask; one vector for
/// each tensor of the mask.
///
/// # Returns
/// Two numbers in `[0, 1]`; NaN where the gradient is 0 everywhere.
#[must_use]
pub fn gradient_share(gradient: &[Vec<f32>], mask: &Mask) -> GradientShare {
    let (mut all, mut kept) = ([0.0; 2], [0.0; 2]);
    let powers = |value: f32| [f64::from(value).abs(), f64::from(value).powi(2)];
    let add = |sum: &mut [f64; 2], value| {
        sum.iter_mut().zip(powers(value)).for_each(|(sum, power)| *sum += power);
    };
    for (values, layer) in gradient.iter().zip(mask.layers()) {
        values.iter().for_each(|&value| add(&mut all, value));
        layer.iter().for_each(|index| add(&mut kept, values[index]));
    }
    GradientShare { magnitude: kept[0] / all[0], square: kept[1] / all[1] }
}

/// Norm of a gradient by the weights that a mask keeps.
///
/// # Shapes
/// As [`gradient_share`].
#[must_use]
pub fn gradient_norm(gradient: &[Vec<f32>], mask: &Mask) -> f64 {
    let squares = gradient.iter().zip(mask.layers()).flat_map(|(values, layer)| {
        layer.iter().map(move |index| f64::from(values[index]).powi(2))
    });
    squares.sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use phew_graph::LayerMask;

    use super::*;

    #[test]
    fn shares_are_those_worked_by_hand() {
        let layers = vec![
            LayerMask::from_fn("a", &[1, 2], |i| i == 1),
            LayerMask::from_fn("b", &[2, 1], |_| true),
        ];
        let gradient = [vec![4.0, -3.0], vec![0.0, 1.0]];
        let mask = Mask::from_layers(layers);
        let share = gradient_share(&gradient, &mask);
        assert!((gradient_norm(&gradient, &mask) - 10f64.sqrt()).abs() < 1e-12);
        assert!((share.magnitude - 4.0 / 8.0).abs() < 1e-12);
        assert!((share.square - 10.0 / 26.0).abs() < 1e-12);
    }
}
