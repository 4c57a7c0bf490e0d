//! A plan: a grid of settings, what is left out of it, what is otherwise in a part of it, and what is measured.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use serde::Deserialize;
use serde_json::Value;

use super::condition::Conditions;
use super::measures;
use super::value::{Settings, flat, of_toml, text};

/// A plan, read and checked.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Its name.
    pub(crate) name: String,
    /// What is the same for all cells.
    pub(crate) settings: Settings,
    /// What the cells differ in, each with its values.
    pub(crate) axes: Vec<(String, Vec<Value>)>,
    /// Combinations that are left out.
    pub(crate) exclude: Vec<Conditions>,
    /// What is otherwise in a part of the grid, one after the other.
    pub(crate) overrides: Vec<Override>,
    /// What is measured of each cell.
    pub(crate) measure: Vec<String>,
    /// Resources on a cluster.
    pub(crate) slurm: SlurmPlan,
    /// Resources on this machine.
    pub(crate) local: LocalPlan,
    /// The folder that relative files of the plan are looked for in.
    pub(crate) folder: PathBuf,
    /// The text that it was read from.
    pub(crate) source: String,
}

/// What is otherwise in a part of the grid.
#[derive(Clone, Debug)]
pub(crate) struct Override {
    /// In which.
    pub(crate) when: Conditions,
    /// Settings in place of those of the plan.
    pub(crate) set: Settings,
    /// What is measured there.
    pub(crate) measure: Option<Vec<String>>,
}

/// Resources of a job on a cluster.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SlurmPlan {
    /// Limit, as in `02:00:00`.
    pub(crate) time: Option<String>,
    /// Partition.
    pub(crate) partition: Option<String>,
    /// Account.
    pub(crate) account: Option<String>,
    /// Processors of a task of the array; 1 by default.
    pub(crate) cpus: Option<usize>,
    /// Devices of a task of the array.
    pub(crate) gpus: Option<usize>,
    /// Memory, as in `8G`.
    pub(crate) memory: Option<String>,
    /// Jobs of a task of the array; by default 1, or as many as the cluster's greatest array asks for.
    pub(crate) chunk: Option<usize>,
    /// Seconds before the limit at which a job is told to write a checkpoint; 120 by default.
    pub(crate) signal: Option<u64>,
    /// Further lines of the script, before phew is called.
    #[serde(default)]
    pub(crate) lines: Vec<String>,
}

/// Resources on this machine.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LocalPlan {
    /// Jobs side by side.
    pub(crate) parallel: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    #[serde(default, rename = "about")]
    _about: Option<String>,
    #[serde(default)]
    settings: toml::Table,
    #[serde(default)]
    axes: toml::Table,
    #[serde(default)]
    exclude: Vec<toml::Table>,
    #[serde(default, rename = "override")]
    overrides: Vec<OverrideFile>,
    measure: Vec<String>,
    #[serde(default)]
    slurm: SlurmPlan,
    #[serde(default)]
    local: LocalPlan,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OverrideFile {
    when: toml::Table,
    #[serde(default)]
    set: toml::Table,
    measure: Option<Vec<String>>,
}

impl Plan {
    /// The settings that decide others: those that a value names as `{NAME}`, and those that an override depends on.
    pub(crate) fn deciding(&self) -> BTreeSet<String> {
        let axes = self.axes.iter().flat_map(|(_, values)| values);
        let set = self.overrides.iter().flat_map(|other| other.set.values());
        let words = self.settings.values().chain(axes).chain(set).filter_map(Value::as_str);
        let named = words.flat_map(|word| word.split('{').skip(1));
        let named = named.filter_map(|part| part.split_once('}')).map(|(name, _)| name);
        let asked = self.overrides.iter().flat_map(|other| other.when.names());
        named.chain(asked).map(str::to_owned).collect()
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// If it cannot be read, or holds what no plan has: named, with what is known.
    pub(crate) fn load(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display().to_string();
        let text = phew_graph::read_text(path).with_context(|| shown.clone())?;
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self::parse(&text, folder).map_err(|e| e.context(format!("{shown}: is no plan")))
    }

    /// The plan of a text; relative files of it are looked for in `folder`.
    pub(crate) fn parse(text: &str, folder: &Path) -> anyhow::Result<Self> {
        let file: File = toml::from_str(text).map_err(|e| {
            let before = text.get(..e.span().map_or(0, |span| span.start)).unwrap_or_default();
            anyhow!("line {}: {}", before.matches('\n').count() + 1, e.message())
        })?;
        if file.name.is_empty()
            || !file.name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c))
        {
            bail!("name = \"{}\": expected letters, digits, `-`, `_` and `.`", file.name);
        }
        let settings = settings(&file.settings, "settings")?;
        let axes = axes(&file.axes)?;
        if let Some((name, _)) = axes.iter().find(|(name, _)| settings.contains_key(name)) {
            bail!("`{name}` is a setting and an axis");
        }
        let mut known: Vec<String> =
            settings.keys().chain(axes.iter().map(|(n, _)| n)).cloned().collect();
        let mut overrides = Vec::new();
        for OverrideFile { when, set, measure } in &file.overrides {
            let set = self::settings(set, "override.set")?;
            known.extend(set.keys().cloned());
            overrides.push((when, set, measure.clone()));
        }
        let conditions = |table: &toml::Table, place: &str| {
            let conditions = Conditions::of_table(table).map_err(|e| anyhow!("{place}: {e}"))?;
            if let Some(name) = conditions.names().find(|name| !known.iter().any(|k| k == name)) {
                let known = known.join(", ");
                bail!("{place}: `{name}` is neither an axis nor a setting; known are {known}");
            }
            Ok(conditions)
        };
        let exclude = file.exclude.iter().map(|table| conditions(table, "exclude"));
        let exclude = exclude.collect::<anyhow::Result<_>>()?;
        let overrides = overrides.into_iter().map(|(when, set, measure)| {
            Ok(Override { when: conditions(when, "override.when")?, set, measure })
        });
        let overrides: Vec<Override> = overrides.collect::<anyhow::Result<_>>()?;
        let lists = overrides.iter().filter_map(|o| o.measure.as_ref()).chain([&file.measure]);
        for name in lists.flatten() {
            measures::measure(name)?;
        }
        Ok(Self {
            name: file.name,
            settings,
            axes,
            exclude,
            overrides,
            measure: file.measure,
            slurm: file.slurm,
            local: file.local,
            folder: folder.to_owned(),
            source: text.to_owned(),
        })
    }
}

fn settings(table: &toml::Table, place: &str) -> anyhow::Result<Settings> {
    let mut found = Vec::new();
    flat(table, "", &mut found);
    let value = |(name, value): (String, &toml::Value)| match of_toml(value) {
        Ok(value) => Ok((name, value)),
        Err(problem) => Err(anyhow!("{place}.{name}: {problem}")),
    };
    found.into_iter().map(value).collect()
}

fn axes(table: &toml::Table) -> anyhow::Result<Vec<(String, Vec<Value>)>> {
    let mut found = Vec::new();
    flat(table, "", &mut found);
    let mut axes = Vec::new();
    for (name, value) in found {
        let values = match value {
            toml::Value::Array(list) => list.iter().map(of_toml).collect::<Result<Vec<_>, _>>(),
            toml::Value::String(text) => match range(text) {
                Some(range) => Ok(range),
                None => of_toml(value).map(|value| vec![value]),
            },
            other => of_toml(other).map(|value| vec![value]),
        };
        let values = values.map_err(|problem| anyhow!("axes.{name}: {problem}"))?;
        if values.is_empty() {
            bail!("axes.{name}: found no value, expected one or more");
        }
        let mut known = BTreeSet::new();
        if let Some(twice) = values.iter().find(|value| !known.insert(text(value))) {
            bail!("axes.{name}: {} is given twice", text(twice));
        }
        axes.push((name, values));
    }
    let cells = axes.iter().try_fold(1_usize, |cells, (_, values)| cells.checked_mul(values.len()));
    if cells.is_none_or(|cells| cells > MOST_CELLS) {
        let sizes: Vec<String> = axes.iter().map(|(_, values)| values.len().to_string()).collect();
        bail!("axes: {} cells, expected at most {MOST_CELLS}", sizes.join("×"));
    }
    Ok(axes)
}

/// Combinations of values: more than a grid of jobs would ever have.
const MOST_CELLS: usize = 100_000;

/// The whole numbers of `0-9`.
fn range(text: &str) -> Option<Vec<Value>> {
    const MOST: u64 = MOST_CELLS as u64;
    let (first, last) = text.split_once('-')?;
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last && last - first < MOST).then(|| (first..=last).map(Value::from).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> anyhow::Result<Plan> {
        Plan::parse(text, Path::new("."))
    }

    fn refusal(text: &str) -> String {
        format!("{:#}", parse(text).unwrap_err())
    }

    #[test]
    fn axes_are_lists_ranges_or_one_value_and_names_can_have_a_command() {
        let plan = parse(
            "name = 'a'\nmeasure = ['widths']\n[settings]\narch = 'lenet-5'\n\
             [axes]\nseed = '0-3'\ndensity = [0.10, 0.2]\nbias = 'square'\ntrain.seed = [7]\n",
        )
        .unwrap();
        let axis = |name: &str| &plan.axes.iter().find(|(n, _)| n == name).unwrap().1;
        assert_eq!(axis("seed"), &[json!(0), json!(1), json!(2), json!(3)]);
        assert_eq!(axis("density"), &[json!(0.1), json!(0.2)]);
        assert_eq!((axis("bias"), axis("train.seed")), (&vec![json!("square")], &vec![json!(7)]));
    }

    #[test]
    fn what_no_plan_has_is_refused_by_name() {
        let begin = "name = 'a'\nmeasure = ['widths']\n";
        for (text, parts) in [
            ("axis = 3", &["line 3", "unknown field `axis`", "`axes`"][..]),
            ("[axes]\nseed = []", &["axes.seed", "expected one or more"]),
            ("[axes]\nseed = [1, '1']", &["axes.seed: 1 is given twice"]),
            (
                "[axes]\nseed = '0-99999'\ninit-seed = '0-1'",
                &["2×100000 cells, expected at most 100000"],
            ),
            (
                // Their number wraps to 0 in 64 bits.
                "[axes]\na = '0-65535'\nb = '0-65535'\nc = '0-65535'\nd = '0-65535'",
                &["65536×65536×65536×65536 cells"],
            ),
            ("[settings]\nseed = 1\n[axes]\nseed = [1]", &["`seed` is a setting and an axis"]),
            ("[axes]\nseed = [1]\n[[exclude]]\nsed = 1", &["exclude: `sed`", "known are seed"]),
            ("[[override]]\nwhen = { a = 1 }", &["override.when: `a` is neither"]),
            ("[slurm]\ngpu = 1", &["unknown field `gpu`", "`gpus`"]),
            ("[settings]\na = 1979-05-27", &["settings.a", "expected a number"]),
        ] {
            let error = refusal(&format!("{begin}{text}"));
            assert!(parts.iter().all(|part| error.contains(part)), "{error}");
        }
        let error = refusal("name = 'a'\nmeasure = ['width']");
        assert!(error.contains("`width`") && error.contains("widths"), "{error}");
        assert!(refusal("name = '../a'\nmeasure = []").contains("expected letters"));
    }
}
