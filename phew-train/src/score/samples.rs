//! The images that data-dependent scores look at.

use phew_graph::{stream, stream_key};
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::data::Images;
use crate::error::{Result, TrainError};

/// Which images, in which batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SampleSpec {
    /// Training images of each class: ten in SNIP, GraSP and Patil & Dovrolis 2021, D.2.
    pub per_class: usize,
    /// Images of a batch; the derivatives of the batches are added up. 256 for CIFAR in Patil & Dovrolis 2021, D.2.
    pub batch: usize,
    /// Seed of the choice.
    pub seed: u64,
}

impl Default for SampleSpec {
    fn default() -> Self {
        Self { per_class: 10, batch: 256, seed: 0 }
    }
}

impl SampleSpec {
    /// Refuses numbers of 0.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] naming the number.
    pub fn validate(&self) -> Result<()> {
        let numbers = [("images of a class", self.per_class), ("images of a batch", self.batch)];
        match numbers.into_iter().find(|(_, value)| *value == 0) {
            None => Ok(()),
            Some((what, _)) => {
                let (found, expected) = ("0".to_owned(), "1 or more".to_owned());
                Err(TrainError::Parameter { what, found, expected })
            }
        }
    }
}

/// Indices of `per_class` images of each class, in a random order.
pub(super) fn choose(images: &Images, classes: usize, spec: SampleSpec) -> Result<Vec<usize>> {
    spec.validate()?;
    let mut rng = stream(stream_key("phew 1 scored images", spec.seed), 0);
    let mut order: Vec<usize> = (0..images.len()).collect();
    for last in (1..order.len()).rev() {
        order.swap(last, rng.random_range(0..=last));
    }
    let mut missing = vec![spec.per_class; classes];
    order.retain(|&index| {
        let left = &mut missing[usize::from(images.labels()[index])];
        let take = *left > 0;
        *left -= usize::from(take);
        take
    });
    if let Some(class) = missing.iter().position(|&left| left > 0) {
        return Err(TrainError::Parameter {
            what: "images of a class",
            found: format!("{} of class {class}", spec.per_class - missing[class]),
            expected: spec.per_class.to_string(),
        });
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_its_share_and_the_seed_decides_which() {
        let data = crate::digits(300, 10, 0).unwrap();
        let spec = SampleSpec { per_class: 7, batch: 32, seed: 1 };
        let chosen = choose(&data.train, 10, spec).unwrap();
        let mut counts = [0; 10];
        for &index in &chosen {
            counts[usize::from(data.train.labels()[index])] += 1;
        }
        assert_eq!(counts, [7; 10]);
        assert_eq!(chosen, choose(&data.train, 10, spec).unwrap());
        assert_ne!(chosen, choose(&data.train, 10, SampleSpec { seed: 2, ..spec }).unwrap());
    }

    #[test]
    fn too_few_images_of_a_class_are_refused() {
        let data = crate::digits(25, 10, 0).unwrap();
        let spec = SampleSpec { per_class: 3, ..SampleSpec::default() };
        let error = choose(&data.train, 10, spec).unwrap_err().to_string();
        assert!(error.contains("found 2 of class 5, expected 3"), "{error}");
    }
}
