//! Gradients and passes of ones by phew's own engine, without libtorch.

use phew_baselines::{BaselineError, Needs, Oracle, Point, Power};
use phew_graph::execute::{OutputSum, Statistics, TensorValues, Training};
use phew_graph::{Arch, Mask, Network};

use super::failed::failed;
use super::samples::choose;
use super::{OracleMode, SampleSpec};
use crate::data::{Dataset, NumberedBatch, NumberedImages, Targets};
use crate::error::{Result, TrainError};
use crate::loss::Loss;

/// Answers what SNIP and its iterative forms ask about the loss on a data set, and SynFlow about the real layers, on the
/// processor, with nothing but [`phew_graph::execute`].
///
/// Answers are for every prunable scalar, kept or pruned, by its *effective* weight. Gradients are in single precision and
/// added up over the batches, the pass of ones is in double; both are the same bytes on any number of threads. The operators are
/// those of [`Training`]; other questions than these two are [`BaselineError::Unsupported`].
///
/// # Examples
/// SNIP without libtorch.
/// ```
/// use phew_baselines::{Options, methods};
/// use phew_graph::{Init, Network, zoo};
/// use phew_train::{EngineOracle, OracleMode, SampleSpec, digits};
///
/// let data = digits(300, 10, 0)?;
/// let network = Network::initialise(zoo::by_name("lenet-300-100")?.build()?, Init::default(), 0)?;
/// let oracle = EngineOracle::of_data(&network, &data, SampleSpec::default(), OracleMode::Train)?;
/// let snip = methods().find("snip")?;
/// let mut method = snip.method(0.05, 0, &Options::default(), Some(Box::new(oracle)))?;
/// let mask = method.prune(&network)?;
/// assert_eq!(mask.kept(), 13_310);
/// # Ok::<(), phew_train::TrainError>(())
/// ```
#[derive(Debug)]
pub struct EngineOracle {
    network: Network,
    mode: OracleMode,
    loss: Loss,
    batches: Vec<NumberedBatch>,
    /// Made when a gradient is first asked for.
    training: Option<Training>,
    /// Room for the weights of a pass of ones.
    values: Option<TensorValues<f64>>,
}

impl EngineOracle {
    /// An oracle that looks at these batches; passes of ones need none.
    ///
    /// # Errors
    /// [`TrainError::Parameter`](crate::TrainError::Parameter) if a batch has not the sizes of the network's input and output,
    /// or targets of another kind than the loss.
    pub fn new(
        network: &Network,
        batches: Vec<NumberedBatch>,
        loss: Loss,
        mode: OracleMode,
    ) -> Result<Self> {
        for batch in &batches {
            check(batch, network.arch(), loss)?;
        }
        Ok(Self { network: network.clone(), mode, loss, batches, training: None, values: None })
    }

    /// An oracle that looks at images of a data set, by the loss that suits it.
    ///
    /// # Errors
    /// [`TrainError::Parameter`](crate::TrainError::Parameter) if a class has too few images or a number is 0, or if the
    /// network has not the set's input and output; [`TrainError::Graph`](crate::TrainError::Graph) naming an operator that
    /// the engine does not train.
    pub fn of_data(
        network: &Network,
        data: &Dataset,
        samples: SampleSpec,
        mode: OracleMode,
    ) -> Result<Self> {
        data.fits(network.arch())?;
        let chosen = choose(&data.train, data.classes.len(), samples)?;
        // Normalised by the statistics of all training images, not of the few that were chosen.
        let images = NumberedImages::new(&data.train, &data.normalisation());
        let batches = chosen.chunks(samples.batch).map(|part| images.batch(part)).collect();
        let training = Some(training(network, mode)?);
        Ok(Self { training, ..Self::new(network, batches, Loss::suiting(data), mode)? })
    }

    /// Whether it answers a method that needs this.
    #[must_use]
    pub fn answers(needs: Needs) -> bool {
        matches!(needs, Needs::Gradients | Needs::OnesPass)
    }

    /// `∂L/∂w`, summed over the batches.
    ///
    /// # Errors
    /// [`TrainError::Graph`](crate::TrainError::Graph) if the mask is of another architecture.
    pub fn gradient(&mut self, weights: &[&[f32]], mask: &Mask) -> Result<Vec<Vec<f32>>> {
        let Self { network, mode, loss, batches, training: made, .. } = self;
        mask.check(network.arch(), "mask")?;
        let engine = match made {
            Some(engine) => engine,
            None => made.insert(training(network, *mode)?),
        };
        let mut values = TensorValues::from(&*network);
        put_effective(&mut values.weights, weights, mask, |w| w);
        let mut sum = TensorValues::zeros(network.arch()).weights;
        for batch in batches {
            let sizes = network.arch().input_shape().sizes();
            let shape: Vec<usize> = std::iter::once(batch.inputs.nrows()).chain(sizes).collect();
            let inputs = batch.inputs.view().into_shape_with_order(shape);
            let inputs = inputs.unwrap_or_else(|e| unreachable!("the set fits: {e}"));
            let outputs = engine.forward(&values, inputs)?;
            let outputs = outputs.view().into_shape_with_order((
                batch.inputs.nrows(),
                outputs.len() / batch.inputs.nrows(),
            ));
            let outputs = outputs.unwrap_or_else(|e| unreachable!("outputs for each image: {e}"));
            let (_, slopes) = loss.value_and_slopes(outputs, &batch.targets);
            let gradient = engine.backward(slopes.into_dyn().view())?;
            for (sum, more) in sum.iter_mut().flatten().zip(gradient.weights.iter().flatten()) {
                *sum += more;
            }
        }
        Ok(sum)
    }

    /// `∂R/∂f(w)`: `R` sums the outputs for ones, with `f` of every effective weight, bias and normalisation parameter in
    /// its place.
    ///
    /// # Errors
    /// [`TrainError::Graph`](crate::TrainError::Graph) if the mask is of another architecture, or naming an operator that the engine does not train.
    pub fn ones_pass(
        &mut self,
        weights: &[&[f32]],
        mask: &Mask,
        power: Power,
    ) -> Result<Vec<Vec<f64>>> {
        let Self { network, values, .. } = self;
        let arch = network.arch();
        mask.check(arch, "mask")?;
        let value = |x: f64| match power {
            Power::Abs => x.abs(),
            Power::Square => x * x,
        };
        let values = values.get_or_insert_with(|| TensorValues::zeros(arch));
        put_effective(&mut values.weights, weights, mask, |w| value(f64::from(w)));
        let tensors = arch.auxiliary().iter().zip(network.auxiliary());
        for ((spec, own), values) in tensors.zip(&mut values.auxiliary) {
            for (to, x) in values.iter_mut().zip(own.iter().map(|&x| f64::from(x))) {
                *to = if spec.role.is_buffer() { x } else { value(x) };
            }
        }
        let ones = vec![1.0; arch.input_shape().sizes().iter().product()];
        Ok(OutputSum::new(arch, values, &ones)?.by_weight)
    }
}

/// Writes what is made of each effective weight, zero where the mask prunes.
fn put_effective<T: Copy + Default>(
    to: &mut [Vec<T>],
    weights: &[&[f32]],
    mask: &Mask,
    value: impl Fn(f32) -> T,
) {
    for ((to, from), layer) in to.iter_mut().zip(weights).zip(mask.layers()) {
        to.fill(T::default());
        layer.iter().for_each(|index| to[index] = value(from[index]));
    }
}

/// Refuses a batch that is not for the network or the loss.
fn check(batch: &NumberedBatch, arch: &Arch, loss: Loss) -> Result<()> {
    let [wanted, outputs] = [arch.input_shape(), arch.output_shape()]
        .map(|shape| shape.sizes().iter().product::<usize>());
    let (images, scalars) = batch.inputs.dim();
    let (targets, fits) = match &batch.targets {
        Targets::Classes(classes) => (
            format!("classes of {}", classes.len()),
            classes.len() == images
                && !loss.is_regression()
                && classes.iter().all(|&class| usize::from(class) < outputs),
        ),
        Targets::Numbers(numbers) => (
            format!("numbers {:?}", numbers.dim()),
            numbers.dim() == (images, outputs) && loss.is_regression(),
        ),
    };
    if images > 0 && scalars == wanted && fits {
        return Ok(());
    }
    let kind = if loss.is_regression() { "numbers" } else { "classes below that" };
    Err(TrainError::Parameter {
        what: "batch",
        found: format!("{images} images of {scalars} scalars, and {targets}"),
        expected: format!("{wanted} scalars and {outputs} outputs, and {kind}"),
    })
}

fn training(network: &Network, mode: OracleMode) -> Result<Training> {
    let statistics = match mode {
        OracleMode::Train => Statistics::Batch,
        OracleMode::Eval => Statistics::Running,
    };
    Ok(Training::new(network.arch().clone(), None)?.normalised_by(statistics))
}

impl Oracle for EngineOracle {
    fn gradient(&mut self, at: &Point<'_>) -> Result<Vec<Vec<f32>>, BaselineError> {
        EngineOracle::gradient(self, at.weights, at.mask).map_err(failed)
    }

    fn ones_pass(&mut self, at: &Point<'_>, power: Power) -> Result<Vec<Vec<f64>>, BaselineError> {
        EngineOracle::ones_pass(self, at.weights, at.mask, power).map_err(failed)
    }
}
