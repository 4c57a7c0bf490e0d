//! Fashion-MNIST.

use std::path::Path;

use crate::data::dataset::Dataset;
use crate::data::format::idx;
use crate::data::image_spec::ImageSpec;
use crate::data::published::Published;
use crate::data::set::{Entry, Set, Source};
use crate::error::Result;

impl Set {
    /// Fashion-MNIST, from its four IDX files, each gzipped (`….gz`) or not.
    pub const FASHION_MNIST: Self = Self::new(&Entry {
        name: "fashion-mnist",
        description: "clothing, 28×28 grey, 10 classes",
        image_files: false,
        source: Source::Files {
            load,
            folder: "fashion-mnist",
            published: Some(Published {
                train: 60_000,
                test: 10_000,
                classes: 10,
                mirrors: &[
                    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
                    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion",
                ],
                // Sums of the files whose MD5 sums the authors publish.
                files: &[
                    (
                        "train-images-idx3-ubyte.gz",
                        26_421_880,
                        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                    ),
                    (
                        "train-labels-idx1-ubyte.gz",
                        29_515,
                        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                    ),
                    (
                        "t10k-images-idx3-ubyte.gz",
                        4_422_102,
                        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                    ),
                    (
                        "t10k-labels-idx1-ubyte.gz",
                        5_148,
                        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                    ),
                ],
                unpacks_to: None,
            }),
        },
    });
}

const CLASSES: [&str; 10] = [
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
];

fn load(dir: &Path, _: &ImageSpec) -> Result<Dataset> {
    let [train, test] = ["train", "t10k"].map(|part| idx::images(dir, part, "fashion-mnist"));
    Dataset::new("Fashion-MNIST", CLASSES.map(str::to_owned).to_vec(), train?, test?)
}
