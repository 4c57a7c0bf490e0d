//! JPEG and PNG files to planes of bytes.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::Images;
use crate::error::{Result, TrainError};

/// Decodes all files, in parallel, to three colour planes each, and joins them in order.
///
/// Grey images are repeated on the three planes. All must have the size of the first.
pub(super) fn decode_all(files: &[(PathBuf, u16)]) -> Result<Images> {
    let Some((first, _)) = files.first() else { return Images::new([3, 1, 1], vec![], vec![]) };
    let (rows, columns, _) = decode(first)?;
    let plane = rows * columns;
    let mut pixels = vec![0; 3 * plane * files.len()];
    pixels.par_chunks_exact_mut(3 * plane).zip(files).try_for_each(|(planes, (path, _))| {
        let (r, c, rgb) = decode(path)?;
        if (r, c) != (rows, columns) {
            let problem = format!(
                "{r}×{c} pixels, expected {rows}×{columns} as {} has; bring all images to one size first",
                first.display()
            );
            return Err(TrainError::corrupt(path, problem));
        }
        for (at, colour) in rgb.chunks_exact(3).enumerate() {
            for (channel, &byte) in colour.iter().enumerate() {
                planes[channel * plane + at] = byte;
            }
        }
        Ok(())
    })?;
    let labels = files.iter().map(|&(_, label)| label).collect();
    Images::new([3, rows, columns], pixels, labels)
}

/// Rows, columns and interleaved RGB bytes.
fn decode(path: &Path) -> Result<(usize, usize, Vec<u8>)> {
    let bytes = std::fs::read(path).map_err(TrainError::io(path))?;
    let image = image::load_from_memory(&bytes)
        .map_err(|e| TrainError::corrupt(path, format!("cannot be decoded: {e}")))?
        .into_rgb8();
    Ok((image.height() as usize, image.width() as usize, image.into_raw()))
}
