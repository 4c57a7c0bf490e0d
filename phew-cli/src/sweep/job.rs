//! A job: one command with all that decides its result, and the identity that follows from that.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::tool::{Tool, is_known, tool};
use super::value::{Settings, text};
use crate::failure::NeedsLibtorch;
use crate::methods::{methods, served};

/// Version of what an identity is made of. It changes when the same request comes to mean something else.
pub(crate) const SCHEMA: u32 = 1;

/// Hexadecimal digits of an identity: 80 bits, so that among a million jobs two are alike with probability 4e-13.
const DIGITS: usize = 20;

/// What asks in a plan for phew's own engine.
const ENGINE: &str = "oracle = \"engine\"";

/// All that decides what a job results in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spec {
    /// [`SCHEMA`].
    pub(crate) schema: u32,
    /// The command.
    pub(crate) tool: String,
    /// Words behind it.
    pub(crate) words: Vec<String>,
    /// Its options, without those that have their default value.
    pub(crate) settings: Settings,
    /// The hashes of files that options name.
    pub(crate) files: BTreeMap<String, String>,
    /// The identities of the jobs that it takes something from, by what.
    pub(crate) needs: BTreeMap<String, String>,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Job {
    /// What its results are known by: the beginning of the BLAKE3 hash of `spec` as JSON.
    pub(crate) id: String,
    /// What decides it.
    pub(crate) spec: Spec,
    /// Where the files lie that options name.
    pub(crate) paths: BTreeMap<String, PathBuf>,
    /// Options that decide nothing.
    pub(crate) local: Settings,
    /// Steps of a training whose networks others begin from. They decide nothing of its result.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) kept_steps: BTreeSet<u64>,
}

/// What a job takes from another, or leaves for one.
pub(crate) const MASK: &str = "mask";
/// As [`MASK`].
pub(crate) const WEIGHTS: &str = "weights";
/// The network of an early step, to train on from there.
pub(crate) const FROM: &str = "from";
/// The mask to compare with.
pub(crate) const OTHER: &str = "other";

/// Numbers that walks follow, and the setting of `measure` that asks for them: [`GRADIENT`] or [`SENSITIVITY`].
pub(crate) const SCORES: &str = "scores";
/// The magnitudes of the loss's gradient.
pub(crate) const GRADIENT: &str = "gradient";
/// The same times those of the weights.
pub(crate) const SENSITIVITY: &str = "sensitivity";

/// What a job takes from a training of which it wants the network of a step: `weights@250`.
pub(crate) fn at_step(what: &str, step: u64) -> String {
    format!("{what}@{step}")
}

/// What a job takes, and of which step if it is one's.
pub(crate) fn what_and_step(need: &str) -> (&str, Option<u64>) {
    let of_step = |(what, step): (_, &str)| Some((what, Some(step.parse().ok()?)));
    need.split_once('@').and_then(of_step).unwrap_or((need, None))
}

impl Spec {
    /// The identity.
    pub(crate) fn id(&self) -> anyhow::Result<String> {
        let hash = phew_graph::content_hash(serde_json::to_string(self)?.as_bytes());
        Ok(hash[..DIGITS].to_owned())
    }
}

impl Job {
    /// A job with its identity.
    pub(crate) fn new(
        spec: Spec,
        paths: BTreeMap<String, PathBuf>,
        local: Settings,
    ) -> anyhow::Result<Self> {
        Ok(Self { id: spec.id()?, spec, paths, local, kept_steps: BTreeSet::new() })
    }

    /// The command.
    pub(crate) fn tool(&self) -> anyhow::Result<&'static Tool> {
        let name = &self.spec.tool;
        tool(name).ok_or_else(|| match is_known(name) {
            true => NeedsLibtorch::new(name).into(),
            false => anyhow!("`{name}` is no command of a sweep"),
        })
    }

    /// Whether it trains.
    pub(crate) fn trains(&self) -> bool {
        self.spec.tool == "train"
    }

    /// Whether it measures what walks follow.
    fn is_scores(&self) -> bool {
        self.spec.tool == "measure" && self.spec.settings.contains_key(SCORES)
    }

    /// What it leaves in its folder.
    pub(crate) fn output(&self) -> Option<&'static str> {
        match &*self.spec.tool {
            "init" | "reinit" | "isometry" => Some("weights.safetensors"),
            "prune" | "shuffle" | "widen" | "repair" => Some("mask.safetensors"),
            "train" => Some("run"),
            "examples" => Some("examples.safetensors"),
            "measure" if self.is_scores() => Some("scores.safetensors"),
            _ => None,
        }
    }

    /// The words of its command line, behind the command; `needs` says where the files of other jobs lie.
    pub(crate) fn words(
        &self,
        folder: &Path,
        needs: impl Fn(&str, &str) -> anyhow::Result<PathBuf>,
    ) -> anyhow::Result<Vec<OsString>> {
        let mut words: Vec<OsString> = self.spec.words.iter().map(OsString::from).collect();
        for (name, value) in self.spec.settings.iter().chain(&self.local) {
            if name == SCORES && self.is_scores() {
                // The file itself is the output.
                words.extend((value == SENSITIVITY).then(|| "--sensitivity".into()));
                continue;
            }
            words.push(match value {
                Value::Bool(_) => format!("--{name}").into(),
                value => format!("--{name}={}", text(value)).into(),
            });
        }
        if !self.kept_steps.is_empty() {
            let steps: Vec<String> = self.kept_steps.iter().map(u64::to_string).collect();
            words.push(format!("--remember={}", steps.join(",")).into());
        }
        let assigned = |name: &str, path: &Path| {
            let mut word = OsString::from(format!("--{name}="));
            word.push(path);
            word
        };
        let mut files: Vec<(&str, PathBuf)> =
            self.paths.iter().map(|(name, path)| (&**name, path.clone())).collect();
        for (need, id) in &self.spec.needs {
            files.push((what_and_step(need).0, needs(id, need)?));
        }
        // `compare` takes its masks without options.
        for (name, path) in &files {
            match (&*self.spec.tool, *name) {
                ("compare", MASK) => words.push(path.into()),
                ("compare", OTHER) => {}
                _ => words.push(assigned(name, path)),
            }
        }
        words.extend(files.iter().find(|(name, _)| *name == OTHER).map(|(_, path)| path.into()));
        if let Some(output) = self.output() {
            let option = if self.is_scores() { "gradients" } else { "output" };
            words.push(assigned(option, &folder.join(output)));
            if !self.trains() {
                words.push("--force".into());
            }
        }
        Ok(words)
    }

    /// Reads its command line as the command itself will, to refuse before the work what would be refused in it: what
    /// needs a build with libtorch among it.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let words = self.words(Path::new("job"), |_, what| Ok(PathBuf::from(what)))?;
        let refused =
            |e: clap::Error| anyhow!("{}: {}", self.spec.tool, first_lines(&e.to_string()));
        let command = self.tool()?.parse(&words).map_err(refused)?;
        if cfg!(not(feature = "train")) && command.uses_libtorch() {
            let tool = self.spec.tool.clone();
            let Some(method) = self.spec.settings.get("method").map(text) else {
                return Err(NeedsLibtorch::new(tool).into());
            };
            let error = NeedsLibtorch::new(format!("{tool} {method}"));
            let by_engine = methods().find(&method).is_ok_and(|method| served(method.needs));
            return Err(if by_engine { error.or_by_engine(ENGINE) } else { error }.into());
        }
        Ok(())
    }
}

/// What clap says, without how the command is called.
fn first_lines(message: &str) -> String {
    let lines = message.lines().take_while(|line| !line.starts_with("Usage:"));
    let words = lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ");
    words.trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job() -> Job {
        let spec = Spec {
            schema: SCHEMA,
            tool: "prune".into(),
            words: Vec::new(),
            settings: [("arch".into(), json!("lenet-5")), ("density".into(), json!(0.1))].into(),
            files: BTreeMap::new(),
            needs: [(WEIGHTS.into(), "0123".into())].into(),
        };
        Job::new(spec, BTreeMap::new(), Settings::new()).unwrap()
    }

    #[test]
    fn an_identity_never_changes_silently() {
        assert_eq!(job().id, "6306cf96d429b1f61a69");
        let mut other = job().spec;
        other.settings.insert("density".into(), json!(0.2));
        assert_ne!(other.id().unwrap(), job().id);
    }

    #[test]
    fn a_job_is_a_command_line() {
        let needs = |id: &str, what: &str| Ok(PathBuf::from(format!("{id}/{what}")));
        let words = job().words(Path::new("d"), needs).unwrap();
        let words: Vec<_> = words.iter().map(|word| word.to_str().unwrap()).collect();
        assert_eq!(
            words,
            [
                "--arch=lenet-5",
                "--density=0.1",
                "--weights=0123/weights",
                "--output=d/mask.safetensors",
                "--force"
            ]
        );
        job().check().unwrap();
    }

    #[test]
    fn the_command_s_own_parser_refuses_what_it_does_not_read() {
        let mut job = job();
        job.spec.settings.insert("density".into(), json!("much"));
        let error = job.check().unwrap_err().to_string();
        assert!(error.contains("prune: invalid value 'much' for '--density"), "{error}");
    }
}
