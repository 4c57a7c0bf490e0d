//! Built-in digits: drawn from strokes with jitter and noise, so that a demonstration needs no files.

mod glyphs;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::data::dataset::Dataset;
use crate::data::images::Images;
use crate::data::set::{Entry, Set, Source};
use crate::error::Result;
use glyphs::{Point, strokes};

impl Set {
    /// The built-in digits: see [`digits`].
    pub const DIGITS: Self = Self::new(&Entry {
        name: "digits",
        description: "built in: digits drawn from strokes, 28×28 grey, 10 classes",
        image_files: false,
        source: Source::Drawn(|draw| digits(draw.train, draw.test, draw.seed)),
    });
}

const SIDE: usize = 28;
/// Pixels of one unit of the strokes' square: a digit is 18 pixels tall before jitter.
const SCALE: f32 = 9.0;

/// Synthetic handwritten digits, 28×28 grey, ten classes in turn.
///
/// Each image draws its digit's strokes through a random affine map (stretch, slant, shift), with every corner
/// moved a little, a random pen width and brightness, and noise on every pixel. Image `i` depends on `seed` and `i`
/// alone, and on no platform's mathematical library: the same seed gives the same bytes anywhere, and a larger
/// set begins with the smaller.
///
/// # Errors
/// [`TrainError::Parameter`](crate::TrainError::Parameter) if `train` or `test` is zero.
///
/// # Examples
/// ```
/// let set = phew_train::digits(20, 10, 0)?;
/// assert_eq!(set.train.shape(), [1, 28, 28]);
/// assert_eq!(set.test.labels(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
/// # Ok::<(), phew_train::TrainError>(())
/// ```
pub fn digits(train: usize, test: usize, seed: u64) -> Result<Dataset> {
    let classes = (0..10).map(|digit| digit.to_string()).collect();
    // Even streams for training, odd ones for testing.
    Dataset::new("built-in digits", classes, images(train, seed, 0)?, images(test, seed, 1)?)
}

fn images(count: usize, seed: u64, parity: u64) -> Result<Images> {
    let label = |index: usize| (index % 10) as u16;
    let mut pixels = vec![0; count * SIDE * SIDE];
    pixels.par_chunks_exact_mut(SIDE * SIDE).enumerate().for_each(|(index, image)| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(2 * index as u64 + parity);
        draw(label(index), &mut rng, image);
    });
    Images::new([1, SIDE, SIDE], pixels, (0..count).map(label).collect())
}

/// Draws one digit.
fn draw(digit: u16, rng: &mut ChaCha8Rng, image: &mut [u8]) {
    let mut jitter = |size: f32| size * (2.0 * rng.random::<f32>() - 1.0);
    let stretch = [1.0 + jitter(0.25), 1.0 + jitter(0.2)];
    let slant = [jitter(0.45), jitter(0.25)];
    let middle = (SIDE as f32 - 1.0) / 2.0;
    let shift = [middle + jitter(3.0), middle + jitter(3.0)];
    let radius = 1.1 + jitter(0.5);
    let brightness = 215.0 + jitter(40.0);
    let mut place = |[x, y]: Point| -> Point {
        let (x, y) = (SCALE * (x + jitter(0.1)), SCALE * (y + jitter(0.1)));
        [stretch[0] * x + slant[0] * y + shift[0], slant[1] * x + stretch[1] * y + shift[1]]
    };
    let segments: Vec<[Point; 2]> = strokes(digit)
        .into_iter()
        .flat_map(|stroke| {
            let points: Vec<Point> = stroke.into_iter().map(&mut place).collect();
            points.windows(2).map(|pair| [pair[0], pair[1]]).collect::<Vec<_>>()
        })
        .collect();
    for (at, pixel) in image.iter_mut().enumerate() {
        let centre = [(at % SIDE) as f32, (at / SIDE) as f32];
        let nearest =
            segments.iter().map(|s| square_distance(centre, *s)).fold(f32::INFINITY, f32::min);
        let ink = (radius + 0.5 - nearest.sqrt()).clamp(0.0, 1.0);
        // Triangular noise of about ±30 levels.
        let noise = 60.0 * (rng.random::<f32>() - rng.random::<f32>());
        *pixel = (brightness * ink + noise).clamp(0.0, 255.0) as u8;
    }
}

/// Square of the distance from a point to a segment.
fn square_distance(p: Point, [a, b]: [Point; 2]) -> f32 {
    let along = [b[0] - a[0], b[1] - a[1]];
    let to = [p[0] - a[0], p[1] - a[1]];
    let length = along[0] * along[0] + along[1] * along[1];
    let share = if length > 0.0 {
        ((to[0] * along[0] + to[1] * along[1]) / length).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let off = [to[0] - share * along[0], to[1] - share * along[1]];
    off[0] * off[0] + off[1] * off[1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_to_a_segment_is_that_to_its_nearest_point() {
        let segment = [[0.0, 0.0], [4.0, 0.0]];
        let cases = [([2.0, 3.0], 9.0), ([7.0, 4.0], 25.0), ([-3.0, 0.0], 9.0)];
        for (point, wanted) in cases {
            assert!((square_distance(point, segment) - wanted).abs() < 1e-6);
        }
        assert!((square_distance([1.0, 1.0], [[0.0, 0.0]; 2]) - 2.0).abs() < 1e-6);
    }

    #[test]
    fn a_larger_set_begins_with_the_smaller_and_another_seed_differs() {
        let (small, large) = (digits(30, 10, 5).unwrap(), digits(50, 20, 5).unwrap());
        let bytes = |images: &Images| images.pixels().bytes().unwrap().to_vec();
        assert_eq!(bytes(&small.train), bytes(&large.train)[..30 * 784]);
        assert_eq!(bytes(&small.test), bytes(&large.test)[..10 * 784]);
        assert_ne!(small.train.image(0), small.test.image(0));
        assert_ne!(small.train.image(0), digits(30, 10, 6).unwrap().train.image(0));
    }

    #[test]
    fn the_bytes_of_a_seed_never_change() {
        let set = digits(100, 50, 0).unwrap();
        // FNV-1a, 64 bits.
        let sum = |images: &Images| {
            images
                .pixels()
                .bytes()
                .unwrap()
                .iter()
                .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
                    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
                })
        };
        assert_eq!(
            (sum(&set.train), sum(&set.test)),
            (435_615_968_650_458_203, 7_605_792_827_119_387_666)
        );
    }

    #[test]
    fn a_nearest_mean_classifier_tells_the_digits_apart_but_not_perfectly() {
        let set = digits(2000, 500, 1).unwrap();
        let mut means = vec![vec![0_f64; 784]; 10];
        for (index, &label) in set.train.labels().iter().enumerate() {
            for (mean, &pixel) in means[usize::from(label)].iter_mut().zip(set.train.image(index)) {
                *mean += f64::from(pixel) / 200.0;
            }
        }
        let right = (0..set.test.len())
            .filter(|&index| {
                let distance = |mean: &[f64]| -> f64 {
                    let image = set.test.image(index).iter();
                    image.zip(mean).map(|(&p, m)| (f64::from(p) - m).powi(2)).sum()
                };
                let nearest = (0..10_usize)
                    .min_by(|&a, &b| distance(&means[a]).total_cmp(&distance(&means[b])));
                nearest == Some(usize::from(set.test.labels()[index]))
            })
            .count();
        // Chance is 50; a set that means alone could classify would show nothing about networks.
        assert!((250..475).contains(&right), "{right} of 500");
    }
}
