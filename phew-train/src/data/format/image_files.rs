//! Folders of image files: what of them is read, and what is left out.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::picture::{Picture, may_be_grey};
use crate::data::image_spec::{ImageSpec, convert};
use crate::data::images::Images;
use crate::error::{Result, TrainError};

/// Endings of image files that are read.
const READ: [&str; 11] =
    ["jpg", "jpeg", "png", "bmp", "gif", "pbm", "pgm", "pnm", "ppm", "webp", "jfif"];

/// Endings of image files that are not: they are refused, since leaving them out would go unseen.
const NOT_READ: [&str; 7] = ["tif", "tiff", "heic", "heif", "avif", "svg", "jp2"];

/// What systems leave in folders.
const LEFT: [&str; 5] = ["__MACOSX", "@eaDir", "Thumbs.db", "desktop.ini", "$RECYCLE.BIN"];

/// Folders within folders at most: more are links in a circle.
const DEPTH: usize = 16;

/// Files with their classes.
pub(in crate::data) type Labelled = Vec<(PathBuf, u16)>;

/// What a folder holds, in the order of names, without what systems and editors leave there: names that begin with a dot
/// (`.ipynb_checkpoints`, `.DS_Store`) or end with a tilde, `__MACOSX`, `@eaDir`, `Thumbs.db`, `desktop.ini`.
pub(in crate::data) fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    if !dir.is_dir() {
        return Err(TrainError::missing(dir, "expected a folder"));
    }
    let mut paths: Vec<PathBuf> = std::fs::read_dir(dir)
        .and_then(|entries| entries.map(|entry| entry.map(|e| e.path())).collect())
        .map_err(TrainError::io(dir))?;
    let left_there = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with('.') || name.ends_with('~') || LEFT.contains(&&*name)
    };
    paths.retain(|path| !left_there(path));
    paths.sort_unstable();
    Ok(paths)
}

/// Whether a file is an image, by its ending.
///
/// # Errors
/// [`TrainError::Corrupt`] for an image of a format that is not read.
pub(in crate::data) fn is_image(path: &Path) -> Result<bool> {
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    if NOT_READ.contains(&&*ending) {
        let problem = format!("a format that is not read; expected one of {}", READ.join(", "));
        return Err(TrainError::corrupt(path, problem));
    }
    Ok(READ.contains(&&*ending))
}

/// The image files of a folder and of the folders in it, in the order of names. What is no image is passed over and added
/// to `others`.
///
/// # Errors
/// [`TrainError::Corrupt`] for the first image of a format that is not read.
pub(in crate::data) fn image_files(dir: &Path, others: &mut Vec<PathBuf>) -> Result<Vec<PathBuf>> {
    fn walk(
        dir: &Path,
        depth: usize,
        found: &mut Vec<PathBuf>,
        others: &mut Vec<PathBuf>,
    ) -> Result<()> {
        if depth == DEPTH {
            return Err(TrainError::corrupt(dir, "folders within folders without an end"));
        }
        for path in entries(dir)? {
            if path.is_dir() {
                walk(&path, depth + 1, found, others)?;
            } else if is_image(&path)? {
                found.push(path);
            } else {
                others.push(path);
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    walk(dir, 0, &mut found, others)?;
    Ok(found)
}

/// Says how many files were left out, and names the first of them.
pub(in crate::data) fn left_out(files: &[PathBuf], why: &str) -> Option<String> {
    const NAMED: usize = 3;
    let named: Vec<String> =
        files.iter().take(NAMED).map(|path| path.display().to_string()).collect();
    let more = if files.len() > NAMED { ", …" } else { "" };
    (!files.is_empty()).then(|| format!("{} {why} ({}{more})", files.len(), named.join(", ")))
}

/// What came of files: the images to train on and to test on, and what is to be said of them.
pub(in crate::data) type Decoded = (Images, Images, Vec<String>);

/// Decodes all files, in parallel, and joins them in order. All must have the size of the first unless the
/// specification says another.
pub(in crate::data) fn decode(
    train: &Labelled,
    test: &Labelled,
    spec: &ImageSpec,
) -> Result<Decoded> {
    let all = || train.par_iter().chain(test.par_iter()).map(|(path, _)| path);
    let channels = match spec.channels {
        Some(channels) => channels,
        None if all().all(|path| may_be_grey(path)) => 1,
        None => 3,
    };
    let size = match spec.size {
        Some(size) => Some(size),
        // The first that can be read; what cannot be is refused or left out below.
        None => train.iter().find_map(|(path, _)| {
            let [_, rows, columns] = Picture::read(path).ok()?.shape;
            Some([rows, columns])
        }),
    };
    let mut damaged = Vec::new();
    let mut part = |files: &Labelled| {
        let shape = size.map_or([channels, 1, 1], |[rows, columns]| [channels, rows, columns]);
        decode_part(files, shape, spec, &mut damaged)
    };
    let (train, test) = (part(train)?, part(test)?);
    Ok((train, test, left_out(&damaged, "damaged images were left out").into_iter().collect()))
}

fn decode_part(
    files: &Labelled,
    shape: [usize; 3],
    spec: &ImageSpec,
    damaged: &mut Vec<PathBuf>,
) -> Result<Images> {
    let length = shape.iter().product::<usize>();
    let bytes = length.saturating_mul(files.len());
    let mut pixels = Vec::new();
    pixels.try_reserve_exact(bytes).map_err(|_| TrainError::Parameter {
        what: "images",
        found: format!("{} of {shape:?}", files.len()),
        expected: "as many as there is memory for".to_owned(),
    })?;
    pixels.resize(bytes, 0);
    let into = |planes: &mut [u8], path: &Path| -> Result<bool> {
        let picture = match Picture::read(path) {
            Ok(picture) => picture,
            Err(TrainError::Corrupt { .. }) if spec.skip_damaged => return Ok(false),
            Err(TrainError::Corrupt { path, problem }) => {
                let problem = format!("{problem} (--skip-damaged leaves such images out)");
                return Err(TrainError::Corrupt { path, problem });
            }
            Err(error) => return Err(error),
        };
        let [_, rows, columns] = picture.shape;
        if spec.size.is_none() && [rows, columns] != shape[1..] {
            let (wanted, first) = (format!("{}×{}", shape[1], shape[2]), files[0].0.display());
            let problem = format!(
                "{rows}×{columns} pixels, expected {wanted} as {first} has (--resize brings all images to one size)"
            );
            return Err(TrainError::corrupt(path, problem));
        }
        planes.copy_from_slice(&convert(&picture.planes, picture.shape, shape));
        Ok(true)
    };
    let whole: Vec<bool> = pixels
        .par_chunks_exact_mut(length)
        .zip(files)
        .map(|(planes, (path, _))| into(planes, path))
        .collect::<Result<_>>()?;
    let mut kept = 0;
    for (index, whole) in whole.iter().enumerate().filter(|(_, whole)| **whole) {
        debug_assert!(whole);
        pixels.copy_within(index * length..(index + 1) * length, kept * length);
        kept += 1;
    }
    pixels.truncate(kept * length);
    let labels = files.iter().zip(&whole).filter(|(_, whole)| **whole).map(|(file, _)| file.1);
    let labels: Vec<u16> = labels.collect();
    let lost =
        files.iter().zip(&whole).filter(|(_, whole)| !**whole).map(|(file, _)| file.0.clone());
    damaged.extend(lost);
    if labels.is_empty() {
        let first = files.first().map_or(Path::new("."), |(path, _)| path);
        return Err(TrainError::corrupt(first, "and all other images beside it are damaged"));
    }
    Images::new(shape, pixels, labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(files: Vec<PathBuf>, spec: &ImageSpec) -> Result<(Images, Vec<String>)> {
        let files: Labelled = files.into_iter().map(|file| (file, 0)).collect();
        decode(&files, &files, spec).map(|(train, _, notes)| (train, notes))
    }

    #[test]
    fn other_formats_are_read_or_refused_and_what_is_no_image_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let image = image::RgbImage::from_pixel(3, 2, image::Rgb([9, 8, 7]));
        std::fs::create_dir(at("inner")).unwrap();
        for name in ["a.bmp", "b.BMP", "c.ppm", "d.webp", "e.png", "inner/f.png"] {
            image.save(at(name)).unwrap();
        }
        for name in [".DS_Store", "._e.png", "Thumbs.db", "e.png~", "notes.txt"] {
            std::fs::write(at(name), "x").unwrap();
        }
        std::fs::create_dir(at(".ipynb_checkpoints")).unwrap();
        image.save(at(".ipynb_checkpoints/g.png")).unwrap();
        let mut others = Vec::new();
        let files = image_files(dir.path(), &mut others).unwrap();
        assert_eq!((files.len(), &others[..]), (6, &[at("notes.txt")][..]), "{files:?}");
        let (images, notes) = decoded(files, &ImageSpec::default()).unwrap();
        assert_eq!(images.image(2), [[9_u8; 6], [8; 6], [7; 6]].concat());
        assert!(notes.is_empty());
        std::fs::write(at("f.tiff"), "x").unwrap();
        let error = image_files(dir.path(), &mut others).unwrap_err().to_string();
        assert!(error.contains("f.tiff") && error.contains("not read"), "{error}");
    }

    #[test]
    fn damaged_images_are_refused_or_left_out_and_counted() {
        let dir = tempfile::tempdir().unwrap();
        let grey = |value| image::GrayImage::from_pixel(3, 2, image::Luma([value]));
        let mut files = Vec::new();
        for (name, value) in [("a.png", 1), ("b.png", 2), ("c.png", 3)] {
            files.push(dir.path().join(name));
            grey(value).save(&files[files.len() - 1]).unwrap();
        }
        let whole = std::fs::read(&files[1]).unwrap();
        std::fs::write(&files[1], &whole[..whole.len() / 2]).unwrap();
        let error = decoded(files.clone(), &ImageSpec::default()).unwrap_err().to_string();
        assert!(error.contains("b.png") && error.contains("--skip-damaged"), "{error}");
        let skip = ImageSpec { skip_damaged: true, ..ImageSpec::default() };
        let (images, notes) = decoded(files.clone(), &skip).unwrap();
        assert_eq!(images.shape(), [1, 2, 3], "all are grey");
        assert_eq!((images.len(), images.image(1)), (2, &[3; 6][..]));
        // To train on and to test on.
        assert!(notes[0].starts_with("2 damaged images were left out ("), "{notes:?}");
        for file in &files {
            std::fs::write(file, "no image").unwrap();
        }
        let error = decoded(files, &skip).unwrap_err().to_string();
        assert!(error.contains("are damaged"), "{error}");
    }

    #[test]
    fn sizes_are_one_or_brought_to_one() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, side| {
            let path = dir.path().join(name);
            image::RgbImage::from_pixel(side, side, image::Rgb([5, 6, 7])).save(&path).unwrap();
            path
        };
        let files = vec![put("a.png", 4), put("b.png", 6)];
        let error = decoded(files.clone(), &ImageSpec::default()).unwrap_err().to_string();
        assert!(
            error.contains("b.png: 6×6 pixels, expected 4×4") && error.contains("--resize"),
            "{error}"
        );
        let spec = ImageSpec { size: Some([3, 5]), channels: Some(1), ..ImageSpec::default() };
        let (images, _) = decoded(files, &spec).unwrap();
        assert_eq!(images.shape(), [1, 3, 5]);
        assert!(images.image(1).iter().all(|&byte| byte == 6));
    }
}
