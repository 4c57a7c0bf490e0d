//! Greatest eigenvalues of the path kernel of a network of the zoo: `spectrum NETWORK COUNT [BASIS]`.
#![allow(clippy::print_stdout, reason = "an example prints")]

use std::time::Instant;

use phew_graph::{Init, Network, zoo};
use phew_metrics::{Analysis, SpectrumParams};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let name = arguments.get(1).map_or("lenet-300-100", String::as_str);
    let count = arguments.get(2).map_or(Ok(20), |n| n.parse())?;
    let mut params = SpectrumParams::new(count)?;
    if let Some(basis) = arguments.get(3) {
        params = params.basis(basis.parse()?)?;
    }
    let network = Network::initialise(zoo::by_name(name)?.build()?, Init::default(), 0)?;
    let clock = Instant::now();
    let analysis = Analysis::new(&network, None)?;
    let spectrum = analysis.path_kernel_spectrum(&params)?;
    let seconds = clock.elapsed().as_secs_f64();
    println!("{name}: {} products in {seconds:.1} s", spectrum.products);
    println!("converged: {}, explained: {:.6}", spectrum.converged, spectrum.explained());
    for (share, bound) in spectrum.shares.iter().zip(&spectrum.bounds) {
        println!("{share:.9e} ± {bound:.1e}");
    }
    Ok(())
}
