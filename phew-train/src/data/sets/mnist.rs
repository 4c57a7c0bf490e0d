//! MNIST.

use std::path::Path;

use crate::data::dataset::Dataset;
use crate::data::format::idx;
use crate::data::image_spec::ImageSpec;
use crate::data::published::Published;
use crate::data::set::{Entry, Set, Source};
use crate::error::Result;

impl Set {
    /// MNIST, from its four IDX files, each gzipped (`….gz`) or not.
    pub const MNIST: Self = Self::new(&Entry {
        name: "mnist",
        description: "handwritten digits, 28×28 grey, 10 classes",
        image_files: false,
        source: Source::Files {
            load,
            folder: "mnist",
            published: Some(Published {
                train: 60_000,
                test: 10_000,
                classes: 10,
                mirrors: &[
                    "http://yann.lecun.com/exdb/mnist",
                    "https://ossci-datasets.s3.amazonaws.com/mnist",
                    "https://storage.googleapis.com/cvdf-datasets/mnist",
                ],
                // Sums that several public loaders agree on.
                files: &[
                    (
                        "train-images-idx3-ubyte.gz",
                        9_912_422,
                        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                    ),
                    (
                        "train-labels-idx1-ubyte.gz",
                        28_881,
                        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                    ),
                    (
                        "t10k-images-idx3-ubyte.gz",
                        1_648_877,
                        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                    ),
                    (
                        "t10k-labels-idx1-ubyte.gz",
                        4_542,
                        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                    ),
                ],
                unpacks_to: None,
            }),
        },
    });
}

fn load(dir: &Path, _: &ImageSpec) -> Result<Dataset> {
    let [train, test] = ["train", "t10k"].map(|part| idx::images(dir, part, "mnist"));
    Dataset::new("MNIST", (0..10).map(|digit| digit.to_string()).collect(), train?, test?)
}
