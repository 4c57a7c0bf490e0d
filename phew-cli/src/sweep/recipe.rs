//! What a recipe says that other commands than `train` need to know: network, initialiser, data set.

use std::path::Path;

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
    /// The step that it rewinds to.
    pub(crate) rewind_step: u64,
    /// The data set.
    pub(crate) set: String,
    /// Its folder.
    pub(crate) folder: Option<String>,
    /// Seed of the transformation task, if it is one.
    pub(crate) transform: Option<u64>,
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
        let text = std::fs::read_to_string(&input.path).with_context(|| name.to_owned())?;
        (Some(input), Recipe::from_toml(&text, name)?)
    } else {
        (None, Recipe::preset(name)?)
    };
    let set = serde_json::to_value(recipe.data.set)?;
    Ok(RecipeFacts {
        hash: phew_graph::content_hash(recipe.to_toml().as_bytes()),
        file,
        init: recipe.init,
        rewind_step: recipe.rewind_step.unwrap_or(0),
        set: super::value::text(&set),
        folder: recipe.data.dir.map(|dir| dir.display().to_string()),
        transform: recipe.data.transform.map(|transform| transform.seed),
        arch: recipe.arch,
    })
}

/// This build trains nothing.
#[cfg(not(feature = "train"))]
pub(crate) fn recipe(name: &str, _: &Path, _: &mut Inputs) -> anyhow::Result<RecipeFacts> {
    Err(crate::failure::NeedsLibtorch(format!("recipe {name}")).into())
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
