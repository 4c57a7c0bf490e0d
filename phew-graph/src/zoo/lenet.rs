//! LeNet-5 with ReLU and max-pooling, as the pruning papers use it: 6 and 16 maps, 120 and 84 features.

use crate::arch::{Arch, ArchBuilder, Conv2d, Pool, Shape};
use crate::error::GraphError;

/// A 28×28 image is padded to 32×32 by the first convolution, as in LeCun et al. 1998.
pub(super) fn build(name: &str, input: Shape, classes: usize) -> Result<Arch, GraphError> {
    ArchBuilder::new(name, input)
        .conv("conv1", Conv2d::new(6, 5).padding(2).bias())
        .relu("relu1")
        .max_pool("pool1", Pool::new(2))
        .conv("conv2", Conv2d::new(16, 5).bias())
        .relu("relu2")
        .max_pool("pool2", Pool::new(2))
        .flatten("flatten")
        .linear("fc1", 120)
        .relu("relu3")
        .linear("fc2", 84)
        .relu("relu4")
        .linear("fc3", classes)
        .build()
}
