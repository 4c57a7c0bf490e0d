//! File formats that data sets come in.

pub(super) mod cifar;
pub(super) mod idx;
pub(super) mod image_files;
