//! File formats that data sets come in.

pub(super) mod cifar;
pub(super) mod gzip;
pub(super) mod idx;
pub(super) mod image_files;
pub(super) mod label_table;
pub(super) mod pickle;
mod picture;
