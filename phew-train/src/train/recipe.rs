//! How to train, as data: everything but the network, the mask and the seed.

use phew_graph::NormScale;
use serde::{Deserialize, Serialize};

use super::learning_rate::{Fall, LearningRate};
use super::optimiser::OptimiserSpec;
use crate::batches::Augment;
use crate::data::{DataSpec, DataSummary};
use crate::error::{Result, TrainError};
use crate::loss::Loss;
use crate::model::Precision;

/// A recipe.
///
/// # Examples
/// ```
/// let recipe = phew_train::Recipe::preset("resnet20-cifar10")?;
/// assert_eq!((recipe.epochs, recipe.batch), (160, 128));
/// assert!((recipe.learning_rate.at(80 * 391, 391, 160) - 0.01).abs() < 1e-12);
/// # Ok::<(), phew_train::TrainError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// What it is for and where it comes from.
    pub about: String,
    /// The network that it was made for, by its name in the zoo.
    pub arch: String,
    /// The initialiser that it was made for.
    #[serde(default = "kaiming")]
    pub init: String,
    /// What the scales of normalisations begin with.
    #[serde(default, skip_serializing_if = "is_one")]
    pub norm_scale: NormScale,
    /// Passes over the training images.
    pub epochs: u64,
    /// Images of a step; the last of an epoch may have fewer.
    pub batch: usize,
    /// The step to rewind to, where a method rewinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rewind_step: Option<u64>,
    /// The numbers that layers compute with.
    #[serde(default, skip_serializing_if = "is_full")]
    pub precision: Precision,
    /// The data set that it was made for.
    pub data: DataSpec,
    /// What is minimised.
    #[serde(default)]
    pub loss: Loss,
    /// How.
    pub optimiser: OptimiserSpec,
    /// The learning rate; the table `schedule` in TOML.
    #[serde(rename = "schedule")]
    pub learning_rate: LearningRate,
    /// What is done to each training image.
    #[serde(default)]
    pub augment: Augment,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_full(precision: &Precision) -> bool {
    *precision == Precision::Full
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_one(scale: &NormScale) -> bool {
    *scale == NormScale::One
}

fn kaiming() -> String {
    "kaiming-normal".to_owned()
}

/// The presets by name.
macro_rules! presets {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../recipes/", $name, ".toml")))),*]
    };
}

const PRESETS: &[(&str, &str)] = presets![
    "digits",
    "digits-transform",
    "mnist-transform",
    "resnet20-cifar10",
    "resnet20-cifar100",
    "vgg19-cifar10",
    "vgg19-cifar100",
    "resnet18-tiny-imagenet",
    "resnet34-cifar10",
    "resnet34-cifar100",
    "resnet34-tiny-imagenet",
    "vgg19-tiny-imagenet",
    "frankle-resnet20-cifar10",
    "frankle-vgg16-cifar10",
    "frankle-resnet18-tiny-imagenet",
    "frankle-resnet50-imagenet",
    "lee-mlp7-mnist",
];

impl Recipe {
    /// The names of the presets: the papers' recipes, and some for the built-in digits.
    pub fn presets() -> impl Iterator<Item = &'static str> {
        PRESETS.iter().map(|(name, _)| *name)
    }

    /// A preset by its name.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] naming what there is.
    pub fn preset(name: &str) -> Result<Self> {
        let Some((_, text)) = PRESETS.iter().find(|(known, _)| *known == name) else {
            return Err(TrainError::Parameter {
                what: "recipe",
                found: format!("'{name}'"),
                expected: Self::presets().collect::<Vec<_>>().join(", "),
            });
        };
        Self::from_toml(text, name)
    }

    /// Reads a recipe; `origin` is named in errors.
    ///
    /// # Errors
    /// [`TrainError::Corrupt`] if it is no recipe, or one that [`Recipe::validate`] refuses.
    pub fn from_toml(text: &str, origin: &str) -> Result<Self> {
        let recipe: Self = toml::from_str(text).map_err(|e| {
            let before = text.get(..e.span().map_or(0, |span| span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let problem = format!("is not a recipe: line {line}: {}", e.message());
            TrainError::corrupt(origin.as_ref(), problem)
        })?;
        // A parameter's error knows its name alone.
        let senseless =
            |e| TrainError::corrupt(origin.as_ref(), format!("is no usable recipe: {e}"));
        recipe.validate().map_err(senseless)?;
        Ok(recipe)
    }

    /// The recipe as TOML, every default spelt out.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string(self).unwrap_or_else(|e| unreachable!("a recipe is plain data: {e}"))
    }

    /// Refuses what makes no sense.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] naming the parameter.
    pub fn validate(&self) -> Result<()> {
        let positive = |what, value: u64| {
            if value > 0 {
                return Ok(());
            }
            let expected = "1 or more".to_owned();
            Err(TrainError::Parameter { what, found: value.to_string(), expected })
        };
        positive("epochs", self.epochs)?;
        positive("batch", self.batch as u64)?;
        self.loss.validate()?;
        self.optimiser.validate()?;
        self.learning_rate.validate(self.epochs)?;
        self.augment.validate()
    }

    /// Refuses a data set that the loss or the augmentation does not suit.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] naming what does not fit.
    pub fn suits(&self, data: &DataSummary) -> Result<()> {
        let regression = data.regression;
        if regression != self.loss.is_regression() {
            let kind = |regression| if regression { "target images" } else { "classes" };
            return Err(TrainError::Parameter {
                what: "data set for this loss",
                found: format!("{} with {}", data.name, kind(regression)),
                expected: kind(self.loss.is_regression()).to_owned(),
            });
        }
        if regression && !self.augment.is_identity() {
            return Err(TrainError::Parameter {
                what: "augmentation",
                found: "one that changes the input alone".to_owned(),
                expected: "none where the target is an image".to_owned(),
            });
        }
        Ok(())
    }

    /// Steps of an epoch over `images`: a last batch of one image is left out, since it has no variance to normalise
    /// by.
    #[must_use]
    pub fn steps_per_epoch(&self, images: usize) -> u64 {
        let (whole, rest) = (images / self.batch, images % self.batch);
        (whole + usize::from(rest > 1 || whole == 0)) as u64
    }

    /// The same recipe in fewer (or more) epochs: the drops of a step schedule and the warm-up move in proportion.
    #[must_use]
    pub fn with_epochs(mut self, epochs: u64) -> Self {
        let moved = |at: u64| (at as f64 * epochs as f64 / self.epochs as f64).round() as u64;
        if let Fall::Steps { at, .. } = &mut self.learning_rate.fall {
            for at in at {
                *at = moved(*at);
            }
        }
        self.learning_rate.warmup *= epochs as f64 / self.epochs as f64;
        self.epochs = epochs;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batches::ResizedCrop;
    use crate::data::Set;

    #[test]
    fn every_preset_is_valid_and_comes_back_from_its_own_toml() {
        for name in Recipe::presets() {
            let recipe = Recipe::preset(name).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(Recipe::from_toml(&recipe.to_toml(), name).unwrap(), recipe);
        }
    }

    /// Table 1 of the PHEW paper and table A.3 of Frankle et al., typed in again: network, epochs, batch, momentum,
    /// rate, drops, decay.
    #[test]
    fn the_papers_tables_are_as_printed() {
        type Row = (&'static str, &'static str, u64, usize, f64, f64, &'static [u64], f64);
        let rows: &[Row] = &[
            ("resnet20-cifar10", "resnet20", 160, 128, 0.9, 0.1, &[80, 120], 1e-4),
            ("resnet20-cifar100", "resnet20", 160, 128, 0.9, 0.1, &[80, 120], 1e-4),
            ("vgg19-cifar10", "vgg19", 160, 128, 0.0, 0.1, &[80, 120], 5e-3),
            ("vgg19-cifar100", "vgg19", 160, 128, 0.0, 0.1, &[80, 120], 5e-3),
            ("resnet18-tiny-imagenet", "resnet18-modified", 200, 256, 0.9, 0.2, &[100, 150], 1e-4),
            ("vgg19-tiny-imagenet", "vgg19", 200, 256, 0.9, 0.2, &[100, 150], 1e-4),
            ("resnet34-cifar10", "resnet34-modified", 160, 128, 0.9, 0.1, &[80, 120], 1e-4),
            ("resnet34-cifar100", "resnet34-modified", 160, 128, 0.9, 0.1, &[80, 120], 1e-4),
            ("resnet34-tiny-imagenet", "resnet34-modified", 200, 256, 0.9, 0.2, &[100, 150], 1e-4),
            ("frankle-resnet20-cifar10", "resnet20", 160, 128, 0.9, 0.1, &[80, 120], 1e-4),
            ("frankle-vgg16-cifar10", "vgg16", 160, 128, 0.9, 0.1, &[80, 120], 1e-4),
            ("frankle-resnet18-tiny-imagenet", "resnet18", 200, 256, 0.9, 0.2, &[100, 150], 1e-4),
            ("frankle-resnet50-imagenet", "resnet50", 90, 1024, 0.9, 0.4, &[30, 60, 80], 1e-4),
        ];
        for &(name, arch, epochs, batch, momentum, rate, at, weight_decay) in rows {
            let recipe = Recipe::preset(name).unwrap();
            assert_eq!((recipe.arch.as_str(), recipe.epochs, recipe.batch), (arch, epochs, batch));
            let sgd = OptimiserSpec::Sgd { momentum, nesterov: false, weight_decay };
            assert_eq!(recipe.optimiser, sgd, "{name}");
            let fall = Fall::Steps { at: at.to_vec(), factor: 0.1 };
            assert_eq!(recipe.learning_rate, LearningRate { rate, warmup: 0.0, fall });
        }
        let task = Recipe::preset("mnist-transform").unwrap();
        assert_eq!((task.epochs, task.batch, task.loss), (20, 32, Loss::MeanSquare));
        // Four layers of weights: Patil & Dovrolis 2020, figure 6.
        assert_eq!(task.arch, "mlp-bn-784-100-100-100-784");
        assert_eq!(Recipe::preset("digits-transform").unwrap().arch, task.arch);
        let adam = OptimiserSpec::Adam { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.0 };
        assert_eq!(task.optimiser, adam);
        let fall = Fall::Exponential { factor: 0.95 };
        assert_eq!(task.learning_rate, LearningRate { rate: 0.001, warmup: 0.0, fall });
        assert_eq!(task.data.set, Set::MNIST);
        assert_eq!(task.data.transform.unwrap().per_class, Some(1000));
    }

    /// namhoonlee/spp-public: main.py and model.py.
    #[test]
    fn the_recipe_of_the_signal_propagation_study_is_as_in_its_program() {
        let recipe = Recipe::preset("lee-mlp7-mnist").unwrap();
        assert_eq!((recipe.arch.as_str(), recipe.init.as_str()), ("mlp7-tanh-100", "orthogonal"));
        // 10,000 steps at least, in whole epochs.
        assert_eq!(recipe.epochs * recipe.steps_per_epoch(60_000), 10_200);
        let sgd = OptimiserSpec::Sgd { momentum: 0.0, nesterov: false, weight_decay: 5e-4 };
        assert_eq!((recipe.optimiser, recipe.data), (sgd, DataSpec::new(Set::MNIST)));
        let rate = LearningRate { rate: 0.1, warmup: 0.0, fall: Fall::Constant };
        assert_eq!(recipe.learning_rate, rate);
    }

    #[test]
    fn the_scales_of_normalisations_are_uniform_for_frankle_et_al_alone() {
        for name in Recipe::presets() {
            let recipe = Recipe::preset(name).unwrap();
            let frankle = name.starts_with("frankle-");
            let wanted = if frankle { NormScale::Uniform } else { NormScale::One };
            assert_eq!(recipe.norm_scale, wanted, "{name}");
            assert_eq!(recipe.to_toml().contains("norm_scale"), frankle, "{name}");
        }
    }

    /// The data sets, what is done to their images (D.1 and A.2) and the step of rewinding (A.3): none in table 1.
    #[test]
    fn the_papers_data_sets_augmentation_and_rewinding_are_as_printed() {
        let flipped = |pad| Augment { pad, flip: true, resized_crop: None };
        let patch = Some(ResizedCrop { scale: [0.1, 1.0], ratio: [0.8, 1.25] });
        let cut = Augment { pad: 0, flip: true, resized_crop: patch };
        let rows = [
            ("resnet20-cifar10", Set::CIFAR10, flipped(0), None),
            ("resnet20-cifar100", Set::CIFAR100, flipped(0), None),
            ("vgg19-cifar10", Set::CIFAR10, flipped(0), None),
            ("vgg19-cifar100", Set::CIFAR100, flipped(0), None),
            ("resnet18-tiny-imagenet", Set::TINY_IMAGENET, flipped(4), None),
            ("vgg19-tiny-imagenet", Set::TINY_IMAGENET, flipped(4), None),
            ("resnet34-cifar10", Set::CIFAR10, flipped(0), None),
            ("resnet34-cifar100", Set::CIFAR100, flipped(0), None),
            ("resnet34-tiny-imagenet", Set::TINY_IMAGENET, flipped(4), None),
            ("frankle-resnet20-cifar10", Set::CIFAR10, flipped(4), Some(1000)),
            ("frankle-vgg16-cifar10", Set::CIFAR10, flipped(4), Some(2000)),
            ("frankle-resnet18-tiny-imagenet", Set::TINY_IMAGENET, cut, Some(1000)),
            ("frankle-resnet50-imagenet", Set::FOLDER, cut, Some(6255)),
        ];
        for (name, set, augment, rewind_step) in rows {
            let recipe = Recipe::preset(name).unwrap();
            assert_eq!((recipe.data.set, recipe.rewind_step), (set, rewind_step), "{name}");
            assert_eq!(
                (recipe.augment, recipe.init.as_str()),
                (augment, "kaiming-normal"),
                "{name}"
            );
        }
    }

    #[test]
    fn an_unknown_field_or_a_senseless_value_is_refused() {
        let text = Recipe::preset("digits").unwrap().to_toml();
        let error = Recipe::from_toml(&format!("bach = 3\n{text}"), "mine.toml").unwrap_err();
        assert!(error.to_string().starts_with("mine.toml: is not a recipe"), "{error}");
        let error = Recipe::from_toml(&text.replace("epochs = ", "epochs = 'a' #"), "mine.toml");
        let error = error.unwrap_err().to_string();
        let line = text.lines().position(|line| line.starts_with("epochs")).unwrap() + 1;
        assert!(error.contains(&format!("line {line}: invalid type: string")), "{error}");
        let text = text.replace("epochs = ", "epochs = 0 #");
        let error = Recipe::from_toml(&text, "mine.toml").unwrap_err().to_string();
        assert_eq!(error, "mine.toml: is no usable recipe: epochs: found 0, expected 1 or more");
    }

    #[test]
    fn a_last_batch_of_one_image_is_left_out() {
        let recipe = Recipe { batch: 128, ..Recipe::preset("digits").unwrap() };
        assert_eq!(recipe.steps_per_epoch(50_000), 391);
        assert_eq!(recipe.steps_per_epoch(129), 1);
        assert_eq!(recipe.steps_per_epoch(130), 2);
        assert_eq!(recipe.steps_per_epoch(1), 1);
    }

    #[test]
    fn a_shorter_run_drops_its_rate_at_the_same_shares() {
        let recipe = Recipe::preset("resnet20-cifar10").unwrap().with_epochs(8);
        assert_eq!(recipe.learning_rate.fall, Fall::Steps { at: vec![4, 6], factor: 0.1 });
    }
}
