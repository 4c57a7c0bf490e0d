//! The networks of `reference`.

use phew_graph::{Arch, ArchBuilder, Conv2d, Pool, Shape};

/// The networks of `reference`, as its description has them.
pub(crate) fn reference(name: &str) -> Arch {
    let image = Shape::Image { channels: 3, height: 8, width: 8 };
    let conv = |out| Conv2d::new(out, 3).padding(1);
    match name {
        "mlp" => ArchBuilder::new(name, Shape::Features(12))
            .linear_unbiased("fc1", 16)
            .relu("relu1")
            .linear_unbiased("fc2", 16)
            .relu("relu2")
            .linear_unbiased("fc3", 8),
        "conv" => ArchBuilder::new(name, image)
            .conv("conv1", conv(6))
            .batch_norm("bn1")
            .relu("relu1")
            .conv("conv2", conv(8))
            .batch_norm("bn2")
            .relu("relu2")
            .max_pool("pool", Pool::new(2))
            .conv("conv3", conv(8))
            .batch_norm("bn3")
            .relu("relu3")
            .avg_pool("average", Pool::new(4))
            .flatten("flatten")
            .linear_unbiased("fc", 5),
        _ => ArchBuilder::new(name, image)
            .conv("conv1", conv(4))
            .batch_norm("bn1")
            .relu("relu1")
            .conv("block1_conv1", conv(4))
            .batch_norm("block1_bn1")
            .relu("block1_relu1")
            .conv("block1_conv2", conv(4))
            .batch_norm("block1_bn2")
            .add("block1_add", &["block1_bn2", "relu1"])
            .relu("block1_relu2")
            .conv("block2_conv1", conv(8).stride(2))
            .batch_norm("block2_bn1")
            .relu("block2_relu1")
            .conv("block2_conv2", conv(8))
            .batch_norm("block2_bn2")
            .from("block1_relu2")
            .conv("block2_proj", Conv2d::new(8, 1).stride(2))
            .batch_norm("block2_bn3")
            .add("block2_add", &["block2_bn2", "block2_bn3"])
            .relu("block2_relu2")
            .avg_pool("average", Pool::new(4))
            .flatten("flatten")
            .linear_unbiased("fc", 5),
    }
    .build()
    .unwrap()
}
