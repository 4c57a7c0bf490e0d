//! Prunes the weights of a PyTorch state dict, saved as safetensors, and writes the mask beside them.
//!
//! ```sh
//! cargo run --release --example prune_state_dict                       # weights of its own, in a temporary folder
//! cargo run --release --example prune_state_dict -- lenet.safetensors  # those of a LeNet-300-100
//! ```
#![expect(clippy::print_stdout, reason = "an example prints what it finds")]

use std::error::Error;
use std::path::{Path, PathBuf};

use phew_graph::{Extra, Init, Network, Overwrite, Provenance, zoo};
use phew_walk::{WalkParams, prune};

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args_os().nth(1) {
        Some(path) => run(&PathBuf::from(path)),
        None => {
            let folder = tempfile::tempdir()?;
            let path = folder.path().join("lenet-300-100.safetensors");
            let arch = zoo::by_name("lenet-300-100")?.build()?;
            Network::initialise(arch, Init::default(), 0)?.save(&path, Overwrite::Refuse)?;
            run(&path)
        }
    }
}

/// Prunes the weights in a file to 5 %.
pub(crate) fn run(weights: &Path) -> Result<(), Box<dyn Error>> {
    // The architecture says which tensors the file must hold: `fc1.weight` of shape [300, 784] and so on.
    let arch = zoo::by_name("lenet-300-100")?.build()?;
    let network = Network::load(weights, arch, Extra::Refuse)?;

    let (density, seed) = (0.05, 7);
    let walked = prune(&network, &WalkParams::new(density)?.seed(seed))?;
    println!("{} walks kept {} weights", walked.report.walks, walked.mask.kept());
    for layer in walked.mask.layers() {
        println!("{}: {} of {}", layer.name(), layer.kept(), layer.len());
    }

    // PyTorch reads the mask with `safetensors.torch.load_file`: the weights' names, of dtype bool.
    let from = Provenance {
        density: Some(density),
        method: Some("phew".to_owned()),
        seed: Some(seed),
        ..Provenance::of(&network)
    };
    let mask = weights.with_extension("mask.safetensors");
    walked.mask.save(&mask, &from, Overwrite::Replace)?;
    println!("mask {}", mask.display());
    Ok(())
}
