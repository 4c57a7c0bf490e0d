//! A part of a data set: some of its images, as many of each class as there can be.

use phew_graph::{stream, stream_key};
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::dataset::Dataset;
use super::images::Images;
use crate::error::{Result, TrainError};

/// How many images of a data set are used: the first ones of an order in which the classes take turns.
///
/// The order of the images of each class is drawn from the seed. Smaller parts are the beginnings of larger ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubsetSpec {
    /// Images to train on; all by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<usize>,
    /// Images to test on; all by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<usize>,
    /// Seed of the order.
    #[serde(default)]
    pub seed: u64,
}

/// The part of a set that is asked for; its name says how many images it has.
///
/// # Errors
/// [`TrainError::Parameter`] if more images are asked for than there are, or none.
pub(super) fn subset(set: Dataset, spec: SubsetSpec) -> Result<Dataset> {
    let Dataset { name, classes, train, test, statistics, notes } = set;
    let name = match (spec.train, spec.test) {
        (None, None) => name,
        (Some(train), None) => format!("{name}, {train} images to train on"),
        (None, Some(test)) => format!("{name}, {test} images to test on"),
        (Some(train), Some(test)) => {
            format!("{name}, {train} images to train on, {test} to test on")
        }
    };
    // Even streams for training, odd ones for testing.
    let train = part("images to train on", train, spec.train, classes.len(), (spec.seed, 0))?;
    let test = part("images to test on", test, spec.test, classes.len(), (spec.seed, 1))?;
    Ok(Dataset { name, classes, train, test, statistics, notes })
}

fn part(
    what: &'static str,
    images: Images,
    count: Option<usize>,
    classes: usize,
    (seed, parity): (u64, u64),
) -> Result<Images> {
    let Some(count) = count else { return Ok(images) };
    if !(1..=images.len()).contains(&count) {
        let expected = format!("1 to {}, as many as the set has", images.len());
        return Err(TrainError::Parameter { what, found: count.to_string(), expected });
    }
    let mut by_class = vec![Vec::new(); classes];
    for (index, &label) in images.labels().iter().enumerate() {
        by_class[usize::from(label)].push(index);
    }
    let key = stream_key("phew 1 images of a part", seed);
    for (class, indices) in (0..).zip(&mut by_class) {
        let mut rng = stream(key, 2 * class + parity);
        for last in (1..indices.len()).rev() {
            indices.swap(last, rng.random_range(0..=last));
        }
    }
    images.select(&in_turn(&by_class, count))
}

/// The first `count` of all: one of each class in turn, as long as the class has any left.
fn in_turn(by_class: &[Vec<usize>], count: usize) -> Vec<usize> {
    let rounds = by_class.iter().map(Vec::len).max().unwrap_or(0);
    let round = |round| by_class.iter().filter_map(move |class: &Vec<usize>| class.get(round));
    (0..rounds).flat_map(round).copied().take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Image `i` is the byte `i`; three classes of 6, 2 and 4 images.
    fn set() -> Dataset {
        let labels = vec![0, 0, 1, 0, 2, 0, 2, 1, 0, 2, 0, 2];
        let images = Images::new([1, 1, 1], (0..12).collect::<Vec<u8>>(), labels).unwrap();
        let classes = ["a", "b", "c"].map(str::to_owned).to_vec();
        Dataset::new("letters", classes, images.clone(), images).unwrap()
    }

    fn bytes(images: &Images) -> Vec<u8> {
        images.pixels().bytes().unwrap().to_vec()
    }

    #[test]
    fn classes_take_turns_until_they_have_no_more() {
        let by_class = [vec![3, 1, 8], vec![2], vec![6, 4]];
        assert_eq!(in_turn(&by_class, 6), [3, 2, 6, 1, 4, 8]);
        assert_eq!(in_turn(&by_class, 4), [3, 2, 6, 1]);
    }

    #[test]
    fn parts_are_balanced_nested_and_fixed_by_the_seed() {
        let take = |train, test, seed| subset(set(), SubsetSpec { train, test, seed }).unwrap();
        let (six, all) = (take(Some(6), Some(3), 0), take(Some(12), None, 0));
        assert_eq!(six.train.labels(), [0, 1, 2, 0, 1, 2]);
        assert_eq!(all.train.labels(), [0, 1, 2, 0, 1, 2, 0, 2, 0, 2, 0, 0]);
        assert_eq!(bytes(&all.train)[..6], bytes(&six.train));
        let mut sorted = bytes(&all.train);
        sorted.sort_unstable();
        assert_eq!(sorted, bytes(&set().train));
        assert_eq!((all.test, six.test.labels()), (set().test, &[0, 1, 2][..]));
        assert_ne!(bytes(&take(Some(6), None, 1).train), bytes(&six.train));
        assert_eq!(six.name, "letters, 6 images to train on, 3 to test on");
    }

    #[test]
    fn the_images_of_a_seed_never_change() {
        let part = subset(set(), SubsetSpec { train: Some(8), test: Some(8), seed: 7 }).unwrap();
        assert_eq!(bytes(&part.train), [8, 7, 6, 10, 2, 11, 0, 9]);
        assert_eq!(bytes(&part.test), [8, 2, 6, 5, 7, 11, 0, 9]);
    }

    #[test]
    fn no_images_and_more_than_there_are_are_refused() {
        for train in [0, 13] {
            let spec = SubsetSpec { train: Some(train), ..SubsetSpec::default() };
            let error = subset(set(), spec).unwrap_err().to_string();
            let wanted = "expected 1 to 12, as many as the set has";
            assert_eq!(error, format!("images to train on: found {train}, {wanted}"));
        }
    }
}
