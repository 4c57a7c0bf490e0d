//! VGG-11 to VGG-19 for small images: 3×3 convolutions with batch normalisation, one linear layer at the end or two.

use crate::arch::{Arch, ArchBuilder, Conv2d, Pool, Shape};
use crate::error::GraphError;

/// Marks a max-pooling in a list of widths.
const POOL: usize = 0;

/// Width of the hidden linear layer of the networks with two fully connected ones (Frankle et al. 2021, table 2).
pub(super) const HIDDEN: usize = 512;

/// Configurations A, B, D and E of Simonyan & Zisserman 2014, without the last pooling.
///
/// A 32×32 image is 2×2 after four poolings; the average over what is left takes the fifth one's place, as in
/// the pruning papers' programs.
pub(super) fn layers(name: &str) -> Option<&'static [usize]> {
    Some(match name {
        "vgg11" => &[64, POOL, 128, POOL, 256, 256, POOL, 512, 512, POOL, 512, 512],
        "vgg13" => &[64, 64, POOL, 128, 128, POOL, 256, 256, POOL, 512, 512, POOL, 512, 512],
        "vgg16" => {
            &[64, 64, POOL, 128, 128, POOL, 256, 256, 256, POOL, 512, 512, 512, POOL, 512, 512, 512]
        }
        "vgg19" => &[
            64, 64, POOL, 128, 128, POOL, 256, 256, 256, 256, POOL, 512, 512, 512, 512, POOL, 512,
            512, 512, 512,
        ],
        _ => return None,
    })
}

pub(super) fn build(
    name: &str,
    input: Shape,
    layers: &[usize],
    hidden: Option<usize>,
    classes: usize,
) -> Result<Arch, GraphError> {
    let mut net = ArchBuilder::new(name, input);
    // torchvision numbers the modules of one sequence: convolution, normalisation and ReLU take a number each.
    let mut module = 0;
    for &width in layers {
        if width == POOL {
            net = net.max_pool(format!("features.{module}"), Pool::new(2));
            module += 1;
        } else {
            net = net
                .conv(format!("features.{module}"), Conv2d::new(width, 3).padding(1))
                .batch_norm(format!("features.{}", module + 1))
                .relu(format!("features.{}", module + 2));
            module += 3;
        }
    }
    net = net.avg_pool("avgpool", Pool::global()).flatten("flatten");
    match hidden {
        None => net.linear("classifier", classes).build(),
        Some(width) => net
            .linear("classifier.0", width)
            .relu("classifier.1")
            .linear("classifier.2", classes)
            .build(),
    }
}
