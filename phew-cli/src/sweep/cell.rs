//! The cells of a plan: one for each combination of its axes that is not left out. Cells that overrides make equal are one.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::plan::Plan;
use super::value::{Settings, of_text, text};

/// A cell: all of its settings, and what is measured of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cell {
    /// Those of the plan, the axes and the overrides.
    pub(crate) settings: Settings,
    /// Names of measures.
    pub(crate) measure: Vec<String>,
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words = self.settings.iter().map(|(name, value)| format!("{name}={}", text(value)));
        f.write_str(&words.collect::<Vec<_>>().join(", "))
    }
}

/// All cells, the last axis fastest.
pub(crate) fn cells(plan: &Plan) -> Vec<Cell> {
    let mut grid = vec![plan.settings.clone()];
    for (name, values) in &plan.axes {
        let with = |settings: &Settings| {
            let settings = settings.clone();
            values.iter().map(move |value| {
                let mut settings = settings.clone();
                settings.insert(name.clone(), value.clone());
                settings
            })
        };
        grid = grid.iter().flat_map(|settings| with(settings).collect::<Vec<_>>()).collect();
    }
    grid.retain(|settings| !plan.exclude.iter().any(|conditions| conditions.hold(settings)));
    let mut known = BTreeSet::new();
    let cells = grid.into_iter().map(|settings| cell(plan, settings));
    cells.filter(|cell| known.insert(format!("{cell:?}"))).collect()
}

fn cell(plan: &Plan, mut settings: Settings) -> Cell {
    let mut measure = plan.measure.clone();
    for other in &plan.overrides {
        if other.when.hold(&settings) {
            settings.extend(other.set.clone());
            measure = other.measure.clone().unwrap_or(measure);
        }
    }
    let named: Vec<(String, String)> =
        settings.iter().map(|(name, value)| (format!("{{{name}}}"), text(value))).collect();
    for value in settings.values_mut() {
        if let Value::String(word) = value
            && word.contains('{')
        {
            let filled = named.iter().fold(word.clone(), |word, (name, v)| word.replace(name, v));
            *value = of_text(&filled);
        }
    }
    Cell { settings, measure }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;

    fn of(text: &str) -> Vec<Cell> {
        cells(&Plan::parse(text, Path::new(".")).unwrap())
    }

    #[test]
    fn a_grid_is_the_product_of_its_axes_without_what_is_excluded() {
        let cells = of("name = 'a'\nmeasure = ['widths']\n[settings]\narch = 'lenet-5'\n\
             [axes]\nmethod = ['phew', 'snip', 'dense']\ndensity = [0.1, 0.2]\nseed = '0-1'\n\
             [[exclude]]\nmethod = 'dense'\ndensity = [0.2]\n[[exclude]]\nmethod = 'snip'\nseed = 1\n");
        assert_eq!(cells.len(), 3 * 2 * 2 - 2 - 2);
        assert!(cells.iter().all(|cell| cell.settings["arch"] == "lenet-5"));
        let dense = cells.iter().filter(|cell| cell.settings["method"] == "dense");
        assert!(dense.map(|cell| &cell.settings["density"]).eq([&json!(0.1); 2]));
    }

    #[test]
    fn overrides_change_settings_and_measures_of_a_part_one_after_the_other() {
        let cells = of("name = 'a'\nmeasure = ['widths']\n[axes]\narch = ['a', 'b']\n\
             [[override]]\nwhen = { arch = 'b' }\nset = { epochs = 3, weights = 'w-{arch}' }\nmeasure = ['paths']\n\
             [[override]]\nwhen = { epochs = 3 }\nset = { batch = '8' }\n");
        assert_eq!(cells[0].measure, ["widths"]);
        assert_eq!(cells[0].settings.len(), 1);
        assert_eq!(cells[1].measure, ["paths"]);
        assert_eq!(
            (&cells[1].settings["batch"], &cells[1].settings["weights"]),
            (&json!(8), &json!("w-b"))
        );
        assert_eq!(cells[0].to_string(), "arch=a");
    }

    #[test]
    fn cells_that_overrides_make_equal_count_once() {
        let cells = of("name = 'a'\nmeasure = ['widths']\n[settings]\nmethod = '{variant}'\n\
             [axes]\nvariant = ['dense', 'phew']\ndensity = [0.1, 0.2]\n\
             [[override]]\nwhen = { variant = 'dense' }\nset = { density = 1 }\n");
        assert_eq!(cells.len(), 3);
        let dense = cells.iter().filter(|cell| cell.settings["method"] == "dense");
        assert!(dense.map(|cell| &cell.settings["density"]).eq([&json!(1)]));
    }
}
