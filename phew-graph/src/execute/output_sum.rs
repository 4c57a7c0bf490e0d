//! The sum of a network's outputs for one input, in double precision, and its derivatives: SynFlow's pass of ones.
//!
//! Nothing is fused and no weight is left out: each operator makes a map of maps, and goes back from the derivatives by its
//! result to those by what it read. Convolutions and linear layers are matrix products, ndarray's own
//! (`matrixmultiply`), over so many output units at a time on each thread: numbers of threads change no byte.

mod activation;
mod convolution;
mod map;
mod pool;

use crate::arch::{Arch, Op, Role, TensorSpec};
use crate::error::GraphError;
use convolution::Convolution;
use map::Map;
use pool::Pooling;

use super::TensorValues;
use super::refused::refused;
use super::values::window;

/// The sum of the outputs for one input, and its derivatives.
///
/// When to use it: for what asks each weight how much of the outputs runs through it, as SynFlow does, without libtorch.
///
/// The operators are those of [`Training`](super::Training), normalised by their running statistics.
///
/// # Examples
/// SynFlow's `R` for a network whose weights are replaced by their magnitudes.
/// ```
/// use phew_graph::execute::{OutputSum, TensorValues};
/// use phew_graph::{Init, Network, zoo};
///
/// let network = Network::initialise(zoo::by_name("lenet-5")?.build()?, Init::default(), 0)?;
/// let mut values = TensorValues::<f64>::from(&network);
/// values.weights.iter_mut().flatten().for_each(|w| *w = w.abs());
/// let ones = vec![1.0; 28 * 28];
/// let pass = OutputSum::new(network.arch(), &values, &ones)?;
/// // Each layer's weights share out all of R, where biases are zero.
/// let through = |layer: usize| -> f64 {
///     values.weights[layer].iter().zip(&pass.by_weight[layer]).map(|(w, d)| w * d).sum()
/// };
/// assert!((through(0) - pass.value).abs() < 1e-9 * pass.value);
/// # Ok::<(), phew_graph::GraphError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct OutputSum {
    /// The sum of the outputs.
    pub value: f64,
    /// Its derivative by each prunable scalar, in the order of [`Arch::prunable`]; by one that several operators share, the sum
    /// over them.
    pub by_weight: Vec<Vec<f64>>,
}

impl OutputSum {
    /// Sends an input through a network and goes back.
    ///
    /// # Shapes
    /// `input` has the scalars of the network's input, in the order of an array of its sizes.
    ///
    /// # Errors
    /// [`GraphError::Parameter`] if values or input have other sizes, [`GraphError::Field`] naming an operator that is not
    /// among those above, or a normalisation without running statistics.
    ///
    /// # Complexity
    /// Three matrix products of each layer, zeros included; memory for all values of the network, and for 2²² scalars that
    /// windows of a layer see, at least one row of them.
    pub fn new(arch: &Arch, values: &TensorValues<f64>, input: &[f64]) -> Result<Self, GraphError> {
        values.check(arch)?;
        let scalars: usize = arch.input_shape().sizes().iter().product();
        if input.len() != scalars {
            return Err(GraphError::Parameter {
                name: "scalars of the input",
                found: input.len().to_string(),
                expected: "those of the network's input",
            });
        }
        let steps = steps(arch, values)?;
        let mut maps = vec![Map::of(arch.input_shape(), input.to_vec())];
        for (node, step) in arch.nodes()[1..].iter().zip(&steps) {
            let from: Vec<&Map> = node.inputs.iter().map(|&input| &maps[input]).collect();
            let mut to = Map::zeros(node.shape);
            step.forward(&from, &mut to);
            maps.push(to);
        }
        let last = maps.len() - 1;
        let value = maps[last].numbers.iter().sum();
        let mut by_weight: Vec<Vec<f64>> =
            values.weights.iter().map(|weights| vec![0.0; weights.len()]).collect();
        let mut by_map: Vec<Option<Map>> = maps.iter().map(|_| None).collect();
        by_map[last] = Some(Map::of(arch.output_shape(), vec![1.0; maps[last].numbers.len()]));
        for (number, step) in steps.iter().enumerate().rev() {
            let node = &arch.nodes()[number + 1];
            // What nothing depends on has no derivative.
            let Some(by_output) = by_map[number + 1].take() else { continue };
            if let Step::Weighted { tensor, convolution, .. } = step {
                convolution.back_to_weights(
                    &maps[node.inputs[0]],
                    &by_output,
                    &mut by_weight[*tensor],
                );
            }
            for (place, &input) in node.inputs.iter().enumerate() {
                if input > 0 {
                    let to =
                        by_map[input].get_or_insert_with(|| Map::zeros(arch.nodes()[input].shape));
                    step.back(place, &node.inputs, &maps, &by_output, to);
                }
            }
        }
        Ok(Self { value, by_weight })
    }
}

/// What an operator computes, with the values of its tensors.
enum Step<'v> {
    Weighted { tensor: usize, convolution: Convolution<'v>, bias: Option<&'v [f64]> },
    Normalise { scale: Vec<f64>, shift: Vec<f64> },
    Activate(crate::arch::Activation),
    Pool(Pooling),
    Sum,
    Concat,
    Flatten,
}

/// The steps of a network's nodes, but for the first, its input.
fn steps<'v>(arch: &Arch, values: &'v TensorValues<f64>) -> Result<Vec<Step<'v>>, GraphError> {
    (1..arch.nodes().len()).map(|node| step(arch, values, node)).collect()
}

fn step<'v>(
    arch: &Arch,
    values: &'v TensorValues<f64>,
    number: usize,
) -> Result<Step<'v>, GraphError> {
    let node = &arch.nodes()[number];
    let own = |spec: &TensorSpec| spec.nodes.contains(&number);
    let auxiliary = |role: Role| {
        let place = arch.auxiliary().iter().position(|spec| own(spec) && spec.role == role);
        place.map(|place| &values.auxiliary[place][..])
    };
    Ok(match &node.op {
        Op::Conv2d(_) | Op::Conv1d(_) | Op::Linear(_) => {
            let (Some((window, groups)), Some(tensor)) =
                (window(&node.op), arch.prunable().iter().position(own))
            else {
                unreachable!("a convolution or linear layer has a window and a weight")
            };
            let convolution = Convolution { weights: &values.weights[tensor], window, groups };
            Step::Weighted { tensor, convolution, bias: auxiliary(Role::Bias) }
        }
        Op::BatchNorm(norm) => {
            let (Some(mean), Some(variance)) =
                (auxiliary(Role::RunningMean), auxiliary(Role::RunningVar))
            else {
                return Err(refused(arch, number, "a normalisation with running statistics"));
            };
            let [scale, shift] = [Role::NormScale, Role::NormShift].map(auxiliary);
            let scale = variance.iter().enumerate().map(|(unit, variance)| {
                scale.map_or(1.0, |scale| scale[unit]) / (variance + norm.eps).sqrt()
            });
            let scale: Vec<f64> = scale.collect();
            let shift = mean
                .iter()
                .enumerate()
                .map(|(unit, mean)| shift.map_or(0.0, |shift| shift[unit]) - mean * scale[unit]);
            Step::Normalise { shift: shift.collect(), scale }
        }
        Op::Activation(activation) => Step::Activate(*activation),
        Op::MaxPool(_) | Op::AvgPool(_) | Op::AdaptiveAvgPool(_) => {
            let read = arch.nodes()[node.inputs[0]].shape;
            Step::Pool(Pooling::new(&node.op, read))
        }
        Op::Add(_) => Step::Sum,
        Op::Concat(_) => Step::Concat,
        Op::Flatten(_) => Step::Flatten,
        _ => return Err(refused(arch, number, "an operator that this engine trains")),
    })
}

impl Step<'_> {
    fn forward(&self, from: &[&Map], to: &mut Map) {
        match self {
            Self::Weighted { convolution, bias, .. } => {
                if let Some(bias) = bias {
                    to.each_unit(|unit, plane| plane.fill(bias[unit]));
                }
                convolution.forward(from[0], to);
            }
            Self::Normalise { scale, shift } => to.each_unit(|unit, plane| {
                let here = plane.iter_mut().zip(from[0].plane(unit));
                here.for_each(|(to, x)| *to = x * scale[unit] + shift[unit]);
            }),
            Self::Activate(activation) => {
                let here = to.numbers.iter_mut().zip(&from[0].numbers);
                here.for_each(|(to, x)| *to = activation::value(*activation, *x));
            }
            Self::Pool(pooling) => pooling.forward(from[0], to),
            Self::Sum => from.iter().for_each(|from| to.add(&from.numbers)),
            Self::Concat => {
                to.numbers = from.iter().flat_map(|from| from.numbers.iter().copied()).collect();
            }
            Self::Flatten => to.numbers.copy_from_slice(&from[0].numbers),
        }
    }

    /// Adds the derivatives by the value that stands at a place among those that were read.
    fn back(
        &self,
        place: usize,
        inputs: &[usize],
        maps: &[Map],
        by_output: &Map,
        by_input: &mut Map,
    ) {
        let from = &maps[inputs[place]];
        match self {
            Self::Weighted { convolution, .. } => convolution.back_to_input(by_output, by_input),
            Self::Normalise { scale, .. } => by_input.each_unit(|unit, plane| {
                let here = plane.iter_mut().zip(by_output.plane(unit));
                here.for_each(|(to, dy)| *to += scale[unit] * dy);
            }),
            Self::Activate(activation) => {
                let here = by_input.numbers.iter_mut().zip(&from.numbers).zip(&by_output.numbers);
                here.for_each(|((to, x), dy)| *to += activation::slope(*activation, *x) * dy);
            }
            Self::Pool(pooling) => pooling.back(from, by_output, by_input),
            Self::Sum | Self::Flatten => by_input.add(&by_output.numbers),
            Self::Concat => {
                let before = inputs[..place].iter().map(|&input| maps[input].numbers.len()).sum();
                by_input.add(&by_output.numbers[before..][..from.numbers.len()]);
            }
        }
    }
}
