//! The class-specific image transformation task (Patil & Dovrolis 2021, appendix B).
//!
//! The target of an image is the image itself, turned and sheared by an angle and a coefficient of its class.

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::dataset::Dataset;
use super::images::Images;
use super::pixels::Pixels;
use crate::error::Result;

/// Cosines of the multiples of 30°, exact to the last bit on every platform.
const HALF_ROOT_3: f32 = 0.866_025_4;
#[rustfmt::skip]
const COSINES: [f32; 12] = [
    1.0, HALF_ROOT_3, 0.5, 0.0, -0.5, -HALF_ROOT_3, -1.0, -HALF_ROOT_3, -0.5, 0.0, 0.5, HALF_ROOT_3,
];

/// What happens to the images of one class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassTransform {
    /// The image is turned by this many times 30°, clockwise: 0 to 11.
    pub thirtieths: usize,
    /// Then each row moves right by this many times its height below the middle: −0.6 to 0.6.
    pub shear: f32,
}

/// The transformations of `classes` classes, fixed by `seed`.
///
/// The paper says that classes are 'rotated in multiples of 30°' and sheared 'with coefficients uniformly sampled
/// between −0.6 and 0.6'. Here the angles are drawn without replacement from the twelve, so that ten classes have
/// ten angles.
#[must_use]
pub fn class_transforms(classes: usize, seed: u64) -> Vec<ClassTransform> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut angles = Vec::new();
    (0..classes)
        .map(|_| {
            if angles.is_empty() {
                angles = (0..12).collect();
                angles.shuffle(&mut rng);
            }
            let thirtieths = angles.pop().unwrap_or(0);
            ClassTransform { thirtieths, shear: rng.random_range(-0.6..0.6) }
        })
        .collect()
}

/// Makes of a classification set the task to output each image as its class transforms it.
///
/// Training takes the first `per_class` images of each class (the paper: 1,000), or all.
///
/// # Errors
/// [`TrainError::Parameter`](crate::TrainError::Parameter) if `per_class` is zero.
pub fn image_transformation(set: &Dataset, per_class: Option<usize>, seed: u64) -> Result<Dataset> {
    let transforms = class_transforms(set.classes.len(), seed);
    let limit = per_class.unwrap_or(usize::MAX);
    let mut taken = vec![0; set.classes.len()];
    let chosen: Vec<usize> = (0..set.train.len())
        .filter(|&index| {
            let count = &mut taken[usize::from(set.train.labels()[index])];
            *count += 1;
            *count <= limit
        })
        .collect();
    let train = set.train.select(&chosen)?;
    Ok(Dataset {
        name: format!("{}, transformed by class", set.name),
        classes: set.classes.clone(),
        train: with_transformed(train, &transforms)?,
        test: with_transformed(set.test.clone(), &transforms)?,
        statistics: set.statistics.clone(),
        notes: set.notes.clone(),
    })
}

fn with_transformed(images: Images, transforms: &[ClassTransform]) -> Result<Images> {
    let targets = match images.pixels() {
        // Rounded half up.
        Pixels::Bytes(bytes) => {
            Pixels::Bytes(transformed(&images, bytes, transforms, |value| (value + 0.5) as u8))
        }
        Pixels::Numbers(numbers) => {
            Pixels::Numbers(transformed(&images, numbers, transforms, |value| value))
        }
    };
    images.with_targets(targets)
}

/// The scalars of all images, each image as its class transforms it.
fn transformed<T: Copy + Default + Into<f32> + Send + Sync>(
    images: &Images,
    scalars: &[T],
    transforms: &[ClassTransform],
    round: impl Fn(f32) -> T + Sync,
) -> Vec<T> {
    let ([_, rows, columns], size) = (images.shape(), images.image_len());
    let mut targets = vec![T::default(); scalars.len()];
    let pairs = targets.par_chunks_exact_mut(size).zip(scalars.par_chunks_exact(size));
    pairs.zip(images.labels()).for_each(|((target, image), &label)| {
        let planes = image.chunks_exact(rows * columns);
        for (plane, target) in planes.zip(target.chunks_exact_mut(rows * columns)) {
            transforms[usize::from(label)].apply(plane, columns, target, &round);
        }
    });
    targets
}

impl ClassTransform {
    /// Transforms one plane about its middle: bilinear, cropped to the same size, zero outside.
    fn apply<T: Copy + Into<f32>>(
        self,
        plane: &[T],
        columns: usize,
        target: &mut [T],
        round: impl Fn(f32) -> T,
    ) {
        let rows = plane.len() / columns;
        let (cos, sin) = (COSINES[self.thirtieths], COSINES[(self.thirtieths + 9) % 12]);
        let (cx, cy) = ((columns as f32 - 1.0) / 2.0, (rows as f32 - 1.0) / 2.0);
        for (at, out) in target.iter_mut().enumerate() {
            // Back through the shear, then through the turn, to where this pixel came from.
            let y = (at / columns) as f32 - cy;
            let x = (at % columns) as f32 - cx - self.shear * y;
            let from = [cos * x + sin * y + cx, cos * y - sin * x + cy];
            *out = round(bilinear(plane, rows, columns, from));
        }
    }
}

/// The plane's value between pixel centres; zero beyond its edges.
fn bilinear<T: Copy + Into<f32>>(
    plane: &[T],
    rows: usize,
    columns: usize,
    [x, y]: [f32; 2],
) -> f32 {
    let (left, top) = (x.floor(), y.floor());
    let (dx, dy) = (x - left, y - top);
    let at = |x: f32, y: f32| {
        let inside = x >= 0.0 && y >= 0.0 && x < columns as f32 && y < rows as f32;
        if inside { plane[y as usize * columns + x as usize].into() } else { 0.0 }
    };
    (1.0 - dy) * ((1.0 - dx) * at(left, top) + dx * at(left + 1.0, top))
        + dy * ((1.0 - dx) * at(left, top + 1.0) + dx * at(left + 1.0, top + 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLANE: [u8; 9] = [1, 2, 3, 4, 5, 6, 7, 8, 9];

    fn byte(value: f32) -> u8 {
        (value + 0.5) as u8
    }

    fn applied(thirtieths: usize, shear: f32) -> [u8; 9] {
        let mut target = [0; 9];
        ClassTransform { thirtieths, shear }.apply(&PLANE, 3, &mut target, byte);
        target
    }

    #[test]
    fn quarter_turns_are_clockwise_and_exact() {
        assert_eq!(applied(0, 0.0), PLANE);
        assert_eq!(applied(3, 0.0), [7, 4, 1, 8, 5, 2, 9, 6, 3]);
        assert_eq!(applied(6, 0.0), [9, 8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(applied(9, 0.0), [3, 6, 9, 2, 5, 8, 1, 4, 7]);
    }

    #[test]
    fn a_shear_moves_rows_against_each_other_and_pads_with_zero() {
        // One row up moves left by one pixel, one row down moves right by one.
        assert_eq!(applied(0, 1.0), [2, 3, 0, 4, 5, 6, 0, 7, 8]);
        // Half a pixel: means of neighbours, rounded half up; 0 beyond the edge.
        assert_eq!(applied(0, 0.5), [2, 3, 2, 4, 5, 6, 4, 8, 9]);
    }

    #[test]
    fn an_eighth_of_the_image_turned_by_30_degrees_stays_near_its_circle() {
        // A dot at distance 10 straight right of the middle comes to 30° below it.
        let mut plane = vec![0_u8; 29 * 29];
        plane[14 * 29 + 24] = 200;
        let mut target = vec![0; 29 * 29];
        ClassTransform { thirtieths: 1, shear: 0.0 }.apply(&plane, 29, &mut target, byte);
        let brightest = (0..target.len()).max_by_key(|&at| target[at]).unwrap();
        // 14 + 10·cos 30° = 22.66, 14 + 10·sin 30° = 19.
        assert_eq!((brightest % 29, brightest / 29), (23, 19));
    }

    #[test]
    fn ten_classes_have_ten_angles_and_shears_in_range_fixed_by_the_seed() {
        let transforms = class_transforms(10, 3);
        let mut angles: Vec<usize> = transforms.iter().map(|t| t.thirtieths).collect();
        angles.sort_unstable();
        angles.dedup();
        assert_eq!(angles.len(), 10);
        assert!(transforms.iter().all(|t| t.thirtieths < 12 && t.shear.abs() <= 0.6));
        assert_eq!(transforms, class_transforms(10, 3));
        assert_ne!(transforms, class_transforms(10, 4));
    }

    #[test]
    fn the_task_takes_the_first_images_of_each_class_and_keeps_the_inputs() {
        let set = crate::digits(50, 10, 0).unwrap();
        let task = image_transformation(&set, Some(3), 0).unwrap();
        assert_eq!(task.train.len(), 30);
        let bytes = |images: &Images| images.pixels().bytes().unwrap().to_vec();
        assert_eq!(bytes(&task.train), bytes(&set.train)[..30 * 784]);
        assert_eq!(task.test.pixels(), set.test.pixels());
        assert_eq!(task.test.targets().map(Pixels::len), Some(7840));
        // Of numbers the targets are the same numbers, but for the rounding to bytes.
        let labels = phew_graph::ndarray::aview1(set.test.labels());
        let numbers = Images::from_arrays(set.test.to_array().view(), labels).unwrap();
        let numbers = Dataset::new("x", set.classes.clone(), numbers.clone(), numbers).unwrap();
        let numbers = image_transformation(&numbers, None, 0).unwrap();
        let (wanted, found) = (task.test.targets().unwrap(), numbers.test.targets().unwrap());
        let pairs = wanted.bytes().unwrap().iter().zip(found.numbers().unwrap());
        for (&byte, number) in pairs {
            assert!((f32::from(byte) - 255.0 * number).abs() < 0.501, "{byte} {number}");
        }
        assert!(image_transformation(&set, Some(0), 0).is_err());
    }
}
