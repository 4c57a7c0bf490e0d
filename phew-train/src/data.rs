//! Data sets: labelled images, whatever they were read from.
//!
//! A set is one file in `sets/`, an entry of the table in `sets.rs`; what several sets have in common is in `format/`.

mod archive;
mod dataset;
mod fetch;
mod format;
mod image_spec;
mod image_transformation;
mod images;
mod numbered;
mod pixels;
mod published;
mod set;
mod sets;
mod spec;
mod subset;
mod summary;

pub use dataset::Dataset;
pub use fetch::{RemoteFile, fetch};
pub use image_spec::ImageSpec;
pub use image_transformation::{ClassTransform, class_transforms, image_transformation};
pub use images::Images;
#[cfg(feature = "torch")]
pub(crate) use numbered::Normalisation;
pub(crate) use numbered::NumberedImages;
pub use numbered::{NumberedBatch, Targets};
pub use pixels::Pixels;
pub use published::Published;
pub use set::{DrawSpec, Set};
pub use sets::digits;
pub use spec::{DataSpec, TransformSpec};
pub use subset::SubsetSpec;
pub use summary::DataSummary;
