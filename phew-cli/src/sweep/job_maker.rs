//! From a cell's settings to a job: which of them concern a command, and what follows from them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::input::{Input, Inputs, absolute};
use super::job::{GRADIENT, Job, SCHEMA, SCORES, SENSITIVITY, Spec, WEIGHTS, at_step};
use super::plan::Plan;
use super::recipe::{RecipeFacts, recipe, shape_of};
use super::tool::{Kind, Opt, Tool, is_known, tool};
use super::value::{Settings, of_text, text};
use crate::failure::NeedsLibtorch;
use crate::methods::{DEFAULT, is_option_of_methods, is_option_of_others};

/// Jobs, each after those that it needs, and each once.
#[derive(Debug, Default)]
pub(super) struct JobSet {
    pub(super) jobs: Vec<Job>,
    /// Where each stands.
    places: BTreeMap<String, usize>,
    inputs: Inputs,
    /// Settings of the plan that a job or the wiring has taken up.
    pub(super) used: BTreeSet<String>,
}

impl JobSet {
    /// Adds a job, if it is not there, and to its steps the one to be kept.
    fn add(&mut self, job: Job, kept_step: Option<u64>) -> anyhow::Result<String> {
        let id = job.id.clone();
        let place = match self.places.get(&id) {
            Some(&place) => place,
            None => {
                job.check()?;
                self.jobs.push(job);
                self.places.insert(id.clone(), self.jobs.len() - 1);
                self.jobs.len() - 1
            }
        };
        self.jobs[place].kept_steps.extend(kept_step);
        Ok(id)
    }
}

/// Settings that say how jobs are wired, and options that the wiring gives.
const WIRING: [&str; 7] =
    ["mask", "weights", "init", "init-seed", NORM_SCALE, "prune", "transformation"];

/// What the scales of normalisations are drawn from.
const NORM_SCALE: &str = "norm-scale";

/// Where `train` has its options about pruning.
const IN_COURSE: &str = "Pruning in the course of training";

/// Options that say where, not what: a result does not depend on them.
const LOCAL: [&str; 2] = ["checkpoint-every", "data-dir"];

/// Something that a job reads: what another left, or a file.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Job(String),
    /// A training's network of a step.
    Step(String, u64),
    File(Input),
}

/// What goes into a job beside the cell's settings.
#[derive(Clone, Debug, Default)]
pub(super) struct Given {
    pub(super) words: &'static [&'static str],
    pub(super) options: Vec<(String, Value)>,
    pub(super) from: Vec<(&'static str, Source)>,
    /// What of the gradient is written for walks to follow.
    pub(super) scores: Option<Value>,
    /// A step of a training whose network is to be kept.
    pub(super) kept_step: Option<u64>,
    /// The role of the measure that it serves.
    pub(super) role: &'static str,
    /// Whether it is a training that prunes in its course.
    pub(super) in_course: bool,
    /// Whether it is a training under a mask.
    pub(super) masked: bool,
}

/// What makes the jobs of one cell.
pub(super) struct JobMaker<'a> {
    set: &'a mut JobSet,
    plan: &'a Plan,
    pub(super) settings: Settings,
    pub(super) recipe: Option<RecipeFacts>,
}

impl<'a> JobMaker<'a> {
    pub(super) fn new(
        set: &'a mut JobSet,
        plan: &'a Plan,
        settings: Settings,
        trains: bool,
    ) -> anyhow::Result<Self> {
        let name = settings.get("recipe").map(text);
        // It says the network, the initialiser and the data of whatever is done.
        set.used.extend(name.is_some().then(|| "recipe".to_owned()));
        // What `train` takes by default.
        let name = name.or_else(|| trains.then(|| "digits".to_owned()));
        let recipe = match name {
            Some(name) => Some(recipe(&name, &plan.folder, &mut set.inputs)?),
            None => None,
        };
        Ok(Self { set, plan, settings, recipe })
    }

    /// A setting, which counts as used.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        let value = self.settings.get(name).cloned();
        if value.is_some() {
            self.set.used.insert(name.to_owned());
        }
        value
    }

    pub(super) fn take_file(&mut self, name: &str) -> anyhow::Result<Option<Source>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let found = self.set.inputs.find(&self.plan.folder, &text(&value));
        Ok(Some(Source::File(found.with_context(|| format!("setting `{name}`"))?)))
    }

    /// How weights are drawn, as options of a command that calls the seed so: the same for all jobs of a cell.
    pub(super) fn drawn(&mut self, name: &str, seed_name: &str) -> Vec<(String, Value)> {
        let init = self.take("init");
        let usual = || self.recipe.as_ref().map_or("kaiming-normal", |recipe| &recipe.init).into();
        let init = init.unwrap_or_else(usual);
        let seed = self.take("init-seed").or_else(|| self.settings.get("seed").cloned());
        let seed = seed.unwrap_or_else(|| json!(0));
        let mut options = vec![("init".to_owned(), init), (seed_name.to_owned(), seed)];
        if tool(name).is_some_and(|tool| tool.option(NORM_SCALE).is_some()) {
            let of_recipe = self.recipe.as_ref().and_then(|recipe| recipe.norm_scale.clone());
            let scale = self.take(NORM_SCALE).or(of_recipe.map(Value::from));
            options.extend(scale.map(|scale| (NORM_SCALE.to_owned(), scale)));
        }
        options
    }

    /// A job that reads weights, or draws them.
    pub(super) fn on_weights(
        &mut self,
        name: &str,
        mut given: Given,
        weights: Option<Source>,
    ) -> anyhow::Result<String> {
        match weights {
            Some(weights) => given.from.push((WEIGHTS, weights)),
            None => given.options.extend(self.drawn(name, "init-seed")),
        }
        self.job(name, given)
    }

    /// The job of a command with the cell's settings and what the wiring gives.
    pub(super) fn job(&mut self, name: &str, given: Given) -> anyhow::Result<String> {
        let Some(tool) = tool(name) else {
            return Err(NeedsLibtorch::new(name).into());
        };
        let mut parts = Parts::default();
        for (option, value) in self.implied(tool) {
            self.put(tool, &option, &value, &mut parts)?;
        }
        // Settings for this command alone come last, and what the wiring gives before them.
        let settings: Vec<(String, Value)> =
            self.settings.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        for (setting, value) in &settings {
            // A job that measures them, not a file.
            if setting == SCORES && measured_scores(value) {
                continue;
            }
            let scoped = setting.split_once('.').is_some_and(|(head, _)| is_known(head));
            let Some(option) = tool.option(setting).filter(|_| !scoped) else { continue };
            if !WIRING.contains(&&**setting) && self.concerns(tool, option, &given) {
                self.set.used.insert(setting.clone());
                let value = match (name, &**setting, value.as_u64()) {
                    // Not the stream that the first weights came from.
                    ("reinit", "seed", Some(seed)) => seed.wrapping_add(1).into(),
                    _ => value.clone(),
                };
                self.put(tool, setting, &value, &mut parts)?;
            }
        }
        for (option, value) in &given.options {
            self.put(tool, option, value, &mut parts)?;
        }
        // What a plan says of a measure is not said of the scores that walks follow.
        let own = settings.iter().filter(|_| given.role != SCORES);
        for (setting, value) in own {
            let Some((_, option)) = setting.split_once('.').filter(|(head, _)| *head == name)
            else {
                continue;
            };
            let Some(found) = tool.option(option) else {
                bail!(
                    "setting `{setting}`: `{name}` has no such option, or the sweep gives it itself"
                );
            };
            if self.concerns(tool, found, &given) {
                self.set.used.insert(setting.clone());
                self.put(tool, option, value, &mut parts)?;
            }
        }
        for (what, source) in given.from {
            match source {
                Source::Job(id) => drop(parts.needs.insert(what.to_owned(), id)),
                Source::Step(id, step) => drop(parts.needs.insert(at_step(what, step), id)),
                Source::File(file) => parts.file(what, file),
            }
        }
        if let Some(scores) = given.scores {
            parts.settings.insert(SCORES.to_owned(), scores);
        }
        let spec = Spec {
            schema: SCHEMA,
            tool: name.to_owned(),
            words: given.words.iter().map(|word| (*word).to_owned()).collect(),
            settings: parts.settings,
            files: parts.files,
            needs: parts.needs,
        };
        self.set.add(Job::new(spec, parts.paths, parts.local)?, given.kept_step)
    }

    /// Options that follow from the recipe and the data set where a plan does not give them.
    fn implied(&self, tool: &Tool) -> Vec<(String, Value)> {
        let mut implied: Vec<(&str, Value)> = Vec::new();
        let recipe = self.recipe.as_ref();
        let arch = self.settings.get("arch").map(text).or(recipe.map(|r| r.arch.clone()));
        if let Some(arch) = &arch {
            implied.push(("arch", of_text(arch)));
        }
        let set = self.settings.get("data").map(text).or(recipe.map(|r| r.set.clone()));
        let Some(set) = set else { return own(tool, implied) };
        // A network that states its own sizes is not made to fit the data.
        let open = arch.is_some_and(|a| !a.starts_with("mlp-") && !is_file(&a));
        if let Some((classes, input)) = shape_of(&set).filter(|_| open) {
            implied.push(("classes", classes.into()));
            implied.push(("input", input.into()));
        }
        // The recipe of a training has its data itself.
        if let Some(recipe) = recipe.filter(|_| !["train", "recipe"].contains(&tool.name)) {
            let looks = match tool.name {
                "prune" => !is_option_of_others(&self.method(), "data"),
                name => ["measure", "examples"].contains(&name),
            };
            if looks {
                implied.push(("data", of_text(&set)));
                if !self.settings.contains_key("data") {
                    implied.extend(recipe.folder.as_ref().map(|f| ("data-dir", f.as_str().into())));
                }
                implied.extend(recipe.transform.map(|seed| ("transform", seed.into())));
                let not_given = |(name, _): &&(&str, Value)| !self.settings.contains_key(&**name);
                implied.extend(recipe.images.iter().filter(not_given).cloned());
            }
        }
        own(tool, implied)
    }

    /// The method of a pruning: the one of the settings, or the one that `prune` takes by default.
    fn method(&self) -> String {
        self.settings.get("method").map_or_else(|| DEFAULT.to_owned(), text)
    }

    /// Whether a setting that a command has an option for concerns this job of it.
    fn concerns(&self, tool: &Tool, option: &Opt, given: &Given) -> bool {
        let name = &*option.name;
        match tool.name {
            "train" | "recipe" if is_option_of_methods(name) => {
                let method = self.settings.get("method").map(text);
                given.in_course && !method.is_some_and(|method| is_option_of_others(&method, name))
            }
            "train" | "recipe" if option.heading.as_deref() == Some(IN_COURSE) => {
                given.in_course || (given.masked && name.starts_with("redraw"))
            }
            "prune" => !is_option_of_others(&self.method(), name),
            "repair" if name == "seed" => self.settings.contains_key("refill"),
            "inspect" => match name {
                "spectrum" => given.role == name,
                "probes" => given.role == "spectral-density",
                _ => ["arch", "classes", "input"].contains(&name),
            },
            _ => true,
        }
    }

    /// Notes a value of an option in the place that its kind has.
    fn put(
        &mut self,
        tool: &Tool,
        name: &str,
        value: &Value,
        parts: &mut Parts,
    ) -> anyhow::Result<()> {
        let Some(option) = tool.option(name) else {
            bail!("`{}` has no option `{name}`", tool.name);
        };
        parts.forget(name);
        let word = text(value);
        if name == "data-dir" {
            let path = absolute(&self.plan.folder, &word)?;
            parts.local.insert(name.to_owned(), path.display().to_string().into());
            // A published set is what it is; a folder of one's own is what lies in it.
            let of_recipe = || self.recipe.as_ref().is_some_and(|recipe| recipe.set == "folder");
            if self.settings.get("data").map_or_else(of_recipe, |set| set == "folder") {
                let found = self.set.inputs.find(&self.plan.folder, &word)?;
                parts.files.insert(name.to_owned(), found.hash);
            }
            return Ok(());
        }
        if LOCAL.contains(&name) {
            parts.local.insert(name.to_owned(), value.clone());
            return Ok(());
        }
        let file = ["arch", "recipe"].contains(&name) && is_file(&word);
        if option.kind == Kind::File || file {
            let found = self.set.inputs.find(&self.plan.folder, &word);
            parts.file(name, found.with_context(|| format!("setting `{name}`"))?);
            return Ok(());
        }
        if name == "recipe" {
            let hash = self.recipe.as_ref().map(|recipe| recipe.hash.clone());
            parts.files.extend(hash.map(|hash| (name.to_owned(), hash)));
        }
        let idle = *value == Value::Bool(false) || option.default.as_ref() == Some(value);
        if !idle {
            parts.settings.insert(name.to_owned(), value.clone());
        }
        Ok(())
    }
}

/// Whether scores are measured, and not read from a file.
pub(super) fn measured_scores(value: &Value) -> bool {
    value == GRADIENT || value == SENSITIVITY
}

/// Whether a network or a recipe is named by its file.
fn is_file(name: &str) -> bool {
    [".toml", ".pt2", ".onnx"].into_iter().any(|end| name.ends_with(end))
}

/// Those of the options that a command has.
fn own(tool: &Tool, options: Vec<(&str, Value)>) -> Vec<(String, Value)> {
    let has = options.into_iter().filter(|(name, _)| tool.option(name).is_some());
    has.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The parts of a job in the making.
#[derive(Debug, Default)]
struct Parts {
    settings: Settings,
    files: BTreeMap<String, String>,
    needs: BTreeMap<String, String>,
    paths: BTreeMap<String, std::path::PathBuf>,
    local: Settings,
}

impl Parts {
    fn file(&mut self, name: &str, Input { path, hash }: Input) {
        self.files.insert(name.to_owned(), hash);
        self.paths.insert(name.to_owned(), path);
    }

    /// Takes back what was noted of an option: the last word counts.
    fn forget(&mut self, name: &str) {
        self.settings.remove(name);
        self.local.remove(name);
        self.files.remove(name);
        self.paths.remove(name);
    }
}
