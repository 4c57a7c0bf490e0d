//! Densely connected networks for CIFAR, without bottlenecks.

use crate::arch::{Arch, ArchBuilder, Conv2d, Pool, Shape};
use crate::error::GraphError;

/// Channels of the first convolution.
const STEM: usize = 16;

/// Huang et al. 2017, section 3 and table 2: three dense blocks of `layers` layers, each of which appends `growth`
/// channels to all that come before it in its block; 1×1 convolutions that keep the width, and pooling, between blocks.
///
/// Names are those of torchvision's `DenseNet`, which has no networks for CIFAR.
pub(super) fn build(
    name: &str,
    input: Shape,
    layers: usize,
    growth: usize,
    classes: usize,
) -> Result<Arch, GraphError> {
    let mut width = STEM;
    let mut net =
        ArchBuilder::new(name, input).conv("features.conv0", Conv2d::new(STEM, 3).padding(1));
    for block in 1..=3 {
        for layer in 1..=layers {
            let prefix = format!("features.denseblock{block}.denselayer{layer}");
            net = dense_layer(net, &prefix, growth);
            width = width.saturating_add(growth);
        }
        if block < 3 {
            net = transition(net, &format!("features.transition{block}"), width);
        }
    }
    net.batch_norm("features.norm5")
        .relu("relu")
        .avg_pool("avgpool", Pool::global())
        .flatten("flatten")
        .linear("classifier", classes)
        .build()
}

/// Normalisation, ReLU and a 3×3 convolution, whose output is appended to what it reads.
fn dense_layer(net: ArchBuilder, prefix: &str, growth: usize) -> ArchBuilder {
    let (before, conv) = (net.last().to_owned(), format!("{prefix}.conv1"));
    net.batch_norm(format!("{prefix}.norm1"))
        .relu(format!("{prefix}.relu1"))
        .conv(&conv, Conv2d::new(growth, 3).padding(1))
        .concat(format!("{prefix}.concat"), &[&before, &conv])
}

/// Normalisation, ReLU, a 1×1 convolution of the same width and 2×2 average pooling.
fn transition(net: ArchBuilder, prefix: &str, width: usize) -> ArchBuilder {
    net.batch_norm(format!("{prefix}.norm"))
        .relu(format!("{prefix}.relu"))
        .conv(format!("{prefix}.conv"), Conv2d::new(width, 1))
        .avg_pool(format!("{prefix}.pool"), Pool::new(2))
}
