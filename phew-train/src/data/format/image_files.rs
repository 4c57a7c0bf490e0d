//! Folders of JPEG and PNG files, decoded to planes of bytes.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::data::images::Images;
use crate::error::{Result, TrainError};

/// What the folder holds, in the order of names, without what systems and editors leave there: names that begin with a
/// dot (`.ipynb_checkpoints`, `.DS_Store`), `__MACOSX` and `@eaDir`.
pub(in crate::data) fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    if !dir.is_dir() {
        return Err(TrainError::missing(dir, "expected a folder"));
    }
    let mut paths = std::fs::read_dir(dir)
        .and_then(|entries| entries.map(|entry| entry.map(|e| e.path())).collect())
        .map_err(TrainError::io(dir))?;
    let paths: &mut Vec<PathBuf> = &mut paths;
    let left_there = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with('.') || ["__MACOSX", "@eaDir"].contains(&&*name)
    };
    paths.retain(|path| !left_there(path));
    paths.sort_unstable();
    Ok(std::mem::take(paths))
}

/// Endings of image files that are read.
const READ: [&str; 11] =
    ["jpg", "jpeg", "png", "bmp", "gif", "pbm", "pgm", "pnm", "ppm", "webp", "jfif"];

/// Endings of image files that are not: they are refused, since leaving them out would go unseen.
const NOT_READ: [&str; 7] = ["tif", "tiff", "heic", "heif", "avif", "svg", "jp2"];

/// The image files of a folder, in the order of names; what is no image is passed over.
///
/// # Errors
/// [`TrainError::Corrupt`] for the first image of a format that is not read.
pub(in crate::data) fn image_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let ending = |path: &Path| {
        path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase()
    };
    let mut files = entries(dir)?;
    if let Some(other) = files.iter().find(|path| NOT_READ.contains(&&*ending(path))) {
        let problem = format!("a format that is not read; expected one of {}", READ.join(", "));
        return Err(TrainError::corrupt(other, problem));
    }
    files.retain(|path| READ.contains(&&*ending(path)));
    Ok(files)
}

/// Decodes all files, in parallel, to three colour planes each, and joins them in order.
///
/// Grey images are repeated on the three planes. All must have the size of the first.
pub(in crate::data) fn decode_all(files: &[(PathBuf, u16)]) -> Result<Images> {
    let Some((first, _)) = files.first() else {
        return Images::new([3, 1, 1], Vec::<u8>::new(), vec![]);
    };
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
    if is_cut_off(&bytes) {
        return Err(TrainError::corrupt(path, "the JPEG is cut off: it has no end"));
    }
    let image = image::load_from_memory(&bytes)
        .map_err(|e| TrainError::corrupt(path, format!("cannot be decoded: {e}")))?
        .into_rgb8();
    Ok((image.height() as usize, image.width() as usize, image.into_raw()))
}

/// Whether a JPEG lacks its end, which decoders fill up with grey: no end of image after the last scan.
fn is_cut_off(bytes: &[u8]) -> bool {
    let last = |marker: u8| bytes.windows(2).rposition(|pair| pair == [0xff, marker]);
    bytes.starts_with(&[0xff, 0xd8]) && last(0xd9) < last(0xda)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_formats_are_read_or_refused_and_what_systems_leave_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let image = image::RgbImage::from_pixel(3, 2, image::Rgb([9, 8, 7]));
        for name in ["a.bmp", "b.BMP", "c.ppm", "d.webp", "e.png"] {
            image.save(at(name)).unwrap();
        }
        for name in [".DS_Store", "._e.png", "Thumbs.db", "notes.txt"] {
            std::fs::write(at(name), "x").unwrap();
        }
        std::fs::create_dir(at(".ipynb_checkpoints")).unwrap();
        let files = image_files(dir.path()).unwrap();
        assert_eq!(files.len(), 5, "{files:?}");
        let labelled: Vec<(PathBuf, u16)> = files.into_iter().map(|file| (file, 0)).collect();
        let images = decode_all(&labelled).unwrap();
        assert_eq!(images.image(2), [[9_u8; 6], [8; 6], [7; 6]].concat());
        std::fs::write(at("f.tiff"), "x").unwrap();
        let error = image_files(dir.path()).unwrap_err().to_string();
        assert!(error.contains("f.tiff") && error.contains("not read"), "{error}");
    }

    #[test]
    fn a_jpeg_that_is_cut_off_is_refused_wherever_it_ends() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.jpg");
        image::RgbImage::from_fn(40, 40, |x, y| image::Rgb([x as u8 * 6, y as u8 * 6, 99]))
            .save(&path)
            .unwrap();
        let whole = std::fs::read(&path).unwrap();
        let files = [(path.clone(), 0)];
        assert!(decode_all(&files).is_ok());
        // What programs append does no harm.
        std::fs::write(&path, [&whole[..], &[0; 7]].concat()).unwrap();
        assert!(decode_all(&files).is_ok());
        for share in [0.3, 0.6, 0.9, 0.99] {
            std::fs::write(&path, &whole[..(whole.len() as f64 * share) as usize]).unwrap();
            let error = decode_all(&files).unwrap_err().to_string();
            assert!(error.contains("a.jpg"), "{error}");
        }
    }
}
