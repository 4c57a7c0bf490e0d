//! Pictures from safetensors files: masks of layers, and arrays of grey or coloured pixels.

use std::path::Path;

use anyhow::Context;
use phew_graph::ndarray::{ArrayD, Axis, Ix2, Ix3};
use phew_graph::{LayerMask, Mask, TensorFile};

use super::columns::matched;
use super::description::{ImageSource, Show};
use super::scene::Pixels;
use crate::failure::usage;

/// A picture of a tensor.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    pub(crate) tensor: String,
    pub(crate) pixels: Pixels,
    /// The mean of what is shown: of a mask its density.
    pub(crate) mean: f64,
    /// Rows and columns of what is shown, which may be more than the pixels.
    pub(crate) shape: [usize; 2],
}

/// A mask's picture has no more pixels a side; a pixel of a larger layer is the mean of a part.
const MOST: usize = 128;

/// The pictures of a file.
///
/// # Errors
/// If the file is none of its kind, or has no tensor that the source asks for.
pub(crate) fn pictures(file: &Path, source: &ImageSource) -> anyhow::Result<Vec<Picture>> {
    let shown = |name: &str| {
        let fits = |pattern: &String| pattern == name || matched(pattern, name).is_some();
        source.tensors.is_empty() || source.tensors.iter().any(fits)
    };
    let mut found = match source.show {
        Show::Masks => {
            let (mask, _) = Mask::load(file)?;
            let layers = mask.layers().iter().filter(|layer| shown(layer.name()));
            layers.map(pattern).collect::<Vec<_>>()
        }
        Show::Pictures => {
            let tensors = TensorFile::open(file)?;
            let mut found = Vec::new();
            for name in tensors.names().into_iter().filter(|name| shown(name)) {
                let array = tensors.array(&name)?;
                let pictures = split(&name, &array).with_context(|| file.display().to_string())?;
                found.extend(pictures);
            }
            found
        }
    };
    if let Some(limit) = source.limit {
        found.truncate(limit);
    }
    if found.is_empty() {
        let asked = source.tensors.join(", ");
        return Err(usage(format!("{}: has no tensor of `{asked}`", file.display())));
    }
    Ok(found)
}

/// The picture of a layer's mask: a row for each output unit, a column for each weight that enters it.
fn pattern(layer: &LayerMask) -> Picture {
    let rows = layer.shape().first().copied().unwrap_or(1).max(1);
    let columns = (layer.len() / rows).max(1);
    let kept = |row: usize, column: usize| f64::from(u8::from(layer.get(row * columns + column)));
    Picture {
        tensor: layer.name().to_owned(),
        pixels: reduced([rows, columns], kept),
        mean: layer.kept() as f64 / layer.len().max(1) as f64,
        shape: [rows, columns],
    }
}

/// Dark where the values are great: each pixel is the mean of its part.
fn reduced([rows, columns]: [usize; 2], value: impl Fn(usize, usize) -> f64) -> Pixels {
    let (height, width) = (rows.min(MOST), columns.min(MOST));
    let mut rgb = Vec::with_capacity(3 * height * width);
    let part = |place: usize, pixels: usize, all: usize| {
        place * all / pixels..((place + 1) * all / pixels).max(place * all / pixels + 1)
    };
    for y in 0..height {
        for x in 0..width {
            let (ys, xs) = (part(y, height, rows), part(x, width, columns));
            let count = (ys.len() * xs.len()) as f64;
            let sum: f64 =
                ys.flat_map(|y| xs.clone().map(move |x| (y, x))).map(|(y, x)| value(y, x)).sum();
            rgb.extend([grey(1.0 - sum / count); 3]);
        }
    }
    Pixels { width, height, rgb }
}

fn grey(value: f64) -> u8 {
    (255.0 * value.clamp(0.0, 1.0)).round() as u8
}

/// The pictures of an array: `[h, w]`, `[n, h, w]` or `[n, channels, h, w]` with 1 or 3 channels.
fn split(name: &str, array: &ArrayD<f32>) -> anyhow::Result<Vec<Picture>> {
    let wrong = || {
        usage(format!(
            "tensor `{name}` is {:?}, expected [height, width], [n, height, width] or [n, 1 or 3, height, width]",
            array.shape()
        ))
    };
    match array.ndim() {
        2 => Ok(vec![picture(name, array.view().insert_axis(Axis(0)).into_dimensionality()?)]),
        3 => array
            .axis_iter(Axis(0))
            .map(|one| Ok(picture(name, one.into_dimensionality::<Ix2>()?.insert_axis(Axis(0)))))
            .collect(),
        4 if matches!(array.shape()[1], 1 | 3) => array
            .axis_iter(Axis(0))
            .map(|one| Ok(picture(name, one.into_dimensionality::<Ix3>()?)))
            .collect(),
        _ => Err(wrong()),
    }
}

/// A picture of one or three channels.
fn picture(name: &str, array: phew_graph::ndarray::ArrayView3<'_, f32>) -> Picture {
    let (channels, height, width) = array.dim();
    let mut rgb = Vec::with_capacity(3 * height * width);
    for y in 0..height {
        for x in 0..width {
            rgb.extend(
                [0, 1, 2].map(|c: usize| grey(f64::from(array[[c.min(channels - 1), y, x]]))),
            );
        }
    }
    let sum: f64 = array.iter().map(|value| f64::from(*value)).sum();
    let (pixels, mean) = (Pixels { width, height, rgb }, sum / array.len().max(1) as f64);
    Picture { tensor: name.to_owned(), pixels, mean, shape: [height, width] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_of_a_large_layer_is_the_mean_of_its_part() {
        let pixels =
            reduced([2, 256], |row, column| if row == 0 && column % 2 == 0 { 1.0 } else { 0.0 });
        assert_eq!((pixels.width, pixels.height), (128, 2));
        assert_eq!((pixels.rgb[0], pixels.rgb[3 * 128]), (128, 255));
        let pixels = reduced([1, 2], |_, column| column as f64);
        assert_eq!(pixels.rgb, [255, 255, 255, 0, 0, 0]);
    }

    #[test]
    fn arrays_are_split_into_pictures() {
        let pictures = split("a", &ArrayD::zeros(vec![2, 3, 4, 5])).unwrap();
        assert_eq!((pictures.len(), pictures[0].shape), (2, [4, 5]));
        assert_eq!(split("a", &ArrayD::ones(vec![4, 5])).unwrap()[0].pixels.rgb[0], 255);
        let error = split("a", &ArrayD::zeros(vec![2, 2, 4, 5])).unwrap_err().to_string();
        assert!(error.contains("[2, 2, 4, 5]"), "{error}");
    }
}
