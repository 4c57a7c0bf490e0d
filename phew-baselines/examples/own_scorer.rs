//! A scorer of one's own, in the table beside those of this crate.
//!
//! The score is the magnitude of a weight over the sum of its unit's: every unit competes for its strongest weights.
#![expect(clippy::print_stdout, reason = "an example prints what it finds")]

use phew_baselines::{
    BaselineError, Entry, Needs, Options, Registry, Scored, Scorer, Scores, State, methods,
};
use phew_graph::{ByTensor, Init, Network, TensorId, zoo};

/// `|w| / Σ |w|`, the sum over the weights into the same unit.
struct ShareOfUnit;

impl Scorer for ShareOfUnit {
    fn score<'s>(&'s mut self, state: &'s State<'_>) -> Result<Scores<'s>, BaselineError> {
        let row = |tensor: TensorId| state.graph.shape(tensor).row();
        let sum = |unit: &[f32]| unit.iter().map(|w| f64::from(w.abs())).sum();
        let sums: ByTensor<Vec<f64>> = (state.weights.with_ids())
            .map(|(tensor, weights)| weights.chunks(row(tensor)).map(sum).collect())
            .collect();
        Ok(Scores::from_fn(move |tensor, index| {
            f64::from(state.weights[tensor][index].abs()) / sums[tensor][index / row(tensor)]
        }))
    }
}

/// Its entry: name, what it keeps, what it needs, paper, and how it is built.
const SHARE_OF_UNIT: Entry<Scored> = Entry {
    name: "share-of-unit",
    keeps: "the largest |w| over the sum of the unit's",
    needs: Needs::Weights,
    paper: "this example",
    build: Scored::by(|_| Ok(Box::new(ShareOfUnit))).schedule("exponential:10"),
};

pub(crate) fn main() -> Result<(), BaselineError> {
    let all: Registry<Scored> = methods().iter().copied().chain([SHARE_OF_UNIT]).collect();
    let arch = zoo::by_name("lenet-5")?.build()?;
    let network = Network::initialise(arch, Init::default(), 0)?;
    for name in ["magnitude", "share-of-unit"] {
        let mut method = all.find(name)?.method(0.05, 0, &Options::default(), None)?;
        let mask = method.prune(&network)?;
        println!("{name}: {} of {} weights kept", mask.kept(), mask.len());
        for layer in mask.layers() {
            println!("  {:<20} {:>7.3} %", layer.name(), 100.0 * layer.density());
        }
        assert_eq!(mask.kept(), 3073);
    }
    Ok(())
}
