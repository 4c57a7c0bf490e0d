//! `phew bench`: how fast a network runs under its mask, and where the time goes.

use std::hint::black_box;
use std::time::{Duration, Instant};

use clap::Args;
use phew_graph::execute::Program;
use phew_graph::ndarray::{ArrayD, ArrayViewD};
use phew_graph::{Arch, Mask, Network};
use phew_metrics::Cost;
use serde::Serialize;

use crate::args::{Masked, MaskedArgs};
use crate::command::{Command, Example, Report};
use crate::failure::usage;
use crate::interrupt;
use crate::output::{counted, grouped, percent, table};

/// Time a network under its mask beside the same network dense.
///
/// Both are run by phew's own engine, which `phew run` uses, and the dense one by libtorch too, where it is there, on the
/// threads of --threads. Inputs are all the same number: the time does not depend on them.
#[derive(Debug, Args)]
pub struct Bench {
    #[command(flatten)]
    network: MaskedArgs,

    /// Inputs of a call; several numbers are timed one after the other
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [1, 16, 128], help_heading = "Measurement",
        value_parser = clap::value_parser!(u32).range(1..=65536))]
    batch: Vec<u32>,

    /// Seconds for each measurement
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, help_heading = "Measurement")]
    seconds: f64,
}

/// How fast a network runs.
#[derive(Clone, Debug, Serialize)]
pub struct BenchReport {
    /// Name of the architecture.
    pub arch: String,
    /// Threads.
    pub threads: usize,
    /// A measurement for each size of a batch.
    pub speeds: Vec<Speed>,
    /// The layers.
    pub layers: Vec<LayerCost>,
}

/// Inputs a second: the batch over the median time of a call.
#[derive(Clone, Debug, Serialize)]
pub struct Speed {
    /// Inputs of a call.
    pub batch: u32,
    /// Under the mask.
    pub sparse: f64,
    /// With all weights.
    pub dense: f64,
    /// With all weights, by libtorch, where it is built in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub libtorch: Option<f64>,
}

/// A network that makes outputs of inputs.
type Run = Box<dyn Fn(ArrayViewD<'_, f32>) -> anyhow::Result<ArrayD<f32>>>;

/// Under its mask and dense by phew's engine, and dense by libtorch.
fn contestants(network: &Network, mask: &Mask) -> anyhow::Result<Vec<Run>> {
    let mut all: Vec<Run> = Vec::new();
    for mask in [Some(mask), None] {
        let program = Program::new(network, mask)?;
        all.push(Box::new(move |inputs| Ok(program.run(inputs)?)));
    }
    #[cfg(feature = "train")]
    {
        let model = phew_train::Model::on_processor(network)?;
        all.push(Box::new(move |inputs| Ok(model.predict(inputs)?)));
    }
    Ok(all)
}

/// What a layer costs for one input.
#[derive(Clone, Debug, Serialize)]
pub struct LayerCost {
    /// Name of its tensor.
    pub name: String,
    /// Weights kept.
    pub kept: usize,
    /// All weights.
    pub prunable: usize,
    /// Multiply-adds of the kept weights.
    pub multiply_adds: u64,
    /// Multiply-adds of all weights.
    pub multiply_adds_dense: u64,
}

impl Command for Bench {
    const NAME: &'static str = "bench";
    const EXAMPLES: &'static [Example] = &[
        (
            "inputs a second, sparse and dense, on one thread",
            "phew bench --arch lenet-5 --mask m.safetensors --threads 1 --seconds 0.1",
        ),
        (
            "for one input alone",
            "phew bench --arch lenet-5 --mask m.safetensors --batch 1 --seconds 0.1",
        ),
    ];
    type Report = BenchReport;

    #[cfg(feature = "train")]
    fn uses_libtorch(&self) -> bool {
        true
    }

    fn run(&self) -> anyhow::Result<BenchReport> {
        if !(self.seconds > 0.0 && self.seconds <= 3600.0) {
            return Err(usage(format!("--seconds is {}, expected up to 3600", self.seconds)));
        }
        let Masked { network, mask, .. } = self.network.load()?;
        let arch = network.arch();
        let contestants = contestants(&network, &mask)?;
        let mut speeds = Vec::new();
        for &batch in &self.batch {
            let shape: Vec<usize> =
                std::iter::once(batch as usize).chain(arch.input_shape().sizes()).collect();
            let inputs = ArrayD::from_elem(shape, 0.5);
            let mut times = vec![Vec::new(); contestants.len()];
            let seconds = contestants.len() as f64 * self.seconds;
            let end = Instant::now() + Duration::from_secs_f64(seconds);
            // In turns, so that what else the machine does concerns all; the first call of each is not counted.
            while times[0].len() < 4 || Instant::now() < end {
                for (run, times) in contestants.iter().zip(&mut times) {
                    let start = Instant::now();
                    black_box(run(inputs.view())?);
                    times.push(start.elapsed().as_secs_f64());
                    interrupt::check()?;
                }
            }
            let speed = |times: &Vec<f64>| f64::from(batch) / median(&times[1..]);
            let (sparse, dense) = (speed(&times[0]), speed(&times[1]));
            speeds.push(Speed { batch, sparse, dense, libtorch: times.get(2).map(speed) });
        }
        let threads = rayon::current_num_threads();
        Ok(BenchReport {
            arch: arch.name().to_owned(),
            threads,
            speeds,
            layers: layers(arch, &mask),
        })
    }
}

fn median(times: &[f64]) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn layers(arch: &Arch, mask: &Mask) -> Vec<LayerCost> {
    let layer = |layer: phew_metrics::LayerCost| LayerCost {
        name: layer.name,
        kept: layer.sparse_parameters,
        prunable: layer.parameters,
        multiply_adds: layer.sparse_flops / 2,
        multiply_adds_dense: layer.flops / 2,
    };
    Cost::new(arch, Some(mask)).layers.into_iter().map(layer).collect()
}

impl Report for BenchReport {
    fn text(&self) -> String {
        let of = |part: u64, whole: u64| percent(part as f64 / whole.max(1) as f64);
        let sum = |part: fn(&LayerCost) -> u64| self.layers.iter().map(part).sum::<u64>();
        let [kept_in_all, all] =
            [sum(|layer| layer.multiply_adds), sum(|layer| layer.multiply_adds_dense)];
        let layer = |layer: &LayerCost| {
            let (kept, weights) = (layer.kept as u64, layer.prunable as u64);
            vec![
                layer.name.clone(),
                grouped(layer.kept),
                of(kept, weights),
                grouped(layer.multiply_adds),
                of(layer.multiply_adds, layer.multiply_adds_dense),
                of(layer.multiply_adds, kept_in_all),
            ]
        };
        let rows: Vec<Vec<String>> = self.layers.iter().map(layer).collect();
        let head =
            ["layer", "kept", "of its weights", "multiply-adds", "of its own", "of the kept"];
        let speed = |speed: &Speed| {
            let others = [Some(speed.dense), speed.libtorch].into_iter().flatten();
            let ratios = others
                .flat_map(|other| [format!("{other:.0}"), format!("{:.1}", speed.sparse / other)]);
            let own = [speed.batch.to_string(), format!("{:.0}", speed.sparse)];
            own.into_iter().chain(ratios).collect()
        };
        let speeds: Vec<Vec<String>> = self.speeds.iter().map(speed).collect();
        let columns = ["batch", "inputs/s under the mask", "dense", "ratio", "libtorch", "ratio"];
        let columns = &columns[..speeds.first().map_or(4, Vec::len)];
        format!(
            "{}\n{}: {} of {} multiply-adds ({}), {}\n\n{}",
            table(&head, &rows, 1),
            self.arch,
            grouped(kept_in_all),
            grouped(all),
            of(kept_in_all, all),
            counted(self.threads, "thread"),
            table(columns, &speeds, 0)
        )
    }
}
