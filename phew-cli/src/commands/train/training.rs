//! How a network is trained: the recipe and what the options change of it.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use phew_train::{DataSpec, Fall, Precision, Recipe, Set, TransformSpec};

use crate::args::{ImageArgs, data_set as set, usual_dir};
use crate::failure::usage;

/// The recipe, and what is otherwise.
#[derive(Debug, Args)]
#[command(next_help_heading = "Training")]
pub(super) struct TrainingArgs {
    /// A preset (digits, resnet20-cifar10, …) or a TOML file; the other options change what it says
    #[arg(long, value_name = "NAME|FILE.toml", default_value = "digits")]
    recipe: String,

    /// Data set (`phew data list` shows them)
    #[arg(long, value_name = "SET", value_parser = set)]
    data: Option<Set>,

    /// Folder of the data set; by default where `phew data fetch` puts it
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Training images: so many of the set, as many of each class, or so many built-in digits
    #[arg(long, value_name = "N")]
    train_images: Option<NonZeroUsize>,

    /// Test images, likewise
    #[arg(long, value_name = "N")]
    test_images: Option<NonZeroUsize>,

    /// Epochs; drops of the learning rate move in proportion
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    epochs: Option<u64>,

    /// Images of a step
    #[arg(long, value_name = "N")]
    batch: Option<NonZeroUsize>,

    /// Learning rate
    #[arg(long, value_name = "RATE")]
    rate: Option<f64>,

    /// What the rate is multiplied by at each drop of a step schedule
    #[arg(long, value_name = "FACTOR")]
    drop: Option<f64>,

    /// Numbers that layers compute with: f32, bf16 or f16; weights, gradients and the loss stay in single precision
    #[arg(long, value_name = "KIND")]
    precision: Option<Precision>,

    #[command(flatten)]
    images: ImageArgs,
}

impl TrainingArgs {
    /// The recipe with the changes that the options ask for, still to be validated.
    pub(super) fn recipe(&self) -> anyhow::Result<Recipe> {
        let mut recipe = if Path::new(&self.recipe).extension().is_some_and(|e| e == "toml") {
            let text =
                phew_graph::read_text(Path::new(&self.recipe)).context(self.recipe.clone())?;
            Recipe::from_toml(&text, &self.recipe)?
        } else {
            Recipe::preset(&self.recipe)?
        };
        if let Some(epochs) = self.epochs {
            recipe = recipe.with_epochs(epochs);
        }
        if let Some(batch) = self.batch {
            recipe.batch = batch.get();
        }
        if let Some(precision) = self.precision {
            recipe.precision = precision;
        }
        if let Some(rate) = self.rate {
            recipe.learning_rate.rate = rate;
        }
        if let Some(drop) = self.drop {
            let Fall::Steps { factor, .. } = &mut recipe.learning_rate.fall else {
                return Err(usage(
                    "--drop is for a schedule with steps, and the recipe's has none",
                ));
            };
            *factor = drop;
        }
        if let Some(set) = self.data {
            // A task that is made of one set can be made of another.
            let transform = recipe.data.transform.map(|t| TransformSpec { per_class: None, ..t });
            recipe.data = DataSpec { transform, ..DataSpec::new(set) };
        }
        recipe.data.images = self.images.over(&recipe.data.images);
        if self.train_images.or(self.test_images).is_some() {
            let [train, test] =
                [self.train_images, self.test_images].map(|n| n.map(NonZeroUsize::get));
            recipe.data = recipe.data.with_images(train, test);
        }
        if let Some(dir) = &self.data_dir {
            recipe.data.dir = Some(dir.clone());
        } else if recipe.data.dir.is_none() {
            recipe.data.dir = usual_dir(recipe.data.set);
        }
        Ok(recipe)
    }
}
