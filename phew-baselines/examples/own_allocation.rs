//! An allocation of one's own: any density for each layer, with scores of one's own as arrays.
//!
//! Here the density of a layer is proportional to one over the square root of its number of weights.
#![expect(clippy::print_stdout, reason = "an example prints what it finds")]

use phew_baselines::{Allocation, Magnitude, Plan, Scores, keep_highest, prune_by_scores};
use phew_graph::ndarray::ArrayD;
use phew_graph::{Init, Mask, Network, zoo};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arch = zoo::by_name("lenet-5")?.build()?;
    let network = Network::initialise(arch, Init::default(), 0)?;
    let arch = network.arch();

    // Only the ratios count: the densities are scaled until as many weights are kept as the plan asks for.
    let densities = arch.prunable().iter().map(|tensor| 1.0 / (tensor.len() as f64).sqrt());
    let allocation = Allocation::Given(densities.collect());
    let plan = Plan::new(0.05)?.with_allocation(allocation.clone());
    let mask = prune_by_scores(&network, &mut Magnitude, &plan)?;
    for layer in mask.layers() {
        println!(
            "{:<20} {:>6} weights, {:>7.3} %",
            layer.name(),
            layer.kept(),
            100.0 * layer.density()
        );
    }

    // The same by hand: scores as arrays, how many each layer keeps, and the best of each.
    let mut scores: Vec<ArrayD<f64>> = Vec::new();
    for (tensor, weights) in arch.prunable().iter().zip(network.weights()) {
        let magnitudes: Vec<f64> = weights.iter().map(|w| f64::from(w.abs())).collect();
        // Arrays are as files have them.
        let filed = tensor.shape.to_files(&magnitudes).into_owned();
        scores.push(ArrayD::from_shape_vec(tensor.shape.in_files(), filed)?);
    }
    let dense = Mask::dense(arch);
    let counts = allocation.counts(arch, &dense, mask.kept())?;
    let by_hand = keep_highest(&Scores::from_arrays(arch, scores)?, &dense, &counts)?;
    assert!(by_hand == mask);
    Ok(())
}
