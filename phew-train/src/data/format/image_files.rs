//! Folders of JPEG and PNG files, decoded to planes of bytes.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::data::images::Images;
use crate::error::{Result, TrainError};

/// What the folder holds, in the order of names.
pub(in crate::data) fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    if !dir.is_dir() {
        return Err(TrainError::missing(dir, "expected a folder"));
    }
    let mut paths = std::fs::read_dir(dir)
        .and_then(|entries| entries.map(|entry| entry.map(|e| e.path())).collect())
        .map_err(TrainError::io(dir))?;
    let paths: &mut Vec<PathBuf> = &mut paths;
    paths.sort_unstable();
    Ok(std::mem::take(paths))
}

/// The JPEG and PNG files of a folder, in the order of names.
pub(in crate::data) fn image_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = entries(dir)?;
    files.retain(|path| {
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        ["jpg", "jpeg", "png"].contains(&extension.to_ascii_lowercase().as_str())
    });
    Ok(files)
}

/// Decodes all files, in parallel, to three colour planes each, and joins them in order.
///
/// Grey images are repeated on the three planes. All must have the size of the first.
pub(in crate::data) fn decode_all(files: &[(PathBuf, u16)]) -> Result<Images> {
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
