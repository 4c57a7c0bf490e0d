//! Random changes to the images of a batch, made on the device.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use crate::error::{Result, TrainError};

/// What is done to each training image, each with random numbers of its own.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augment {
    /// Pads by so many black pixels on each side and crops back to size at a random place: a shift by up to `pad`.
    pub pad: usize,
    /// Mirrors left and right, half of the time.
    pub flip: bool,
    /// Cuts out a random part and scales it to the size of the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resized_crop: Option<ResizedCrop>,
}

/// A random part of an image.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResizedCrop {
    /// Least and greatest share of the area.
    pub scale: [f64; 2],
    /// Least and greatest ratio of width to height.
    pub ratio: [f64; 2],
}

impl Augment {
    /// Whether it leaves every image alone.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        *self == Self::default()
    }

    /// Refuses parameters that make no sense.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] naming the parameter.
    pub fn validate(&self) -> Result<()> {
        if let Some(crop) = self.resized_crop {
            let range = |[low, high]: [f64; 2]| low > 0.0 && high >= low && high.is_finite();
            if !range(crop.scale) || crop.scale[1] > 1.0 {
                return Err(TrainError::Parameter {
                    what: "resized_crop.scale",
                    found: format!("{:?}", crop.scale),
                    expected: "two numbers above 0 and up to 1, the smaller first".to_owned(),
                });
            }
            if !range(crop.ratio) {
                return Err(TrainError::Parameter {
                    what: "resized_crop.ratio",
                    found: format!("{:?}", crop.ratio),
                    expected: "two positive numbers, the smaller first".to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Changes a batch of bytes `[n, channels, rows, columns]`; the result has its shape.
    pub(super) fn apply(&self, bytes: &Tensor, rng: &mut ChaCha8Rng) -> Result<Tensor> {
        if self.is_identity() {
            return Ok(bytes.shallow_clone());
        }
        let size = bytes.size();
        let (count, rows, columns) = (size[0] as usize, size[2] as usize, size[3] as usize);
        // Drawn image by image, so that one image's numbers do not depend on which others are asked for.
        let draws: Vec<Draw> = (0..count).map(|_| self.draw(rows, columns, rng)).collect();
        let moved = self.shift_and_flip(bytes, &draws, rows, columns)?;
        if self.resized_crop.is_some() { scale_crops(&moved, &draws) } else { Ok(moved) }
    }

    fn draw(&self, rows: usize, columns: usize, rng: &mut ChaCha8Rng) -> Draw {
        let mut shift = || if self.pad > 0 { rng.random_range(0..=2 * self.pad) as i64 } else { 0 };
        let (down, right) = (shift(), shift());
        let flip = self.flip && rng.random::<bool>();
        let part = self.resized_crop.map(|crop| crop.draw(rows, columns, rng)).unwrap_or_default();
        Draw { down, right, flip, part }
    }

    /// One gather of bytes: each pixel from its row and column in the padded image.
    fn shift_and_flip(
        &self,
        bytes: &Tensor,
        draws: &[Draw],
        rows: usize,
        columns: usize,
    ) -> Result<Tensor> {
        if self.pad == 0 && !self.flip {
            return Ok(bytes.shallow_clone());
        }
        let (rows, columns, count) = (rows as i64, columns as i64, draws.len() as i64);
        let from_rows: Vec<i64> =
            draws.iter().flat_map(|d| (0..rows).map(|r| r + d.down)).collect();
        let from_columns: Vec<i64> = draws
            .iter()
            .flat_map(|d| (0..columns).map(|c| d.right + if d.flip { columns - 1 - c } else { c }))
            .collect();
        let device = bytes.device();
        let place = |values: &[i64], shape: [i64; 4]| {
            Tensor::f_from_slice(values)?.f_view(shape)?.f_to_device(device)
        };
        let images: Vec<i64> = (0..count).collect();
        let channels: Vec<i64> = (0..bytes.size()[1]).collect();
        let pad = self.pad as i64;
        let padded = bytes.f_constant_pad_nd([pad, pad, pad, pad])?;
        Ok(padded.f_index(&[
            Some(place(&images, [count, 1, 1, 1])?),
            Some(place(&channels, [1, -1, 1, 1])?),
            Some(place(&from_rows, [count, 1, rows, 1])?),
            Some(place(&from_columns, [count, 1, 1, columns])?),
        ])?)
    }
}

/// What was drawn for one image.
#[derive(Debug, Clone, Copy, Default)]
struct Draw {
    /// First row and column in the padded image.
    down: i64,
    right: i64,
    flip: bool,
    part: Part,
}

/// A part of an image: first row and column, rows, columns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Part {
    top: usize,
    left: usize,
    rows: usize,
    columns: usize,
}

impl ResizedCrop {
    /// As torchvision draws it: ten tries for a part that fits, of uniform area and log-uniform ratio, then the
    /// largest part in the middle whose ratio is allowed.
    fn draw(&self, rows: usize, columns: usize, rng: &mut ChaCha8Rng) -> Part {
        let within =
            |rng: &mut ChaCha8Rng, [low, high]: [f64; 2]| low + (high - low) * rng.random::<f64>();
        for _ in 0..10 {
            let area = (rows * columns) as f64 * within(rng, self.scale);
            let ratio = within(rng, self.ratio.map(f64::ln)).exp();
            let wide = (area * ratio).sqrt().round() as usize;
            let high = (area / ratio).sqrt().round() as usize;
            if (1..=columns).contains(&wide) && (1..=rows).contains(&high) {
                let top = rng.random_range(0..=rows - high);
                let left = rng.random_range(0..=columns - wide);
                return Part { top, left, rows: high, columns: wide };
            }
        }
        let ratio = columns as f64 / rows as f64;
        let allowed = ratio.clamp(self.ratio[0], self.ratio[1]);
        let high = if ratio < allowed { (columns as f64 / allowed).round() } else { rows as f64 };
        let wide = if ratio > allowed { (rows as f64 * allowed).round() } else { columns as f64 };
        let (high, wide) = ((high as usize).clamp(1, rows), (wide as usize).clamp(1, columns));
        Part { top: (rows - high) / 2, left: (columns - wide) / 2, rows: high, columns: wide }
    }
}

/// Scales each image's part to the size of the image: bilinear between pixel centres, nothing read from outside the
/// part. The result is in numbers, not rounded to bytes.
///
/// A part is never larger than the image, so nothing is scaled down: with or without antialiasing, which torchvision
/// applies by default, the result is the same.
fn scale_crops(bytes: &Tensor, draws: &[Draw]) -> Result<Tensor> {
    let size = bytes.size();
    // Where each output pixel reads, in libtorch's coordinates: −1 and 1 are the outer edges of the image.
    let axis = |start: usize, length: usize, whole: i64| {
        let (start, length, whole) = (start as f32, length as f32, whole as f32);
        (0..whole as usize).map(move |at| {
            let within = (at as f32 + 0.5) * length / whole - 0.5;
            let from = start + within.clamp(0.0, length - 1.0);
            (2.0 * from + 1.0) / whole - 1.0
        })
    };
    let mut grid = Vec::with_capacity(draws.len() * (size[2] * size[3]) as usize * 2);
    for Draw { part, .. } in draws {
        let columns: Vec<f32> = axis(part.left, part.columns, size[3]).collect();
        for y in axis(part.top, part.rows, size[2]) {
            grid.extend(columns.iter().flat_map(|&x| [x, y]));
        }
    }
    let grid = Tensor::f_from_slice(&grid)?
        .f_view([size[0], size[2], size[3], 2])?
        .f_to_device(bytes.device())?;
    // Bilinear, edges repeated, corners not aligned.
    Ok(bytes.f_to_kind(Kind::Float)?.f_grid_sampler_2d(&grid, 0, 1, false)?)
}

#[cfg(test)]
mod tests {
    use phew_graph::{stream, stream_key};
    use tch::Device;

    use super::*;

    fn rng(number: u64) -> ChaCha8Rng {
        stream(stream_key("test", 0), number)
    }

    /// Images whose every pixel is different from its neighbours and from 0.
    fn bytes(count: i64) -> Tensor {
        (Tensor::arange(count * 2 * 5 * 6, (Kind::Int64, Device::Cpu)).remainder(251) + 1)
            .to_kind(Kind::Uint8)
            .view([count, 2, 5, 6])
    }

    fn at(tensor: &Tensor, index: [i64; 4]) -> f64 {
        tensor.double_value(&index)
    }

    #[test]
    fn a_shift_moves_the_image_and_fills_with_black() {
        let augment = Augment { pad: 2, ..Augment::default() };
        let (images, mut random) = (bytes(40), rng(0));
        let out = augment.apply(&images, &mut random).unwrap();
        assert_eq!((out.size(), out.kind()), (images.size(), Kind::Uint8));
        // The draws are down, then right, for each image in turn.
        let mut again = rng(0);
        let mut seen = std::collections::HashSet::new();
        for image in 0..40 {
            let [down, right] = [0; 2].map(|_: i64| again.random_range(0..=4_usize) as i64 - 2);
            seen.insert((down, right));
            for (r, c) in (0..5).flat_map(|r| (0..6).map(move |c| (r, c))) {
                let (y, x) = (r + down, c + right);
                let inside = (0..5).contains(&y) && (0..6).contains(&x);
                let wanted = if inside { at(&images, [image, 1, y, x]) } else { 0.0 };
                assert!((at(&out, [image, 1, r, c]) - wanted).abs() < 0.5);
            }
        }
        assert!(seen.len() > 12, "{seen:?}");
    }

    #[test]
    fn a_flip_mirrors_whole_images_about_half_of_the_time() {
        let augment = Augment { flip: true, ..Augment::default() };
        let images = bytes(400);
        let out = augment.apply(&images, &mut rng(1)).unwrap();
        let mirrored = images.flip([3]);
        let flipped = (0..400)
            .filter(|&i| {
                let (image, out) = (images.get(i), out.get(i));
                assert!(out == image || out == mirrored.get(i));
                out != image
            })
            .count();
        // Binomial(400, 1/2): mean 200, deviation 10; 3.3 deviations either way is α = 0.001.
        assert!((167..=233).contains(&flipped), "{flipped}");
    }

    #[test]
    fn a_resized_crop_is_what_cutting_out_and_interpolating_gives() {
        let crop = ResizedCrop { scale: [0.1, 1.0], ratio: [0.8, 1.25] };
        let augment = Augment { resized_crop: Some(crop), ..Augment::default() };
        let images = bytes(50);
        let out = augment.apply(&images, &mut rng(2)).unwrap();
        let mut again = rng(2);
        for image in 0..50 {
            let part = crop.draw(5, 6, &mut again);
            let share = (part.rows * part.columns) as f64 / 30.0;
            // Rounding to whole pixels moves the area a little.
            assert!((0.03..=1.0).contains(&share), "{part:?}");
            let cut = images
                .narrow(0, image, 1)
                .narrow(2, part.top as i64, part.rows as i64)
                .narrow(3, part.left as i64, part.columns as i64)
                .to_kind(Kind::Float)
                .upsample_bilinear2d([5, 6], false, None, None);
            let antialiased = images
                .narrow(0, image, 1)
                .narrow(2, part.top as i64, part.rows as i64)
                .narrow(3, part.left as i64, part.columns as i64)
                .to_kind(Kind::Float)
                .internal_upsample_bilinear2d_aa([5, 6], false, None, None);
            for wanted in [cut, antialiased] {
                let error = (out.narrow(0, image, 1) - wanted).abs().max().double_value(&[]);
                // Single precision on values up to 251.
                assert!(error < 1e-3, "{part:?}: {error}");
            }
        }
    }

    #[test]
    fn where_no_part_fits_the_middle_is_taken() {
        let crop = ResizedCrop { scale: [1.0, 1.0], ratio: [2.0, 2.0] };
        let part = crop.draw(8, 8, &mut rng(3));
        assert_eq!(part, Part { top: 2, left: 0, rows: 4, columns: 8 });
    }

    #[test]
    fn senseless_ranges_are_refused() {
        for (scale, ratio) in [
            ([0.0, 1.0], [0.8, 1.25]),
            ([0.5, 1.5], [0.8, 1.25]),
            ([0.5, 1.0], [1.25, 0.8]),
            ([f64::NAN, 1.0], [1.0, 1.0]),
        ] {
            let crop = Some(ResizedCrop { scale, ratio });
            assert!(Augment { resized_crop: crop, ..Augment::default() }.validate().is_err());
        }
    }
}
