//! Residual networks: for CIFAR, for ImageNet, modified for Tiny-ImageNet, and wide ones.

use crate::arch::{Arch, ArchBuilder, Conv2d, Pool, Shape};
use crate::error::GraphError;

/// He et al. 2016, section 4.2: three stages of 16, 32 and 64 channels, `blocks` basic blocks in each.
///
/// Where the shape changes the skip is a 1×1 projection, as in the pruning papers (He et al. pad with zeros).
pub(super) fn cifar(
    name: &str,
    input: Shape,
    blocks: usize,
    widen: usize,
    classes: usize,
) -> Result<Arch, GraphError> {
    let mut net =
        stem(ArchBuilder::new(name, input), Conv2d::new(widen.saturating_mul(16), 3).padding(1));
    for stage in 0..3 {
        let width = usize::saturating_mul(16 << stage, widen);
        for block in 0..blocks {
            let first = block == 0 && stage > 0;
            let prefix = format!("layer{}.{block}", stage + 1);
            net = basic_block(net, &prefix, width, if first { 2 } else { 1 }, first);
        }
    }
    head(net, classes)
}

/// He et al. 2016, table 1. The modified networks' stem is 3×3 with stride 1 and no max-pool.
pub(super) fn imagenet(
    name: &str,
    input: Shape,
    blocks: [usize; 4],
    bottleneck: bool,
    imagenet_stem: bool,
    classes: usize,
) -> Result<Arch, GraphError> {
    let net = ArchBuilder::new(name, input);
    let mut net = if imagenet_stem {
        let net = stem(net, Conv2d::new(64, 7).stride(2).padding(3));
        net.max_pool("maxpool", Pool::new(3).stride(2).padding(1))
    } else {
        stem(net, Conv2d::new(64, 3).padding(1))
    };
    for (stage, &count) in blocks.iter().enumerate() {
        let width = 64 << stage;
        for block in 0..count {
            let stride = if block == 0 && stage > 0 { 2 } else { 1 };
            let prefix = format!("layer{}.{block}", stage + 1);
            net = if bottleneck {
                bottleneck_block(net, &prefix, width, stride, block == 0)
            } else {
                basic_block(net, &prefix, width, stride, block == 0 && stage > 0)
            };
        }
    }
    head(net, classes)
}

/// Zagoruyko & Komodakis 2016: normalisation and ReLU before each convolution, widths 16k, 32k and 64k.
///
/// The projection of a block whose shape changes reads the normalised, activated input, as theirs does.
pub(super) fn wide(
    name: &str,
    input: Shape,
    blocks: usize,
    widen: usize,
    classes: usize,
) -> Result<Arch, GraphError> {
    let mut net = ArchBuilder::new(name, input).conv("conv1", Conv2d::new(16, 3).padding(1));
    let mut width_in = 16;
    for stage in 0..3 {
        // What is too wide is refused by the convolution, which says so.
        let width = usize::saturating_mul(16 << stage, widen);
        for block in 0..blocks {
            let p = format!("layer{}.{block}", stage + 1);
            let stride = if block == 0 && stage > 0 { 2 } else { 1 };
            let before = net.last().to_owned();
            net = net.batch_norm(format!("{p}.bn1")).relu(format!("{p}.relu1"));
            let active = net.last().to_owned();
            net = net
                .conv(format!("{p}.conv1"), Conv2d::new(width, 3).stride(stride).padding(1))
                .batch_norm(format!("{p}.bn2"))
                .relu(format!("{p}.relu2"))
                .conv(format!("{p}.conv2"), Conv2d::new(width, 3).padding(1));
            let conv2 = net.last().to_owned();
            let skip = if width == width_in {
                before
            } else {
                let projection = format!("{p}.shortcut");
                net = net.from(&active).conv(&projection, Conv2d::new(width, 1).stride(stride));
                projection
            };
            net = net.add(format!("{p}.add"), &[&conv2, &skip]);
            width_in = width;
        }
    }
    head(net.batch_norm("bn").relu("relu"), classes)
}

fn stem(net: ArchBuilder, conv: Conv2d) -> ArchBuilder {
    net.conv("conv1", conv).batch_norm("bn1").relu("relu")
}

fn head(net: ArchBuilder, classes: usize) -> Result<Arch, GraphError> {
    net.avg_pool("avgpool", Pool::global()).flatten("flatten").linear("fc", classes).build()
}

/// Two 3×3 convolutions and a skip, which is a projection where the shape changes.
fn basic_block(
    net: ArchBuilder,
    prefix: &str,
    width: usize,
    stride: usize,
    project: bool,
) -> ArchBuilder {
    let before = net.last().to_owned();
    let net = net
        .conv(format!("{prefix}.conv1"), Conv2d::new(width, 3).stride(stride).padding(1))
        .batch_norm(format!("{prefix}.bn1"))
        .relu(format!("{prefix}.relu1"))
        .conv(format!("{prefix}.conv2"), Conv2d::new(width, 3).padding(1))
        .batch_norm(format!("{prefix}.bn2"));
    close(net, prefix, &before, width, stride, project)
}

/// 1×1, 3×3 and 1×1 with four times the width at the end; the stride is in the 3×3, as in torchvision.
fn bottleneck_block(
    net: ArchBuilder,
    prefix: &str,
    width: usize,
    stride: usize,
    project: bool,
) -> ArchBuilder {
    let before = net.last().to_owned();
    let net = net
        .conv(format!("{prefix}.conv1"), Conv2d::new(width, 1))
        .batch_norm(format!("{prefix}.bn1"))
        .relu(format!("{prefix}.relu1"))
        .conv(format!("{prefix}.conv2"), Conv2d::new(width, 3).stride(stride).padding(1))
        .batch_norm(format!("{prefix}.bn2"))
        .relu(format!("{prefix}.relu2"))
        .conv(format!("{prefix}.conv3"), Conv2d::new(4 * width, 1))
        .batch_norm(format!("{prefix}.bn3"));
    close(net, prefix, &before, 4 * width, stride, project)
}

/// Adds the skip to what the block computed, then ReLU.
fn close(
    net: ArchBuilder,
    prefix: &str,
    before: &str,
    width: usize,
    stride: usize,
    project: bool,
) -> ArchBuilder {
    let branch = net.last().to_owned();
    let (net, skip) = if project {
        let net = net
            .from(before)
            .conv(format!("{prefix}.downsample.0"), Conv2d::new(width, 1).stride(stride))
            .batch_norm(format!("{prefix}.downsample.1"));
        let skip = net.last().to_owned();
        (net, skip)
    } else {
        (net, before.to_owned())
    };
    net.add(format!("{prefix}.add"), &[&branch, &skip]).relu(format!("{prefix}.relu"))
}
