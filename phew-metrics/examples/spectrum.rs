//! How the trace of a path kernel is spread over its eigenvalues, dense and under a mask of PHEW.
//!
//! The kernel has a row for each of LeNet-300-100's 235 million paths, so it is never formed.
#![allow(clippy::print_stdout, reason = "an example prints")]

use phew_graph::{Init, Network, zoo};
use phew_metrics::{Analysis, DensityParams, SpectrumParams};
use phew_walk::{WalkParams, prune};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arch = zoo::by_name("lenet-300-100")?.build()?;
    let network = Network::initialise(arch, Init::default(), 0)?;
    let mask = prune(&network, &WalkParams::new(0.05)?)?.mask;
    for (which, mask) in [("dense", None), ("5% kept", Some(&mask))] {
        let analysis = Analysis::new(&network, mask)?;

        // The greatest eigenvalues are directions along which the network learns fastest.
        let spectrum = analysis.path_kernel_spectrum(&SpectrumParams::new(5)?)?;
        println!("{which}: ln of the trace {:.3}", spectrum.ln_trace);
        for (share, bound) in spectrum.shares.iter().zip(&spectrum.bounds) {
            println!("  {:.4}% ± {:.0e}% of the trace", 100.0 * share, 100.0 * bound);
        }
        println!("  {} products; {:.2}% in all", spectrum.products, 100.0 * spectrum.explained());

        // The distribution of all eigenvalues, estimated from a few random vectors.
        let density = analysis.path_kernel_density(&DensityParams::default())?;
        println!("  effective rank {:.0}", density.effective_rank());
        for bin in density.histogram(1) {
            println!("  from {:.0e} of the trace: about {:.0} eigenvalues", bin.from, bin.count);
        }
    }
    Ok(())
}
