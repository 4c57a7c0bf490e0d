//! Everything of phew that needs libtorch or data.

mod data;
mod doctor;
mod error;

pub use data::{
    Dataset, Images, cifar10, cifar100, fashion_mnist, image_folder, mnist, mnist_test_split,
    tiny_imagenet,
};
pub use doctor::{Cuda, Hidden, Libtorch, libtorch};
pub use error::TrainError;
