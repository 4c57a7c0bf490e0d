//! Where a result comes from: the one set of fields that masks, results of runs and JSON have.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::weights::Network;

/// Version of the fields of [`Provenance`]; those written before they had a version are 1.
pub const SCHEMA: u32 = 2;

/// Where a result comes from.
///
/// Masks hold it as canonical JSON under the metadata key `phew`, results of runs under `provenance`, and the JSON of
/// `phew prune` among its own fields; `docs/formats.md` lists the fields. What does not apply is left out.
///
/// The fields stand in alphabetical order, so that their JSON is canonical.
///
/// # Examples
/// ```
/// use phew_graph::{Init, Network, Provenance, zoo};
///
/// let network = Network::initialise(zoo::mlp(&[4, 3, 2]).build()?, Init::default(), 0)?;
/// let from = Provenance { method: Some("my-method".into()), ..Provenance::of(&network) };
/// assert_eq!((from.arch.as_str(), from.weights), ("mlp-4-3-2", network.fingerprint()));
/// # Ok::<(), phew_graph::GraphError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Name of the architecture.
    pub arch: String,
    /// [`crate::Arch::fingerprint`]; none in files of schema 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch_hash: Option<String>,
    /// Name of the data set, where one was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Hash of its images and labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_hash: Option<String>,
    /// Density that was asked for, or what so many paths came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub density: Option<f64>,
    /// Where libtorch computed, if the result depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// [`crate::Arch::extensions`]: operators whose paths the papers do not define.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Vec<String>,
    /// Initialiser of the weights, if they were drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<String>,
    /// Weights kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<usize>,
    /// Version of libtorch, if the result depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub libtorch: Option<String>,
    /// [`crate::Mask::fingerprint`] of the mask that a run or a measurement took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<String>,
    /// Name of the pruning method; none for a dense network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Scales of normalisations, if they were drawn other than as 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub norm_scale: Option<String>,
    /// The method's parameters by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// Prunable weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prunable: Option<usize>,
    /// Seed of a training: of the order of the images and of their augmentation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_seed: Option<u64>,
    /// [`SCHEMA`] of the writer.
    #[serde(default = "first")]
    pub schema: u32,
    /// Seed of the method's random choices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Threads of libtorch, if the result depends on them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
    /// Version of phew.
    pub version: String,
    /// [`Network::fingerprint`] of the weights.
    pub weights: String,
    /// Seed of the weights, if they were drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights_seed: Option<u64>,
}

/// The schema of what does not name one.
fn first() -> u32 {
    1
}

impl Provenance {
    /// What can be said of a network: architecture and weights, by this version of phew.
    #[must_use]
    pub fn of(network: &Network) -> Self {
        Self {
            arch: network.arch().name().to_owned(),
            arch_hash: Some(network.arch().fingerprint()),
            extensions: network.arch().extensions(),
            prunable: Some(network.arch().prunable_len()),
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            weights: network.fingerprint(),
            ..Self::default()
        }
    }

    /// Its canonical JSON: the fields stand in alphabetical order, and maps are sorted.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self)
            .unwrap_or_else(|e| unreachable!("string keys and finite numbers serialise: {e}"))
    }

    /// Reads the JSON of any schema up to [`SCHEMA`], whose fields get today's names.
    ///
    /// # Errors
    /// What is wrong with it, as text: no such JSON, or a later schema.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let mut read: Self = serde_json::from_str(text).map_err(|e| e.to_string())?;
        if read.schema > SCHEMA {
            let Self { schema, version, .. } = read;
            return Err(format!("schema {schema} of phew {version}, expected at most {SCHEMA}"));
        }
        if read.schema < 2 {
            read.name_as_schema_2();
        }
        Ok(read)
    }

    /// Schema 1 had these among the method's parameters.
    fn name_as_schema_2(&mut self) {
        let parameters = &mut self.parameters;
        let mut word = |name: &str| match parameters.remove(name)? {
            serde_json::Value::String(word) => Some(word),
            other => Some(other.to_string()),
        };
        let seed;
        (self.data, self.device) = (word("data"), word("device"));
        (self.init, self.norm_scale, seed) = (word("init"), word("norm_scale"), word("init_seed"));
        self.weights_seed = seed.and_then(|seed| seed.parse().ok());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_schema_1_get_their_names_of_today() {
        let text = r#"{"arch":"a","density":0.1,"method":"snip","parameters":{"data":"digits","device":"cpu",
            "init":"orthogonal","init_seed":18446744073709551615,"mode":"train","norm_scale":"uniform"},
            "seed":3,"version":"0.1.0","weights":"w"}"#;
        let read = Provenance::from_json(text).unwrap();
        let word = |text: &str| Some(text.to_owned());
        assert_eq!((read.schema, read.seed, read.weights_seed), (1, Some(3), Some(u64::MAX)));
        assert_eq!((read.data, read.device), (word("digits"), word("cpu")));
        assert_eq!((read.init, read.norm_scale), (word("orthogonal"), word("uniform")));
        assert_eq!(read.parameters.keys().collect::<Vec<_>>(), ["mode"]);
    }

    #[test]
    fn a_later_schema_is_refused_by_its_number() {
        let text = r#"{"arch":"a","schema":99,"version":"7.0.0","weights":"w"}"#;
        let error = Provenance::from_json(text).unwrap_err();
        assert_eq!(error, "schema 99 of phew 7.0.0, expected at most 2");
    }

    #[test]
    fn fields_are_written_in_alphabetical_order() {
        let all = Provenance {
            arch_hash: Some(String::new()),
            data: Some(String::new()),
            data_hash: Some(String::new()),
            density: Some(0.5),
            device: Some(String::new()),
            extensions: vec!["attention".to_owned()],
            init: Some(String::new()),
            kept: Some(1),
            libtorch: Some(String::new()),
            mask: Some(String::new()),
            method: Some(String::new()),
            norm_scale: Some(String::new()),
            parameters: [("a".to_owned(), 1.into())].into(),
            prunable: Some(1),
            run_seed: Some(0),
            seed: Some(0),
            threads: Some(1),
            weights_seed: Some(0),
            ..Provenance::default()
        };
        let text = serde_json::to_string(&all).unwrap();
        let sorted: serde_json::Value = serde_json::from_str(&text).unwrap();
        let names: Vec<&String> = sorted.as_object().unwrap().keys().collect();
        let place = |name: &str| text.find(&format!("\"{name}\":")).unwrap();
        assert_eq!(names.len(), 22);
        assert!(names.is_sorted_by_key(|name| place(name)), "{text}");
    }
}
