//! Masked training with a data set of one's own, which comes as arrays.
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;
use std::sync::atomic::AtomicBool;

use phew_baselines::{Options, methods};
use phew_graph::{Init, Network, stream, stream_key, zoo};
use phew_train::ndarray::{Array1, Array4};
use phew_train::{
    Dataset, Device, DeviceDataset, Images, Recipe, Run, RunOutcome, TrainError, Trainer,
};
use rand::Rng;

/// Images of 8×8 whose upper or lower half is brighter than the other, under noise.
fn halves(count: usize, number: u64) -> Result<Images, TrainError> {
    let mut random = stream(stream_key("the example of own data", 0), number);
    let labels = Array1::from_shape_fn(count, |image| (image % 2) as u16);
    let pixels = Array4::from_shape_fn((count, 1, 8, 8), |(image, _, row, _)| {
        let bright = (row < 4) == (labels[image] == 0);
        f32::from(u8::from(bright)) + random.random_range(-2.0..2.0)
    });
    Images::from_arrays(pixels.view(), labels.view())
}

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    // Numbers of any size: training normalises them by the mean and deviation of each channel.
    let classes = ["upper", "lower"].map(str::to_owned).to_vec();
    let data = Dataset::new("halves", classes, halves(400, 0)?, halves(200, 1)?)?;

    // A network that fits, and a tenth of its weights.
    let arch = zoo::mlp(&[64, 32, 2]).build()?;
    let network = Network::initialise(arch, Init::default(), 0)?;
    let mut synflow = methods().find("synflow")?.method(0.1, 0, &Options::default(), None)?;
    let mask = synflow.prune(&network)?;
    println!("{} of {} weights kept", mask.kept(), mask.len());

    // A preset, changed: everything about it is data.
    let mut recipe = Recipe { batch: 20, ..Recipe::preset("digits")?.with_epochs(4) };
    recipe.learning_rate.rate = 0.02;

    // The data are copied to the device once, and every trainer reads them there.
    let on_device = DeviceDataset::new(&data, Device::CPU)?;
    for seed in 0..2 {
        let mut trainer =
            Trainer::builder(&network, &on_device, &recipe).mask(&mask).seed(seed).build()?;
        let records = trainer.run(&mut ())?;
        for record in &records {
            println!("seed {seed}, epoch {}: test loss {:.3}", record.epoch, record.test.loss);
        }
        let accuracy = records[3].test.top1.unwrap_or(0.0);
        assert!(accuracy > 0.8, "{accuracy}");
    }

    // A run does the same in a folder, which it goes on in when it is killed and started again.
    let folder = tempfile::tempdir()?;
    let run = Run::builder(&network, &on_device, &recipe)
        .mask(&mask)
        .method("synflow, density 0.1")
        .build()?;
    let outcome = run.train_in(folder.path(), &mut (), &AtomicBool::new(false))?;
    if let RunOutcome::Done(result) = outcome {
        println!("{} kept, test accuracy {:?}", result.kept, result.test.top1);
    }
    println!("{}", std::fs::read_to_string(folder.path().join("metrics.jsonl"))?);
    Ok(())
}
