//! Runs a network under a mask without any framework: `cargo run --features execute --example run_sparse`.
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;

use phew_graph::execute::Program;
use phew_graph::ndarray::ArrayD;
use phew_graph::{Init, LayerMask, Mask, Network, zoo};

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    // A network and a mask; of one's own they come from files: `Network::load` and `Mask::load`.
    let network = Network::initialise(zoo::by_name("resnet20")?.build()?, Init::default(), 0)?;
    let every_tenth = |tensor: &phew_graph::TensorSpec| {
        LayerMask::from_fn(&tensor.name, &tensor.shape, |index| index % 10 == 0)
    };
    let mask = Mask::from_layers(network.arch().prunable().iter().map(every_tenth).collect());

    let program = Program::new(&network, Some(&mask))?;
    let images = ArrayD::from_elem(vec![20, 3, 32, 32], 0.5);
    let scores = program.run(images.view())?;
    println!("{} of {} weights, scores {:?}", mask.kept(), mask.len(), scores.shape());
    Ok(())
}
