//! Ranks the input-output paths of a network by their edge-weight product, and shows how narrow the best ones are.
//!
//! ```sh
//! cargo run --release --example rank_paths
//! ```
#![expect(clippy::print_stdout, reason = "an example prints what it finds")]

use std::error::Error;

use phew_graph::{Init, Network, PathGraph, Reach, SkipPolicy, zoo};
use phew_walk::{Order, WalkParams, best_paths, prune, ranked_paths};

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let arch = zoo::mlp(&[784, 100, 100, 10]).build()?;
    let network = Network::initialise(arch, Init::default(), 0)?;

    // The first three of 78 million paths. A weight is a tensor and a row-major index in it.
    for (rank, path) in
        ranked_paths(&network, Order::Greatest, SkipPolicy::Uniform, 3)?.iter().enumerate()
    {
        println!("path {rank}: ln Π|w| = {:.3}, weights {:?}", path.ln_product, path.weights);
    }

    // As many of the best paths as it takes to keep 2 % of the weights, beside as many weights of random walks.
    let best = best_paths(&network, Order::Greatest, SkipPolicy::Uniform, 0.02)?;
    let walked = prune(&network, &WalkParams::new(0.02)?)?;
    let graph = PathGraph::new(network.arch());
    for (name, mask) in [("best paths", &best.mask), ("random walks", &walked.mask)] {
        let reach = Reach::of_mask(&graph, mask);
        let units: Vec<usize> = graph.layers().ids().map(|l| reach.units_alive(l)).collect();
        println!("{name}: {} weights through {units:?} units", mask.kept());
    }
    Ok(())
}
