//! Everything of phew that needs libtorch or data.

mod data;
mod doctor;
mod error;

pub use data::{
    ClassTransform, Dataset, Images, Published, RemoteFile, cifar10, cifar100, class_transforms,
    digits, fashion_mnist, fetch, image_folder, image_transformation, mnist, mnist_test_split,
    tiny_imagenet,
};
pub use doctor::{Cuda, Hidden, Libtorch, libtorch};
pub use error::TrainError;
