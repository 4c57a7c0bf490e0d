//! Numbers that papers print, from a data file.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

/// The numbers of the papers that phew reproduces.
const OURS: &str = include_str!("../../reproductions/published.toml");

/// An accuracy that a paper prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Published {
    /// The paper.
    pub source: String,
    /// The paper that this one quotes, if it does.
    pub by: Option<String>,
    /// Its table.
    pub table: String,
    /// The network, as phew calls it.
    pub network: String,
    /// The data set, as phew calls it.
    pub data: String,
    /// The method, as phew calls it.
    pub method: String,
    /// What else decided it, as a sweep calls it.
    pub settings: BTreeMap<String, toml::Value>,
    /// Part of the weights kept.
    pub density: f64,
    /// The accuracy in percent.
    pub value: f64,
    /// Its standard deviation.
    pub deviation: Option<f64>,
    /// How many runs it is the mean of.
    pub n: Option<usize>,
    /// Whether it was read off a plot.
    pub approximate: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    table: Vec<Table>,
}

/// The numbers of a network and a data set.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    source: String,
    table: String,
    network: String,
    data: String,
    n: Option<usize>,
    row: Vec<Row>,
}

/// The numbers of a method, one for each density.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    method: String,
    by: Option<String>,
    #[serde(default)]
    settings: BTreeMap<String, toml::Value>,
    #[serde(default)]
    approximate: bool,
    density: Vec<f64>,
    value: Vec<f64>,
    deviation: Option<Vec<f64>>,
}

/// Reads a file of published numbers, or those that come with phew.
///
/// # Errors
/// If the file cannot be read, or a row has not one value for each density.
pub fn read_published(path: Option<&Path>) -> anyhow::Result<Vec<Published>> {
    let Some(path) = path else { return parse(OURS).context("published.toml of phew") };
    let named = || path.display().to_string();
    parse(&phew_graph::read_text(path).with_context(named)?).with_context(named)
}

/// The numbers that come with phew, of the tables of these keys: `patil-dovrolis-2020-table-1`,
/// `frankle-2021-appendix-h-1`.
///
/// # Errors
/// If there are none of a key.
pub(crate) fn published_of(keys: &[String]) -> anyhow::Result<Vec<Published>> {
    let all = read_published(None)?;
    if let Some(key) = keys.iter().find(|key| all.iter().all(|one| one.key() != **key)) {
        let known: std::collections::BTreeSet<String> = all.iter().map(Published::key).collect();
        let known = known.into_iter().collect::<Vec<_>>().join(", ");
        bail!("published: found `{key}`, expected one of {known}");
    }
    Ok(all.into_iter().filter(|one| keys.contains(&one.key())).collect())
}

impl Published {
    /// What its table is known by: authors, year, table.
    fn key(&self) -> String {
        let source = self.source.split(" (").next().unwrap_or_default().to_lowercase();
        let words = source.split_whitespace().filter(|word| !["&", "et", "al."].contains(word));
        let appendix = self.table.starts_with(char::is_alphabetic);
        let table = self.table.to_lowercase().replace('.', "-");
        let place = if appendix { "appendix" } else { "table" };
        format!("{}-{place}-{table}", words.collect::<Vec<_>>().join("-"))
    }
}

fn parse(text: &str) -> anyhow::Result<Vec<Published>> {
    let file: File = toml::from_str(text)?;
    let mut found = Vec::new();
    for table in file.table {
        for row in table.row {
            let deviations = row.deviation.as_ref().map_or(row.density.len(), Vec::len);
            if row.value.len() != row.density.len() || deviations != row.density.len() {
                bail!(
                    "{}, table {}, {}: {} values and {deviations} deviations for {} densities",
                    table.source,
                    table.table,
                    row.method,
                    row.value.len(),
                    row.density.len(),
                );
            }
            for (place, density) in row.density.iter().enumerate() {
                found.push(Published {
                    source: table.source.clone(),
                    by: row.by.clone(),
                    table: table.table.clone(),
                    network: table.network.clone(),
                    data: table.data.clone(),
                    method: row.method.clone(),
                    settings: row.settings.clone(),
                    density: *density,
                    value: row.value[place],
                    deviation: row.deviation.as_ref().map(|deviations| deviations[place]),
                    n: table.n,
                    approximate: row.approximate,
                });
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_that_come_with_phew_are_read_and_are_of_networks_and_methods_that_it_knows() {
        let found = read_published(None).unwrap();
        assert_eq!(found.len(), 706);
        // Networks by the names of the paper: VGG-16 with two fully connected layers, wide ResNets of 6n + 2 layers.
        let theirs = ["vgg2-16", "wrn-14-8", "wrn-14-10", "wrn-20-8", "wrn-32-2"];
        for one in &found {
            let known = phew_graph::zoo::by_name(&one.network).is_ok();
            let known = known || theirs.contains(&one.network.as_str());
            assert!(known, "{}", one.network);
            assert!(one.method == "dense" || crate::methods::methods().find(&one.method).is_ok());
            assert!(one.density > 0.0 && one.density <= 1.0, "{one:?}");
            assert!((10.0..100.0).contains(&one.value), "{one:?}");
        }
        let phew = found.iter().find(|one| {
            let place = (one.table.as_str(), one.network.as_str(), one.data.as_str());
            place == ("1", "vgg19", "cifar100")
                && one.method == "phew"
                && one.settings.is_empty()
                && one.density < 0.03
        });
        let phew = phew.unwrap();
        assert_eq!((phew.value, phew.deviation, phew.n), (69.17, Some(0.26), Some(3)));
    }

    #[test]
    fn a_row_has_a_value_for_each_density() {
        let text = "[[table]]\nsource = 'a'\ntable = '1'\nnetwork = 'b'\ndata = 'c'\n\
                    [[table.row]]\nmethod = 'd'\ndensity = [0.5, 0.1]\nvalue = [90.0]";
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains("a, table 1, d: 1 values"), "{error}");
        assert!(parse("[[table]]\nsauce = 1").unwrap_err().to_string().contains("sauce"));
    }
}
