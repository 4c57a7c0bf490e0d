//! Arrays in and out: weights, masks and scores as ndarray has them.
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;

use ndarray_rand::RandomExt;
use ndarray_rand::rand_distr::Uniform;
use phew_graph::ndarray::{Array1, Array2, ArrayD, ArrayView2};
use phew_graph::{
    Abs, Edges, Extra, Mask, Network, Overwrite, PathGraph, PathSums, TensorId, read_scores,
    stream, stream_key, write_scores, zoo,
};

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    // Weights of one's own, by name: owned arrays are taken as they are, without a copy.
    let mut random = stream(stream_key("the example of arrays", 0), 0);
    let law = Uniform::new(-1.0_f32, 1.0)?;
    let arch = zoo::mlp(&[8, 16, 4]).build()?;
    let network = Network::from_arrays(
        arch,
        [
            ("fc1.weight", Array2::random_using((16, 8), law, &mut random).into_dyn()),
            ("fc1.bias", Array1::zeros(16).into_dyn()),
            ("fc2.weight", Array2::random_using((4, 16), law, &mut random).into_dyn()),
            ("fc2.bias", Array1::zeros(4).into_dyn()),
        ],
        Extra::Refuse,
    )?;
    let arch = network.arch();

    // Every tensor as an array, in its shape.
    for (name, array) in network.arrays() {
        println!("{name:<10} {:?}, mean {:+.3}", array.shape(), array.mean().unwrap_or(0.0));
    }

    // A mask from boolean arrays: here the weights above a threshold.
    let kept: Vec<(&str, ArrayD<bool>)> = (arch.prunable().iter())
        .filter_map(|spec| Some((spec.name.as_str(), network.view(&spec.name)?.mapv(|w| w > 0.5))))
        .collect();
    let mask = Mask::from_arrays(arch, kept.iter().map(|(name, kept)| (*name, kept.view())))?;
    println!("kept: {} of {} weights", mask.kept(), mask.len());

    // The mask of a layer, back as an array: how many weights enter each unit.
    let first: ArrayD<bool> = mask.layer(TensorId::new(0)).to_array();
    let first: ArrayView2<'_, bool> = first.view().into_dimensionality()?;
    let fan_in: Vec<usize> =
        first.rows().into_iter().map(|row| row.iter().filter(|&&k| k).count()).collect();
    println!("fan-in of the hidden units: {fan_in:?}");

    // Scores, one for each weight: written from arrays or vectors, read as arrays.
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("scores.safetensors");
    let weights = network.weights();
    let graph = PathGraph::new(arch);
    let edges = Edges::new(&weights, Abs);
    let sums = PathSums::new(&graph, &edges);
    let shares = |tensor| sums.edge_shares(tensor, &edges);
    write_scores(&file, arch, shares, "{}".to_owned(), Overwrite::Refuse)?;
    let scores: Vec<ArrayD<f32>> = read_scores(&file, arch)?;
    println!(
        "greatest score of the first layer: {:?}",
        scores[0].iter().max_by(|a, b| a.total_cmp(b))
    );
    Ok(())
}
