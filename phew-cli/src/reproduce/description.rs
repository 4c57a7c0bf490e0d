//! The description of a reproduction: plans, scales and figures.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use toml::Table;

use super::files::FILES;
use super::parts::Parts;
use super::substitute::Substitute;
use crate::figure::Figure;
use crate::sweep::Plan;

/// How much of what the paper did is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scale {
    /// All of it
    Paper,
    /// What two cores do: 10 minutes without training, half an hour with it
    #[default]
    Small,
    /// What shows that all parts work, in seconds
    Smoke,
}

impl Scale {
    /// All, the largest first.
    pub(crate) const ALL: [Self; 3] = [Self::Paper, Self::Small, Self::Smoke];

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Small => "small",
            Self::Smoke => "smoke",
        }
    }
}

/// A reproduction.
#[derive(Clone, Debug)]
pub(crate) struct Reproduction {
    /// What it is called.
    pub(crate) id: String,
    /// What it shows.
    pub(crate) title: String,
    /// The paper, and where in it.
    pub(crate) paper: String,
    /// What the paper shows, what is done, and where that deviates.
    pub(crate) about: String,
    /// The keys of published numbers that ours stand beside.
    pub(crate) published: Vec<String>,
    /// Its figures with the names of their files.
    pub(crate) figures: Vec<(String, Figure)>,
    plans: Vec<Parts>,
    scales: Scales<ScaleParts>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scales<T> {
    paper: T,
    small: T,
    smoke: T,
}

impl<T> Scales<T> {
    fn of(&self, scale: Scale) -> &T {
        match scale {
            Scale::Paper => &self.paper,
            Scale::Small => &self.small,
            Scale::Smoke => &self.smoke,
        }
    }
}

/// What a scale says.
#[derive(Clone, Debug)]
struct ScaleParts {
    shrunk: Option<String>,
    /// Of all plans.
    all: Parts,
    /// Of single plans.
    plans: BTreeMap<String, Parts>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    id: String,
    title: String,
    paper: String,
    about: String,
    #[serde(default)]
    published: Vec<String>,
    plan: Vec<Parts>,
    scale: Scales<Table>,
    figure: Vec<Table>,
}

impl Reproduction {
    /// All, by name.
    ///
    /// # Errors
    /// If a description is none.
    pub(crate) fn all() -> anyhow::Result<Vec<Self>> {
        FILES.iter().map(|(id, text)| Self::of(id, text)).collect()
    }

    /// The one of a name.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn find(id: &str) -> anyhow::Result<Self> {
        match FILES.iter().find(|(known, _)| *known == id) {
            Some((id, text)) => Self::of(id, text),
            None => bail!("`{id}` is no reproduction; `phew reproduce list` shows all"),
        }
    }

    fn of(id: &str, text: &str) -> anyhow::Result<Self> {
        Self::parse(text).with_context(|| format!("reproduction {id}"))
    }

    /// The one that a text describes.
    ///
    /// # Errors
    /// If it is no description.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let file: File = toml::from_str(text)?;
        let Scales { paper, small, smoke } = file.scale;
        let scale = |table, name: &str| {
            ScaleParts::of(table, &file.plan).with_context(|| format!("scale.{name}"))
        };
        Ok(Self {
            scales: Scales {
                paper: scale(paper, "paper")?,
                small: scale(small, "small")?,
                smoke: scale(smoke, "smoke")?,
            },
            figures: file.figure.into_iter().map(figure).collect::<anyhow::Result<_>>()?,
            id: file.id,
            title: file.title,
            paper: file.paper,
            about: file.about.trim().to_owned(),
            published: file.published,
            plans: file.plan,
        })
    }

    /// What a scale leaves out; nothing if it is as printed.
    pub(crate) fn shrunk(&self, scale: Scale) -> Option<&str> {
        self.scales.of(scale).shrunk.as_deref().map(str::trim)
    }

    /// The plans at a scale; relative files of them lie in `folder`.
    ///
    /// # Errors
    /// If one is no plan.
    pub(crate) fn plans(
        &self,
        scale: Scale,
        substitute: &Substitute,
        folder: &Path,
    ) -> anyhow::Result<Vec<Plan>> {
        let found = self.scales.of(scale);
        let about = match self.shrunk(scale) {
            Some(shrunk) => format!("{}, scale {}: {shrunk}.", self.paper, scale.name()),
            None => format!("{}, scale {}.", self.paper, scale.name()),
        };
        let plan = |parts: &Parts| {
            let name = parts.name.clone().unwrap_or_default();
            let mut merged = parts.clone().with(&found.all);
            if let Some(own) = found.plans.get(&name) {
                merged = merged.with(own);
            }
            merged.about = Some(about.clone());
            let plan = |parts: &Parts| Plan::parse(&parts.text()?, folder);
            let original = plan(&merged)?;
            match substitute.parts(&original, merged)? {
                Some(other) => plan(&other),
                None => Ok(original),
            }
        };
        let named = |parts: &Parts| {
            let at = || format!("{}: plan {}", self.id, parts.name.as_deref().unwrap_or("?"));
            plan(parts).map_err(|e| anyhow!("{}: {e:#}", at()))
        };
        self.plans.iter().map(named).collect()
    }
}

impl ScaleParts {
    fn of(mut table: Table, known: &[Parts]) -> anyhow::Result<Self> {
        let shrunk = table.remove("shrunk").map(toml::Value::try_into).transpose()?;
        let plans = table.remove("plan").map(toml::Value::try_into).transpose()?;
        let plans: BTreeMap<String, Parts> = plans.unwrap_or_default();
        let unknown = |name: &&String| known.iter().all(|plan| plan.name.as_ref() != Some(name));
        if let Some(name) = plans.keys().find(unknown) {
            bail!("plan.{name}: there is no plan of that name");
        }
        Ok(Self { shrunk, all: table.try_into()?, plans })
    }
}

/// A figure with the name of its files.
fn figure(mut table: Table) -> anyhow::Result<(String, Figure)> {
    let Some(toml::Value::String(name)) = table.remove("name") else {
        bail!("figure: `name` is missing");
    };
    let figure: Figure = table.try_into().with_context(|| format!("figure {name}"))?;
    figure.check().with_context(|| format!("figure {name}"))?;
    Ok((name, figure))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::failure::NeedsLibtorch;
    use crate::page::published_of;
    use crate::sweep::Graph;

    /// What is wrong with a description: nothing, it is hoped.
    fn problems(id: &str, text: &str) -> anyhow::Result<()> {
        let found = Reproduction::of(id, text)?;
        anyhow::ensure!(found.id == id, "id {}", found.id);
        published_of(&found.published)?;
        let names: BTreeSet<&String> = found.figures.iter().map(|(name, _)| name).collect();
        anyhow::ensure!(names.len() == found.figures.len(), "two figures of one name");
        anyhow::ensure!(found.shrunk(Scale::Paper).is_none(), "scale.paper.shrunk");
        for scale in Scale::ALL {
            for plan in found.plans(scale, &Substitute::default(), Path::new("."))? {
                let at = || format!("{} of scale {}", plan.name, scale.name());
                match Graph::of(&plan) {
                    Ok((_, cells)) => anyhow::ensure!(!cells.is_empty(), "{}: no cell", at()),
                    Err(error) if error.is::<NeedsLibtorch>() => {}
                    Err(error) => return Err(error.context(at())),
                }
            }
        }
        Ok(())
    }

    #[test]
    fn every_description_expands_to_jobs_at_every_scale() {
        let wrong = FILES.iter().filter_map(|(id, text)| Some((id, problems(id, text).err()?)));
        let wrong: Vec<String> = wrong.map(|(id, error)| format!("{id}: {error:#}")).collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
