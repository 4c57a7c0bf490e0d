//! Images as the numbers that a network reads.

use phew_graph::ndarray::Array2;

use super::images::Images;

/// What turns a scalar of an image into a normalised number: `scalar · scale + shift`, of each channel.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Normalisation {
    pub(crate) scale: Vec<f32>,
    pub(crate) shift: Vec<f32>,
}

impl Normalisation {
    /// That by the given mean and deviation of each channel.
    ///
    /// # Panics
    /// If there are not as many statistics as channels.
    pub(crate) fn new(images: &Images, statistics: &[(f64, f64)]) -> Self {
        let channels = images.shape()[0];
        assert_eq!(statistics.len(), channels, "one mean and deviation for each channel");
        // A channel that never varies carries nothing: it is only centred.
        let deviation = |d: f64| if d > 0.0 { d } else { 1.0 };
        let unit = images.pixels().unit();
        let scale = statistics.iter().map(|(_, d)| (1.0 / (unit * deviation(*d))) as f32);
        let shift = statistics.iter().map(|(mean, d)| (-mean / deviation(*d)) as f32);
        Self { scale: scale.collect(), shift: shift.collect() }
    }
}

/// Images that are normalised as they are asked for.
#[derive(Debug)]
pub(crate) struct NumberedImages<'i> {
    images: &'i Images,
    normalisation: Normalisation,
}

/// Some images as arrays, and what a network should make of them.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberedBatch {
    /// Normalised, `[n, scalars of an image]`.
    pub inputs: Array2<f32>,
    /// Of each image.
    pub targets: Targets,
}

/// What a network should make of images.
#[derive(Debug, Clone, PartialEq)]
pub enum Targets {
    /// The class of each.
    Classes(Vec<u16>),
    /// Numbers, `[n, outputs]`.
    Numbers(Array2<f32>),
}

impl<'i> NumberedImages<'i> {
    /// To be normalised by the given mean and deviation of each channel.
    ///
    /// # Panics
    /// If there are not as many statistics as channels.
    pub(crate) fn new(images: &'i Images, statistics: &[(f64, f64)]) -> Self {
        Self { images, normalisation: Normalisation::new(images, statistics) }
    }

    /// The images at these indices.
    ///
    /// # Panics
    /// If an index is not below the number of images.
    pub(crate) fn batch(&self, indices: &[usize]) -> NumberedBatch {
        let Self { images, normalisation: Normalisation { scale, shift } } = self;
        let [_, rows, columns] = images.shape();
        let (size, pixels) = (images.image_len(), images.pixels());
        let inputs = Array2::from_shape_fn((indices.len(), size), |(row, at)| {
            let channel = at / (rows * columns);
            pixels.scalar(indices[row] * size + at) * scale[channel] + shift[channel]
        });
        let targets = match (images.targets(), images.target_len()) {
            (Some(targets), Some(size)) => {
                let numbers = indices.iter().flat_map(|&index| targets.numbers_at(size, index));
                let numbers = Array2::from_shape_vec((indices.len(), size), numbers.collect());
                Targets::Numbers(numbers.unwrap_or_else(|e| unreachable!("{size} each: {e}")))
            }
            _ => Targets::Classes(indices.iter().map(|&index| images.labels()[index]).collect()),
        };
        NumberedBatch { inputs, targets }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_numbers_of_mean_zero_and_deviation_one() {
        let images = Images::new([2, 1, 2], vec![0, 255, 51, 51, 255, 0, 51, 51], vec![3, 1]);
        let images = images.unwrap();
        let batch = NumberedImages::new(&images, &images.channel_statistics()).batch(&[1, 0]);
        let wanted = [1.0, -1.0, 0.0, 0.0, -1.0, 1.0, 0.0, 0.0];
        for (value, wanted) in batch.inputs.iter().zip(wanted) {
            assert!((value - wanted).abs() < 1e-6, "{:?}", batch.inputs);
        }
        assert_eq!(batch.targets, Targets::Classes(vec![1, 3]));
    }

    #[test]
    fn targets_are_the_numbers_that_bytes_stand_for() {
        let images = Images::new([1, 1, 2], vec![1, 2, 3, 4], vec![0, 0]).unwrap();
        let images = images.with_targets(vec![0, 255, 51, 102]).unwrap();
        let batch = NumberedImages::new(&images, &[(0.0, 1.0)]).batch(&[1]);
        let Targets::Numbers(numbers) = batch.targets else { panic!("numbers") };
        assert_eq!(numbers, Array2::from_shape_vec((1, 2), vec![0.2, 0.4]).unwrap());
    }
}
