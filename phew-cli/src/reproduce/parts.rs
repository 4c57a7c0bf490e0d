//! The parts of a plan, as a reproduction and its scales give them, and how one is laid over another.

use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::sweep::flat;

/// What a plan consists of, or what a scale says of it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Parts {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) about: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    measure: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Table::is_empty")]
    settings: Table,
    #[serde(skip_serializing_if = "Table::is_empty")]
    axes: Table,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exclude: Vec<Table>,
    #[serde(skip_serializing_if = "Vec::is_empty", rename = "override")]
    overrides: Vec<Table>,
    #[serde(skip_serializing_if = "Table::is_empty")]
    slurm: Table,
    #[serde(skip_serializing_if = "Table::is_empty")]
    local: Table,
}

/// A table with dotted names in place of tables within.
fn flattened(table: &Table) -> Table {
    let mut found = Vec::new();
    flat(table, "", &mut found);
    found.into_iter().map(|(name, value)| (name, value.clone())).collect()
}

impl Parts {
    /// These with others laid over them. A setting takes the place of an axis of its name, and the other way round; what
    /// is excluded and overridden comes behind; lists of measures and resources replace.
    pub(super) fn with(mut self, over: &Self) -> Self {
        self.settings = flattened(&self.settings);
        self.axes = flattened(&self.axes);
        for (name, value) in flattened(&over.settings) {
            self.axes.remove(&name);
            self.settings.insert(name, value);
        }
        for (name, value) in flattened(&over.axes) {
            self.settings.remove(&name);
            self.axes.insert(name, value);
        }
        self.exclude.extend(over.exclude.iter().cloned());
        self.overrides.extend(over.overrides.iter().cloned());
        self.slurm.extend(over.slurm.clone());
        self.local.extend(over.local.clone());
        Self { measure: over.measure.clone().or(self.measure), ..self }
    }

    /// The same on another data set.
    pub(super) fn on(mut self, set: &str) -> Self {
        for other in &mut self.overrides {
            other.get_mut("set").and_then(Value::as_table_mut).map(|set| set.remove("data"));
        }
        let settings = Table::from_iter([("data".to_owned(), set.into())]);
        self.with(&Self { settings, ..Self::default() })
    }

    /// The same with the data in a folder: of all cells, or of those in which a setting has one of some values.
    pub(super) fn from(self, folder: &Path, of: Option<(&str, &[String])>) -> Self {
        let settings =
            Table::from_iter([("data-dir".to_owned(), folder.display().to_string().into())]);
        let Some((name, values)) = of else {
            return self.with(&Self { settings, ..Self::default() });
        };
        let values = values.iter().map(|value| value.as_str().into()).collect();
        let when = Table::from_iter([(name.to_owned(), Value::Array(values))]);
        let parts = [("when", when), ("set", settings)];
        let other = parts.into_iter().map(|(name, table)| (name.to_owned(), Value::Table(table)));
        self.with(&Self { overrides: vec![other.collect()], ..Self::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Parts {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn settings_take_the_place_of_axes_and_axes_of_settings() {
        let plan = parts(
            "name = 'a'\nmeasure = ['widths']\nsettings = { arch = 'x', measure = { per-class = 3 } }\n\
             axes = { seed = '0-4', density = [0.1, 0.2] }\nexclude = [{ seed = 1 }]\nslurm = { cpus = 2, time = '1' }",
        );
        let scale = parts(
            "settings = { seed = 7 }\naxes = { arch = ['y', 'z'] }\nexclude = [{ arch = 'y' }]\nslurm = { cpus = 4 }",
        );
        let expected = parts(
            "name = 'a'\nmeasure = ['widths']\nsettings = { seed = 7, \"measure.per-class\" = 3 }\n\
             axes = { density = [0.1, 0.2], arch = ['y', 'z'] }\n\
             exclude = [{ seed = 1 }, { arch = 'y' }]\nslurm = { cpus = 4, time = '1' }",
        );
        assert_eq!(plan.with(&scale), expected);
        assert_eq!(parts(&toml::to_string(&expected).unwrap()), expected);
    }

    #[test]
    fn a_set_takes_the_place_of_all_others_and_a_folder_is_for_the_recipes_of_its_set() {
        let plan = parts(
            "axes = { data = ['a', 'b'] }\noverride = [{ when = { x = 1 }, set = { data = 'c' } }]",
        );
        let found = plan.clone().on("digits");
        assert_eq!(
            found,
            parts("settings = { data = 'digits' }\noverride = [{ when = { x = 1 }, set = {} }]")
        );
        let found = plan.from("/d".as_ref(), Some(("recipe", &["r".to_owned()])));
        assert_eq!(
            found.overrides[1],
            parts("override = [{ when = { recipe = ['r'] }, set = { data-dir = '/d' } }]")
                .overrides[0]
        );
    }
}
