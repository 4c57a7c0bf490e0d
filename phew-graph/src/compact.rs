//! The smaller dense network that a mask leaves: without the units that no longer matter.
//!
//! A unit goes if nothing that reaches an output reads it, or if its value is the same whatever the input, so that it can
//! be put into the biases of those that read it. Units that an operator ties together go together: those that a sum adds,
//! a channel and its block of features, a channel and what a depthwise convolution makes of it.

mod constants;
mod rebuild;
mod ties;

use std::sync::Arc;

use crate::arch::{Arch, NodeSpec, Op};
use crate::error::GraphError;
use crate::mask::Mask;
use crate::weights::Network;
use constants::Constants;
use rebuild::Parts;
use ties::Ties;

/// Which units of each node stay, and what the others leave behind.
///
/// # Examples
/// ```
/// use phew_graph::{Compaction, Init, LayerMask, Mask, Network, zoo};
///
/// let arch = std::sync::Arc::new(zoo::mlp(&[4, 3, 2]).build()?);
/// // Of the three hidden units the last has no weight left that leads on.
/// let layers = vec![
///     LayerMask::dense("fc1.weight", &[3, 4]),
///     LayerMask::from_fn("fc2.weight", &[2, 3], |i| i % 3 < 2),
/// ];
/// let mask = Mask::from_layers(layers);
/// let network = Network::initialise(arch.clone(), Init::default(), 0)?;
/// let compact = Compaction::of(&network, &mask)?.network(&network, &mask)?;
/// assert_eq!(compact.weights().as_slice()[0].len(), 8);
/// # Ok::<(), phew_graph::GraphError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Compaction {
    arch: Arc<Arch>,
    /// Units of each node that stay.
    stay: Vec<Vec<bool>>,
    constants: Constants,
    /// Convolutions and layers that get a bias for what their inputs leave behind.
    new_biases: Vec<bool>,
}

impl Compaction {
    /// What stays of a network under a mask, in evaluation: normalisation by the running statistics. The bias of a unit
    /// that no kept weight enters is 0, as phew trains it.
    ///
    /// Convolutions in groups keep all of their channels, unless they are depthwise; so does what reads or makes units in
    /// another way than the operators of the papers' networks do (gates, slices, layer normalisation and their like), or with
    /// tensors that several operators share. A unit of constant value other than 0 stays where a convolution or a mean with
    /// padding reads it: at the border it would count less.
    ///
    /// # Errors
    /// As [`Mask::check`].
    ///
    /// # Complexity
    /// A few passes over the mask, and one over the weights.
    pub fn of(network: &Network, mask: &Mask) -> Result<Self, GraphError> {
        mask.check(network.arch(), "mask")?;
        let constants = Constants::of(network.arch(), mask, Some(network));
        Ok(Self::new(network.arch().clone(), mask, constants))
    }

    /// What stays under a mask of a network whose biases and shifts are 0, as it is before training.
    ///
    /// # Errors
    /// As [`Mask::check`].
    pub fn of_mask(arch: &Arc<Arch>, mask: &Mask) -> Result<Self, GraphError> {
        mask.check(arch, "mask")?;
        Ok(Self::new(arch.clone(), mask, Constants::of(arch, mask, None)))
    }

    fn new(arch: Arc<Arch>, mask: &Mask, constants: Constants) -> Self {
        let stay = Ties::new(&arch).stay(&arch, mask, &constants);
        let new_biases = rebuild::new_biases(&arch, mask, &constants, &stay);
        Self { arch, stay, constants, new_biases }
    }

    /// Units of each node that stay, by the nodes' order.
    #[must_use]
    pub fn stay(&self) -> &[Vec<bool>] {
        &self.stay
    }

    /// The architecture of what stays.
    ///
    /// # Errors
    /// None in practice: every layer keeps a unit.
    pub fn arch(&self) -> Result<Arch, GraphError> {
        let specs = self.arch.specs().into_iter().enumerate();
        let smaller = specs.map(|(node, spec)| {
            let units = self.stay[node].iter().filter(|&&stays| stays).count();
            let op = match spec.op {
                Op::Conv2d(conv) => Op::Conv2d(crate::arch::Conv2d {
                    out: units,
                    groups: if self.is_depthwise(node) { self.inputs(node) } else { conv.groups },
                    bias: conv.bias || self.new_biases[node],
                    ..conv
                }),
                Op::Linear(linear) => Op::Linear(crate::arch::op::Linear {
                    out: units,
                    bias: linear.bias || self.new_biases[node],
                    ..linear
                }),
                other => other,
            };
            NodeSpec { op, ..spec }
        });
        Arch::new(format!("{}-compact", self.arch.name()), smaller.collect())
    }

    /// The network of what stays: the same outputs, up to the rounding of sums in another order.
    ///
    /// # Errors
    /// [`GraphError::Parameter`] if it is another network than that of [`Compaction::of`].
    pub fn network(&self, network: &Network, mask: &Mask) -> Result<Network, GraphError> {
        if network.arch() != &self.arch {
            return Err(GraphError::Parameter {
                name: "network",
                found: network.arch().name().to_owned(),
                expected: "the network that was looked at",
            });
        }
        let Self { stay, constants, .. } = self;
        rebuild::network(self.arch()?, Parts { network, mask, stay, constants })
    }

    /// Whether a node is a convolution of each channel by itself.
    fn is_depthwise(&self, node: usize) -> bool {
        ties::is_depthwise(&self.arch, node)
    }

    /// Units that stay of what a node reads.
    fn inputs(&self, node: usize) -> usize {
        let input = self.arch.nodes()[node].inputs[0];
        self.stay[input].iter().filter(|&&stays| stays).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::{ArchBuilder, Conv2d, Shape};
    use crate::mask::LayerMask;

    type Kept = fn(usize) -> bool;

    fn keep<const N: usize>(layers: [(&str, &[usize], Kept); N]) -> Mask {
        let layers = layers.map(|(name, shape, kept)| LayerMask::from_fn(name, shape, kept));
        Mask::from_layers(layers.to_vec())
    }

    #[test]
    fn channels_of_a_sum_go_where_all_that_is_added_agrees() {
        let image = Shape::Image { channels: 1, height: 4, width: 4 };
        let arch = ArchBuilder::new("sum", image)
            .conv("a", Conv2d::new(3, 1))
            .relu("relu")
            .conv("b", Conv2d::new(3, 1))
            .add("sum", &["b", "relu"])
            .conv("c", Conv2d::new(2, 1))
            .build();
        let arch = Arc::new(arch.unwrap());
        // Channel 1 is made by b alone, channel 2 by none.
        let mask = keep([
            ("a.weight", &[3, 1, 1, 1], |i| i == 0),
            ("b.weight", &[3, 3, 1, 1], |i| i == 3),
            ("c.weight", &[2, 3, 1, 1], |_| true),
        ]);
        let small = Compaction::of_mask(&arch, &mask).unwrap();
        assert_eq!(small.stay()[1], [true, true, false]);
        let shapes: Vec<Vec<usize>> =
            small.arch().unwrap().prunable().iter().map(|spec| spec.shape.to_vec()).collect();
        assert_eq!(shapes, [[2, 1, 1, 1], [2, 2, 1, 1], [2, 2, 1, 1]]);
    }

    #[test]
    fn what_a_constant_unit_adds_goes_into_the_biases() {
        // Hidden unit 1 has no weight that enters it, and its normalisation makes 0 a constant.
        let arch = ArchBuilder::new("norm", Shape::Features(1))
            .linear_unbiased("fc1", 2)
            .batch_norm("norm")
            .linear_unbiased("fc2", 1)
            .build();
        let arch = Arc::new(arch.unwrap());
        let mask = keep([("fc1.weight", &[2, 1], |i| i == 0), ("fc2.weight", &[1, 2], |_| true)]);
        let weights = vec![vec![2.0, 3.0], vec![5.0, 7.0]];
        // Scale, shift, mean, variance: (0 − 1) / √4 · 3 + 0.5 = −1.
        let norm = vec![vec![1.0, 3.0], vec![0.0, 0.5], vec![0.0, 1.0], vec![1.0, 4.0]];
        let network = Network::new(arch.clone(), weights, norm).unwrap();
        let small = Compaction::of(&network, &mask).unwrap().network(&network, &mask).unwrap();
        assert_eq!(small.weights().as_slice(), [&[2.0][..], &[5.0]]);
        let names: Vec<&str> =
            small.arch().auxiliary().iter().map(|spec| spec.name.as_str()).collect();
        assert_eq!(names.last(), Some(&"fc2.bias"), "{names:?}");
        let bias = small.auxiliary().last().unwrap()[0];
        assert!((bias + 7.0).abs() < 1e-4, "{bias}");
    }

    #[test]
    fn a_mask_that_keeps_all_or_nothing_leaves_a_network() {
        let arch = Arc::new(crate::zoo::by_name("resnet20").unwrap().build().unwrap());
        let dense = Compaction::of_mask(&arch, &Mask::dense(&arch)).unwrap().arch().unwrap();
        assert_eq!(dense.prunable(), arch.prunable());
        let none = Compaction::of_mask(&arch, &Mask::empty(&arch)).unwrap().arch().unwrap();
        assert_eq!(
            (none.input_shape(), none.output_shape()),
            (arch.input_shape(), arch.output_shape())
        );
        assert!(none.prunable().iter().all(|spec| spec.shape[0] == 1 || spec.shape[0] == 10));
    }
}
