//! The path kernel of a network that can be worked out on paper.
//!
//! ```text
//! input 0 ──2──┐
//!              hidden ──3── output
//! input 1 ──5──┘
//! ```
//!
//! Two paths, of products 2·3 and 5·3. The derivative of a path's product by one of its weights is the product of its
//! other weights, so with a row for each path and a column for each weight (2, 5, 3)
//!
//! ```text
//! J = [3 0 2]     Π = J Jᵀ = [3·3 + 2·2   2·5      ] = [13 10]
//!     [0 3 5]                [5·2         3·3 + 5·5]   [10 34]
//! ```
//!
//! whose trace is 47 and whose eigenvalues, roots of λ² − 47 λ + 342, are 9 and 38.
#![allow(clippy::print_stdout, reason = "an example prints")]

use phew_graph::{Init, Network, zoo};
use phew_metrics::ndarray::array;
use phew_metrics::{Analysis, SpectrumParams};

pub(crate) fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arch = zoo::mlp(&[2, 1, 1]).build()?;
    let network = Network::initialise(arch, Init::default(), 0)?;
    let network = network.with_weights(vec![vec![2.0, 5.0], vec![3.0]])?;
    let analysis = Analysis::new(&network, None)?;

    // The matrix, and the paths of its rows: refused if there are more than ten.
    let (paths, kernel) = analysis.path_kernel(10)?;
    for path in &paths {
        println!("input {} to output {}: π = {}", path.input, path.output, analysis.product(path));
    }
    println!("Π =\n{kernel}");
    let by_hand = array![[13.0, 10.0], [10.0, 34.0]];
    assert!((&kernel - &by_hand).iter().all(|difference| difference.abs() < 1e-12));

    // The trace comes from one forward and one backward sweep, whatever the number of paths.
    let trace = analysis.path_kernel_trace()?;
    println!("trace {}, by tensor {:?}", trace.total(), trace.layer_shares());
    assert!((trace.total() - 47.0).abs() < 1e-12);

    // So do products of the kernel with vectors, and with them its eigenvalues.
    let spectrum = analysis.path_kernel_spectrum(&SpectrumParams::new(2)?)?;
    println!("eigenvalues over the trace {:?}", spectrum.shares);
    for (share, by_hand) in spectrum.shares.iter().zip([38.0, 9.0]) {
        assert!((share * 47.0 - by_hand).abs() < 1e-10);
    }
    Ok(())
}
