//! What a recipe says that other commands than `train` need to know: network, initialiser, data set.

use std::path::Path;

use serde_json::Value;

use super::input::{Input, Inputs};

/// What a recipe says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RecipeFacts {
    /// Its file; the hash alone of one that comes with phew.
    pub(crate) file: Option<Input>,
    /// Hash of its text.
    pub(crate) hash: String,
    /// The network.
    pub(crate) arch: String,
    /// The initialiser.
    pub(crate) init: String,
    /// What the scales of normalisations are drawn from, if that is not as usual.
    pub(crate) norm_scale: Option<String>,
    /// The step that it rewinds to.
    pub(crate) rewind_step: u64,
    /// The data set.
    pub(crate) set: String,
    /// Its folder.
    pub(crate) folder: Option<String>,
    /// Seed of the transformation task, if it is one.
    pub(crate) transform: Option<u64>,
    /// What is made of the images, as options of the commands that look at them.
    pub(crate) images: Vec<(&'static str, Value)>,
}

/// Looks a recipe up: a preset, or a file of the plan.
///
/// # Errors
/// If there is none of the name.
#[cfg(feature = "train")]
pub(crate) fn recipe(
    name: &str,
    folder: &Path,
    inputs: &mut Inputs,
) -> anyhow::Result<RecipeFacts> {
    use anyhow::Context;
    use phew_train::Recipe;

    let (file, recipe) = if Path::new(name).extension().is_some_and(|e| e == "toml") {
        let input = inputs.find(folder, name)?;
        let text = phew_graph::read_text(&input.path).with_context(|| name.to_owned())?;
        (Some(input), Recipe::from_toml(&text, name)?)
    } else {
        (None, Recipe::preset(name)?)
    };
    let set = serde_json::to_value(recipe.data.set)?;
    let usual = recipe.norm_scale == phew_graph::NormScale::default();
    Ok(RecipeFacts {
        hash: phew_graph::content_hash(recipe.to_toml().as_bytes()),
        norm_scale: (!usual).then(|| recipe.norm_scale.to_string()),
        file,
        init: recipe.init,
        rewind_step: recipe.rewind_step.unwrap_or(0),
        set: super::value::text(&set),
        folder: recipe.data.dir.map(|dir| dir.display().to_string()),
        transform: recipe.data.transform.map(|transform| transform.seed),
        images: options_of(&recipe.data.images),
        arch: recipe.arch,
    })
}

/// The options that ask for images as a recipe has them.
#[cfg(feature = "train")]
fn options_of(images: &phew_train::ImageSpec) -> Vec<(&'static str, Value)> {
    let numbers = |numbers: &Vec<f64>| {
        let words: Vec<String> = numbers.iter().map(f64::to_string).collect();
        super::value::of_text(&words.join(","))
    };
    let all = [
        ("channels", images.channels.map(Value::from)),
        ("resize", images.size.map(|[rows, columns]| format!("{rows}x{columns}").into())),
        ("skip-damaged", images.skip_damaged.then_some(Value::Bool(true))),
        ("mean", images.mean.as_ref().map(numbers)),
        ("deviation", images.deviation.as_ref().map(numbers)),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// This build trains nothing.
#[cfg(not(feature = "train"))]
pub(crate) fn recipe(name: &str, _: &Path, _: &mut Inputs) -> anyhow::Result<RecipeFacts> {
    Err(crate::failure::NeedsLibtorch::new(format!("recipe {name}")).into())
}

/// Classes and shape of the images of a published set.
pub(crate) fn shape_of(set: &str) -> Option<(u64, &'static str)> {
    Some(match set {
        "digits" | "mnist" | "mnist-test-split" | "fashion-mnist" => (10, "1x28x28"),
        "cifar10" => (10, "3x32x32"),
        "cifar100" => (100, "3x32x32"),
        "tiny-imagenet" => (200, "3x64x64"),
        _ => return None,
    })
}
