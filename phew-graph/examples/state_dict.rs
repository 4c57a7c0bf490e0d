//! A state dict read, masked and written, as files that PyTorch opens.
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;

use phew_graph::{
    Extra, Init, LayerMask, Mask, Network, Overwrite, Provenance, read_pytorch_pruned,
    write_pytorch_pruned, zoo,
};

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let file = |name: &str| folder.path().join(name);

    // In place of `safetensors.torch.save_file(model.state_dict(), "weights.safetensors")`.
    let arch = zoo::by_name("lenet-5")?.build()?;
    Network::initialise(arch.clone(), Init::default(), 0)?
        .save(&file("weights.safetensors"), Overwrite::Refuse)?;

    // Names, shapes and values are checked; the weights themselves stay in the file.
    let network = Network::load(&file("weights.safetensors"), arch, Extra::Refuse)?;
    let arch = network.arch();

    // Of each tensor the tenth with the greatest magnitude is kept.
    let density = 0.1;
    let layers = arch.prunable().iter().zip(network.weights()).map(|(spec, weights)| {
        let mut magnitudes: Vec<f32> = weights.iter().map(|w| w.abs()).collect();
        magnitudes.sort_by(|a, b| b.total_cmp(a));
        let least = magnitudes[(density * spec.len() as f64) as usize - 1];
        LayerMask::from_fn(&spec.name, &spec.shape, |i| weights[i].abs() >= least)
    });
    let mask = Mask::from_layers(layers.collect());
    for layer in mask.layers() {
        println!("{:<14} {:>6} of {:>6} kept", layer.name(), layer.kept(), layer.len());
    }

    // The mask as a file of booleans, with a note of how it was made.
    let from = Provenance {
        density: Some(density),
        method: Some("magnitude, tensor by tensor".to_owned()),
        ..Provenance::of(&network)
    };
    mask.save(&file("mask.safetensors"), &from, Overwrite::Refuse)?;
    let (back, note) = Mask::load(&file("mask.safetensors"))?;
    assert_eq!(back.in_order_of(arch, "mask.safetensors")?, mask);
    assert_eq!(note, Some(from));

    // The weights with zeros in place, under the same names.
    let zeroed = network.weights().into_iter().zip(mask.layers()).map(|(weights, layer)| {
        let kept = |(i, &w): (usize, &f32)| if layer.get(i) { w } else { 0.0 };
        weights.iter().enumerate().map(kept).collect()
    });
    let sparse = network.with_weights(zeroed.collect())?;
    sparse.save(&file("sparse.safetensors"), Overwrite::Refuse)?;

    // Or both together, as `torch.nn.utils.prune` names them: `weight_orig` and `weight_mask`.
    write_pytorch_pruned(&file("pruned.safetensors"), &network, &mask, Overwrite::Refuse)?;
    let (weights, kept) = read_pytorch_pruned(&file("pruned.safetensors"), arch.clone())?;
    assert_eq!((weights.fingerprint(), kept), (network.fingerprint(), mask));
    Ok(())
}
