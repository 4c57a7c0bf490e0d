//! How images are read where that is to be otherwise than as they lie: channels, size, damaged files, normalisation.

use image::GrayImage;
use image::imageops::{FilterType, resize};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::images::Images;
use super::pixels::Pixels;
use crate::error::{Result, TrainError};

/// What is to be made of the images of a set.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageSpec {
    /// Channels: 1 makes grey of colours as ITU-R 601 weighs them, 3 repeats grey. By default as the files have them: of
    /// image files 1 if all are grey, else 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<usize>,
    /// Rows and columns that every image is brought to, by linear interpolation; by default all must have one size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<[usize; 2]>,
    /// Whether image files that are damaged are left out; by default they are refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skip_damaged: bool,
    /// Mean of each channel that normalisation takes off, of pixels from 0 to 1; by default that of the training images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<Vec<f64>>,
    /// Deviation of each channel that it divides by, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deviation: Option<Vec<f64>>,
}

/// Rows or columns at most.
const MAX_SIDE: usize = 1 << 14;

impl ImageSpec {
    /// Whether everything is as usual.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Refuses what makes no sense for any set.
    pub(super) fn validate(&self) -> Result<()> {
        let wrong = |what, found: String, expected: &str| {
            Err(TrainError::Parameter { what, found, expected: expected.to_owned() })
        };
        if let Some(channels) = self.channels.filter(|channels| ![1, 3].contains(channels)) {
            return wrong("channels", channels.to_string(), "1 or 3");
        }
        if let Some([rows, columns]) = self.size
            && [rows, columns].iter().any(|side| !(1..=MAX_SIDE).contains(side))
        {
            return wrong("size", format!("{rows}x{columns}"), "sides of 1 to 16384");
        }
        if let Some(mean) = self.mean.iter().flatten().find(|mean| !mean.is_finite()) {
            return wrong("mean", mean.to_string(), "finite numbers");
        }
        let bad = |deviation: &&f64| !(**deviation > 0.0 && deviation.is_finite());
        if let Some(deviation) = self.deviation.iter().flatten().find(bad) {
            return wrong("deviation", deviation.to_string(), "positive numbers");
        }
        Ok(())
    }

    /// Mean and deviation of each channel: the given ones, and where there are none those of the images.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] if there are not as many as channels.
    pub(super) fn statistics(&self, images: &Images) -> Result<Option<Vec<(f64, f64)>>> {
        if self.mean.is_none() && self.deviation.is_none() {
            return Ok(None);
        }
        let channels = images.shape()[0];
        for (what, given) in [("mean", &self.mean), ("deviation", &self.deviation)] {
            if let Some(given) = given.as_ref().filter(|given| given.len() != channels) {
                let (found, expected) = (
                    format!("{} numbers", given.len()),
                    format!("{channels}, one for each channel"),
                );
                return Err(TrainError::Parameter { what, found, expected });
            }
        }
        let own = images.channel_statistics();
        let of = |given: &Option<Vec<f64>>, channel: usize, own: f64| {
            given.as_ref().map_or(own, |given| given[channel])
        };
        let pair = |(channel, (mean, deviation)): (usize, (f64, f64))| {
            (of(&self.mean, channel, mean), of(&self.deviation, channel, deviation))
        };
        Ok(Some(own.into_iter().enumerate().map(pair).collect()))
    }

    /// The images with the channels and the size that are asked for.
    pub(super) fn converted(&self, images: Images) -> Result<Images> {
        let shape = images.shape();
        let channels = self.channels.unwrap_or(shape[0]);
        let size = self.size.unwrap_or([shape[1], shape[2]]);
        let wanted = [channels, size[0], size[1]];
        let Some(bytes) = images.pixels().bytes().filter(|_| wanted != shape) else {
            return Ok(images);
        };
        let length = images.image_len();
        let pixels: Vec<u8> = bytes
            .par_chunks_exact(length)
            .flat_map_iter(|image| convert(image, shape, wanted))
            .collect();
        Images::new(wanted, Pixels::from(pixels), images.labels().to_vec())
    }
}

/// The planes of an image with other channels and another size.
pub(super) fn convert(planes: &[u8], shape: [usize; 3], wanted: [usize; 3]) -> Vec<u8> {
    let [channels, rows, columns] = shape;
    let coloured = match (channels, wanted[0]) {
        (1, 3) => planes.repeat(3),
        (3, 1) => grey(planes, rows * columns),
        _ => planes.to_vec(),
    };
    if [rows, columns] == wanted[1..] {
        return coloured;
    }
    let size = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
    let plane = |bytes: &[u8]| {
        let plane = GrayImage::from_raw(size(columns), size(rows), bytes.to_vec())?;
        Some(resize(&plane, size(wanted[2]), size(wanted[1]), FilterType::Triangle).into_raw())
    };
    coloured.chunks_exact(rows * columns).filter_map(plane).flatten().collect()
}

/// Grey of three planes: ITU-R 601 in 16 bits, rounded, as Pillow's `convert("L")`.
fn grey(planes: &[u8], plane: usize) -> Vec<u8> {
    const WEIGHTS: [u32; 3] = [19_595, 38_470, 7_471];
    let weighed = |at: usize| {
        let sum =
            |(channel, weight): (usize, u32)| weight * u32::from(planes[channel * plane + at]);
        WEIGHTS.into_iter().enumerate().map(sum).sum::<u32>()
    };
    (0..plane).map(|at| ((weighed(at) + (1 << 15)) >> 16) as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(shape: [usize; 3], pixels: Vec<u8>) -> Images {
        Images::new(shape, pixels, vec![0]).unwrap()
    }

    #[test]
    fn colours_become_grey_as_pillow_makes_them_and_grey_is_repeated() {
        // Pillow gives 76, 150 and 29 for the pure colours, and any grey itself.
        let colours = images([3, 1, 4], vec![255, 0, 0, 7, 0, 255, 0, 7, 0, 0, 255, 7]);
        let spec = |channels| ImageSpec { channels: Some(channels), ..ImageSpec::default() };
        let one = spec(1).converted(colours.clone()).unwrap();
        assert_eq!((one.shape(), one.image(0)), ([1, 1, 4], &[76, 150, 29, 7][..]));
        let three = spec(3).converted(one.clone()).unwrap();
        assert_eq!(three.image(0), [one.image(0); 3].concat());
        assert_eq!(spec(3).converted(colours.clone()).unwrap(), colours);
        assert!(spec(2).validate().is_err());
    }

    #[test]
    fn every_plane_is_brought_to_the_size() {
        let spec = ImageSpec { size: Some([2, 4]), ..ImageSpec::default() };
        let flat = [vec![9; 6], vec![200; 6], vec![0; 6]].concat();
        let resized = spec.converted(images([3, 2, 3], flat)).unwrap();
        assert_eq!(resized.shape(), [3, 2, 4]);
        assert_eq!(resized.image(0), [vec![9; 8], vec![200; 8], vec![0; 8]].concat());
        // Halved, a triangle of width two: the mean of the neighbours, with the edge's weight falling to the inside.
        let spec = ImageSpec { size: Some([1, 1]), ..ImageSpec::default() };
        let half = spec.converted(images([1, 2, 2], vec![0, 100, 0, 100])).unwrap();
        assert_eq!(half.image(0), [50]);
        let wrong = ImageSpec { size: Some([0, 5]), ..ImageSpec::default() };
        assert!(wrong.validate().unwrap_err().to_string().contains("0x5"));
    }

    #[test]
    fn given_statistics_replace_those_of_the_images() {
        let two = images([1, 1, 2], vec![0, 255]);
        let of = |mean: Option<f64>, deviation: Option<f64>| {
            let (mean, deviation) = (mean.map(|m| vec![m]), deviation.map(|d| vec![d]));
            ImageSpec { mean, deviation, ..ImageSpec::default() }.statistics(&two).unwrap()
        };
        assert_eq!(of(None, None), None);
        assert_eq!(of(Some(0.1), None), Some(vec![(0.1, 0.5)]));
        assert_eq!(of(Some(0.1), Some(0.3)), Some(vec![(0.1, 0.3)]));
        let three = ImageSpec { mean: Some(vec![0.1; 3]), ..ImageSpec::default() };
        let error = three.statistics(&two).unwrap_err().to_string();
        assert_eq!(error, "mean: found 3 numbers, expected 1, one for each channel");
        for wrong in [0.0, -1.0, f64::NAN] {
            let spec = ImageSpec { deviation: Some(vec![wrong]), ..ImageSpec::default() };
            assert!(spec.validate().is_err(), "{wrong}");
        }
    }
}
