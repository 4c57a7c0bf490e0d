//! What decides whether a network and a recipe suit a data set.

use phew_graph::Arch;

use crate::error::{Result, TrainError};

/// A data set without its images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataSummary {
    /// What to call it beside a result.
    pub name: String,
    /// Channels, rows and columns of an image.
    pub shape: [usize; 3],
    /// Classes.
    pub classes: usize,
    /// Whether images are to be made, not classes told apart.
    pub regression: bool,
    /// Scalars that are to be made of an image; classes, if they are to be told apart.
    pub outputs: usize,
    /// Images to train on.
    pub train: usize,
    /// Images to test on.
    pub test: usize,
}

impl DataSummary {
    /// Refuses a network whose input or output is not this set's.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] with both sizes.
    pub fn fits(&self, arch: &Arch) -> Result<()> {
        let wrong =
            |what, found: String, expected| Err(TrainError::Parameter { what, found, expected });
        let size = |sizes: Vec<usize>| sizes.iter().product::<usize>();
        let image: usize = self.shape.iter().product();
        let input = arch.input_shape();
        if size(input.sizes()) != image {
            let expected = format!("{:?} as {} has", self.shape, self.name);
            return wrong("input of the network", input.to_string(), expected);
        }
        let output = arch.output_shape();
        let (wanted, what) = match self.regression {
            true => (self.outputs, "scalars of a target"),
            false => (self.outputs, "classes"),
        };
        if size(output.sizes()) != wanted {
            let expected = format!("{wanted}, the {what} of {}", self.name);
            return wrong("output of the network", output.to_string(), expected);
        }
        Ok(())
    }
}
