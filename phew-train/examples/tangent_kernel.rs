//! The empirical tangent kernel of a network, dense and masked, as an array.
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;

use phew_baselines::{Options, methods};
use phew_graph::{Init, Mask, Network, zoo};
use phew_train::ndarray::{Array2, s};
use phew_train::{Device, Inputs, Parameters, TangentKernel, digits};

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let network = Network::initialise(zoo::mlp(&[784, 50, 10]).build()?, Init::default(), 0)?;
    let mut random = methods().find("random")?.method(0.2, 0, &Options::default(), None)?;
    let dense = Mask::dense(network.arch());
    let masks = [("dense", dense), ("random, 20% kept", random.prune(&network)?)];

    // Eight images, as numbers from 0 to 1.
    let images = digits(8, 1, 0)?.train.to_array();
    let inputs = Inputs::from_array(images.slice(s![..8, .., .., ..]), Device::CPU)?;

    for (name, mask) in &masks {
        let kernel = TangentKernel::new(&network, mask, &inputs, Parameters::Weights)?;
        // A row for each output of each input: 80 of them.
        let matrix: Array2<f64> = kernel.matrix()?;
        let (trace, spectrum) = (matrix.diag().sum(), kernel.spectrum()?);
        println!("{name}: {:?}, trace {trace:.2}", matrix.dim());
        println!("  greatest eigenvalues {:.2?}, least {:.2e}", &spectrum[..3], spectrum[79]);
        assert!((spectrum.iter().sum::<f64>() - trace).abs() < 1e-9 * trace);

        // Of many outputs or inputs the greatest eigenvalues are found without the matrix.
        let greatest = kernel.greatest(3)?;
        assert!((greatest[0] - spectrum[0]).abs() < 1e-5 * spectrum[0]);
    }
    Ok(())
}
