//! What phew's own engine answers agrees with the authors' programs, without libtorch.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::Path;

use phew_baselines::{Needs, Options, methods};
use phew_graph::ndarray::Array2;
use phew_graph::{Arch, Extra, Init, Mask, Network, TensorFile, zoo};
use phew_train::{
    EngineOracle, Loss, NumberedBatch, OracleMode, Power, SampleSpec, Targets, digits,
};
use safetensors::SafeTensors;

#[path = "common/reference.rs"]
mod reference;
use reference::reference;

/// A reference network, its batch and the file of what the programs gave.
struct Reference {
    network: Network,
    batch: NumberedBatch,
    expected: TensorFile,
}

fn references() -> [Reference; 3] {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../reference");
    ["mlp", "conv", "res"].map(|name| {
        let weights = folder.join(format!("{name}.weights.safetensors"));
        let file = TensorFile::open(&weights).unwrap();
        let input = file.array("batch.input").unwrap();
        let (images, scalars) = (input.shape()[0], input.len() / input.shape()[0]);
        let inputs = input.into_shape_with_order((images, scalars)).unwrap();
        let bytes = std::fs::read(&weights).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let classes = tensors.tensor("batch.target").unwrap().data().as_chunks::<8>().0.iter();
        let classes = classes.map(|&class| u16::try_from(i64::from_le_bytes(class)).unwrap());
        let targets = Targets::Classes(classes.collect());
        Reference {
            network: Network::load(&weights, reference(name), Extra::Ignore).unwrap(),
            batch: NumberedBatch { inputs, targets },
            expected: TensorFile::open(&folder.join(format!("{name}.expected.safetensors")))
                .unwrap(),
        }
    })
}

impl Reference {
    fn oracle(&self) -> EngineOracle {
        let (batches, loss) = (vec![self.batch.clone()], Loss::default());
        EngineOracle::new(&self.network, batches, loss, OracleMode::Train).unwrap()
    }

    /// Compares `score(weight, derivative)` to the programs', relative to the scalar or, at rounding's size, to the tensor's
    /// greatest.
    fn check<T: Copy + Into<f64>>(
        &self,
        key: &str,
        derivative: &[Vec<T>],
        score: impl Fn(f64, f64) -> f64,
        relative: f64,
    ) {
        let tensors = self.network.arch().prunable().iter().zip(self.network.weights());
        for ((spec, weights), derivative) in tensors.zip(derivative) {
            let expected = self.expected.array(&format!("{key}.{}", spec.name)).unwrap();
            let greatest = expected.iter().fold(0.0, |most: f64, x| most.max(f64::from(x.abs())));
            for (index, &expected) in expected.iter().enumerate() {
                let found = score(f64::from(weights[index]), derivative[index].into());
                let expected = f64::from(expected);
                let bound = relative * expected.abs() + 1e-2 * relative * greatest;
                let name = &spec.name;
                assert!(
                    (found - expected).abs() <= bound,
                    "{key} {name}[{index}]: {found} for {expected}"
                );
            }
        }
    }
}

#[test]
fn snip_synflow_and_synflow_l2_are_the_programs() {
    for r in references() {
        let (weights, dense) = (r.network.weights(), Mask::dense(r.network.arch()));
        let gradient = r.oracle().gradient(&weights, &dense).unwrap();
        // Single precision here, double there: a few roundings of the sums of a batch.
        r.check("snip", &gradient, |w, g| (g * w).abs(), 2e-4);
        let pass = |power| r.oracle().ones_pass(&weights, &dense, power).unwrap();
        r.check("synflow", &pass(Power::Abs), |w, d| (d * w).abs(), 1e-6);
        r.check("synflow_l2", &pass(Power::Square), |w, d| d * w.abs(), 1e-6);
    }
}

#[test]
fn gradients_of_batches_add_up_and_pruned_weights_have_some() {
    let data = digits(200, 20, 0).unwrap();
    let arch = zoo::by_name("lenet-5").unwrap().build().unwrap();
    let network = Network::initialise(arch, Init::default(), 3).unwrap();
    let gradient = |batch: usize, mask: &Mask| {
        let samples = SampleSpec { per_class: 4, batch, seed: 1 };
        let oracle = EngineOracle::of_data(&network, &data, samples, OracleMode::Eval);
        oracle.unwrap().gradient(&network.weights(), mask).unwrap()
    };
    let random = methods().find("random").unwrap();
    let mut random = random.method(0.3, 0, &Options::default(), None).unwrap();
    let mask = random.prune(&network).unwrap();
    let (whole, halves) = (gradient(40, &mask), gradient(20, &mask));
    let steepest = whole.iter().flatten().fold(0.0, |most: f32, x| most.max(x.abs()));
    for (whole, halves) in whole.iter().flatten().zip(halves.iter().flatten()) {
        assert!((2.0 * whole - halves).abs() <= 1e-5 * steepest, "{whole} {halves}");
    }
    let pruned = mask.layers().iter().zip(&whole).flat_map(|(layer, slopes)| {
        slopes.iter().enumerate().filter(|&(index, _)| !layer.get(index))
    });
    assert!(pruned.filter(|(_, slope)| **slope != 0.0).count() > 1000);
}

#[test]
fn what_does_not_fit_is_refused_by_what_was_expected() {
    let [r, ..] = references();
    let refused = |batch: NumberedBatch, loss: Loss| {
        let error = EngineOracle::new(&r.network, vec![batch], loss, OracleMode::Train);
        error.unwrap_err().to_string()
    };
    let Targets::Classes(classes) = &r.batch.targets else { panic!("classes") };
    let images = classes.len();
    let with = |targets| NumberedBatch { targets, ..r.batch.clone() };
    for error in [
        refused(r.batch.clone(), Loss::MeanSquare),
        refused(with(Targets::Classes(vec![1; images + 1])), Loss::default()),
        refused(with(Targets::Classes(vec![60_000; images])), Loss::default()),
        refused(with(Targets::Numbers(Array2::zeros((images, 1)))), Loss::MeanSquare),
        refused(
            NumberedBatch { inputs: Array2::zeros((images, 1)), ..r.batch.clone() },
            Loss::default(),
        ),
    ] {
        assert!(error.starts_with("batch: found ") && error.contains("expected"), "{error}");
    }
    assert_eq!(
        [Needs::Gradients, Needs::OnesPass, Needs::HessianGradients].map(EngineOracle::answers),
        [true, true, false]
    );
    let toml = "name = \"soft\"\n[[op]]\nname = \"x\"\ntype = \"input\"\nshape = [1, 28, 28]\n\
                [[op]]\nname = \"flat\"\ntype = \"flatten\"\n\
                [[op]]\nname = \"fc\"\ntype = \"linear\"\nout = 10\n\
                [[op]]\nname = \"soft\"\ntype = \"softmax\"\n";
    let network = Network::initialise(Arch::from_toml(toml, "soft").unwrap(), Init::default(), 0);
    let data = digits(20, 10, 0).unwrap();
    let samples = SampleSpec { per_class: 1, ..SampleSpec::default() };
    let error = EngineOracle::of_data(&network.unwrap(), &data, samples, OracleMode::Train);
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("soft") && error.contains("an operator that this engine trains"),
        "{error}"
    );
}
