//! What a folder says of the reproduction in it: `reproduction.toml`.

use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::files::text_of;

/// The name of the file.
const NAME: &str = "reproduction.toml";

/// A reproduction in its folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    /// What it is called.
    pub(crate) id: String,
    /// Its scale.
    pub(crate) scale: String,
    /// What it shows.
    pub(crate) title: String,
    /// The paper, and where in it.
    pub(crate) paper: String,
    /// What was shrunk or substituted, if anything was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
    /// The names of its plans, each in a file of that name.
    pub(crate) plans: Vec<String>,
    /// What the paper shows, what is done, and where that deviates.
    pub(crate) about: String,
}

impl Record {
    /// That of a folder, if it has one.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(crate) fn read(folder: &Path) -> anyhow::Result<Option<Self>> {
        let path = folder.join(NAME);
        let named = || path.display().to_string();
        text_of(&path)?.map(|text| toml::from_str(&text).with_context(named)).transpose()
    }

    /// Its file's name and text.
    ///
    /// # Errors
    /// If it cannot be written as TOML.
    pub(crate) fn file(&self) -> anyhow::Result<(&'static str, String)> {
        Ok((NAME, toml::to_string(self)?))
    }
}
