//! From cells to jobs: which commands a cell consists of, what each takes from which, and what several share.
//!
//! A cell goes from a mask over its transformations to measures and a training:
//!
//! | setting | jobs |
//! |---|---|
//! | `method` (and `density`, …) | `prune`; none for `dense` |
//! | `mask = FILE` | none: the file takes its place |
//! | `prune = "after"` | a dense `train`, `prune` of what it learnt, `train` on |
//! | `prune = "rewind:STEP"` | a dense `train`, then for each density `prune` and `train` from that step |
//! | `prune = "at:STEP"`, `"gradual:N"` | one `train` that prunes in its course |
//! | `transformation = "repair+shuffle"` | one job for each, in their order |
//! | `against.NAME = VALUE` | the mask of the cell that is like this one but for these |
//!
//! Jobs of one identity are one job, whatever cells ask for them: a dense network is trained once.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, anyhow, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::cell::{Cell, cells};
use super::input::{Input, Inputs, absolute};
use super::job::{FROM, Job, MASK, OTHER, SCHEMA, Spec, WEIGHTS};
use super::measures::{Measure, measure};
use super::plan::Plan;
use super::recipe::{RecipeFacts, recipe, shape_of};
use super::tool::{Kind, Opt, Tool, is_known, tool, tools};
use super::value::{NONE, Settings, of_text, text};
use crate::methods::is_option_of_others;

/// A cell with its jobs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CellJobs {
    /// The cell.
    #[serde(flatten)]
    pub(crate) cell: Cell,
    /// The identities of its jobs, by role.
    pub(crate) jobs: BTreeMap<String, String>,
}

/// All jobs of a plan, each after those that it needs.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(crate) jobs: Vec<Job>,
    known: BTreeSet<String>,
    inputs: Inputs,
    /// Settings of the plan that a job or the wiring has taken up.
    used: BTreeSet<String>,
}

/// Settings that say how jobs are wired, and options that the wiring gives.
const WIRING: [&str; 7] =
    ["mask", "weights", "init", "init-seed", "prune", "remember", "transformation"];

/// Where `train` has its options about pruning.
const IN_COURSE: &str = "Pruning in the course of training";

/// The setting that makes a cell's mask that of another cell.
const AGAINST: &str = "against.";

/// Options that say where, not what: a result does not depend on them.
const LOCAL: [&str; 2] = ["checkpoint-every", "data-dir"];

/// Something that a job reads: what another left, or a file.
#[derive(Clone, Debug)]
enum Source {
    Job(String),
    File(Input),
}

/// What goes into a job beside the cell's settings.
#[derive(Clone, Debug, Default)]
struct Given {
    words: &'static [&'static str],
    options: Vec<(String, Value)>,
    from: Vec<(&'static str, Source)>,
    /// The role of the measure that it serves.
    role: &'static str,
    /// Whether it is a training that prunes in its course.
    in_course: bool,
    /// Whether it is a training under a mask.
    masked: bool,
}

/// A pruned network.
#[derive(Clone, Debug, Default)]
struct Pruned {
    mask: Option<Source>,
    /// None if they are drawn.
    weights: Option<Source>,
    /// The training that kept the step to begin from.
    from: Option<Source>,
    /// The training in whose course it was pruned.
    trained: Option<String>,
}

impl Graph {
    /// The cells of a plan and all of their jobs.
    ///
    /// # Errors
    /// If a setting is no option of any command, if a command refuses its options, or if a file cannot be read.
    pub(crate) fn of(plan: &Plan) -> anyhow::Result<(Self, Vec<CellJobs>)> {
        let mut graph = Self::default();
        let mut wired = Vec::new();
        for cell in cells(plan) {
            let jobs = graph.cell(plan, &cell).with_context(|| format!("cell {cell}"))?;
            wired.push(CellJobs { cell, jobs });
        }
        let names = wired.iter().flat_map(|cell| cell.cell.settings.keys());
        if let Some(idle) =
            names.collect::<BTreeSet<_>>().into_iter().find(|n| !graph.used.contains(*n))
        {
            bail!("setting `{idle}` is an option of no job of the plan{}", like(idle));
        }
        Ok((graph, wired))
    }

    fn cell(&mut self, plan: &Plan, cell: &Cell) -> anyhow::Result<BTreeMap<String, String>> {
        let (own, other) = split(cell, &mut self.used);
        let measures: Vec<&Measure> =
            cell.measure.iter().map(|name| measure(name)).collect::<anyhow::Result<_>>()?;
        let trains = measures.iter().any(|measure| measure.tool == "train");
        let mut wiring = Wiring::new(self, plan, own, trains)?;
        let pruned = wiring.pruned()?;
        let mut jobs = BTreeMap::new();
        if let (Some(Source::Job(id)), None) = (&pruned.mask, &pruned.trained) {
            jobs.insert("mask".to_owned(), id.clone());
        }
        for measure in measures {
            if jobs.contains_key(measure.role) {
                continue;
            }
            let id = match (measure.tool, &pruned.trained) {
                ("train", Some(id)) => Some(id.clone()),
                ("train", None) => Some(wiring.train(&pruned)?),
                ("compare", _) => continue,
                _ => Some(wiring.measure(measure, &pruned)?),
            };
            jobs.extend(id.map(|id| (measure.role.to_owned(), id)));
        }
        if cell.measure.iter().any(|name| name == "jaccard") {
            let Some(other) = other else {
                bail!(
                    "measure jaccard needs a setting `{AGAINST}NAME`: which mask to compare with"
                );
            };
            let theirs = Wiring::new(self, plan, other, trains)?.pruned()?.mask;
            let mut wiring = Wiring::new(self, plan, split(cell, &mut BTreeSet::new()).0, trains)?;
            let id = wiring.compare(pruned.mask, theirs)?;
            jobs.extend(id.map(|id| ("jaccard".to_owned(), id)));
        }
        Ok(jobs)
    }

    /// Adds a job, if it is not there.
    fn add(&mut self, job: Job) -> anyhow::Result<String> {
        let id = job.id.clone();
        if self.known.insert(id.clone()) {
            job.check()?;
            self.jobs.push(job);
        }
        Ok(id)
    }
}

/// The settings of the cell itself and, if there is one, of the cell that it is compared with, without those that are
/// taken away.
fn split(cell: &Cell, used: &mut BTreeSet<String>) -> (Settings, Option<Settings>) {
    let mut own = cell.settings.clone();
    let mut theirs = Settings::new();
    own.retain(|name, value| match name.strip_prefix(AGAINST) {
        Some(inner) => {
            used.insert(name.clone());
            theirs.insert(inner.to_owned(), value.clone());
            false
        }
        None => true,
    });
    let given = |settings: &mut Settings| {
        settings.retain(|_, value| value != NONE);
    };
    let mut other = own.clone();
    let any = !theirs.is_empty();
    other.extend(theirs);
    for (name, value) in &own {
        if value == NONE {
            used.insert(name.clone());
        }
    }
    given(&mut own);
    given(&mut other);
    (own, any.then_some(other))
}

/// A hint at what was meant.
fn like(name: &str) -> String {
    let option = name.rsplit('.').next().unwrap_or(name);
    let has: Vec<&str> =
        tools().iter().filter(|tool| tool.option(option).is_some()).map(|tool| tool.name).collect();
    match has.is_empty() {
        true => ": no command has such an option".to_owned(),
        false => format!(" (it is one of {})", has.join(", ")),
    }
}

/// The jobs of one cell in the making.
struct Wiring<'a> {
    graph: &'a mut Graph,
    plan: &'a Plan,
    settings: Settings,
    recipe: Option<RecipeFacts>,
}

impl<'a> Wiring<'a> {
    fn new(
        graph: &'a mut Graph,
        plan: &'a Plan,
        settings: Settings,
        trains: bool,
    ) -> anyhow::Result<Self> {
        let name = settings.get("recipe").map(text);
        // What `train` takes by default.
        let name = name.or_else(|| trains.then(|| "digits".to_owned()));
        let recipe = match name {
            Some(name) => Some(recipe(&name, &plan.folder, &mut graph.inputs)?),
            None => None,
        };
        Ok(Self { graph, plan, settings, recipe })
    }

    /// A setting, which counts as used.
    fn take(&mut self, name: &str) -> Option<Value> {
        let value = self.settings.get(name).cloned();
        if value.is_some() {
            self.graph.used.insert(name.to_owned());
        }
        value
    }

    fn take_file(&mut self, name: &str) -> anyhow::Result<Option<Source>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let found = self.graph.inputs.find(&self.plan.folder, &text(&value));
        Ok(Some(Source::File(found.with_context(|| format!("setting `{name}`"))?)))
    }

    /// The mask and the weights of the cell, before anything is measured.
    fn pruned(&mut self) -> anyhow::Result<Pruned> {
        let weights = self.take_file("weights")?;
        let mask = self.take_file("mask")?;
        let when = self.take("prune").map(|when| text(&when));
        let method = self.take("method").map(|method| text(&method));
        let dense = match &method {
            Some(method) => method == "dense",
            None => !self.settings.contains_key("density"),
        };
        let mut pruned = match when.as_deref() {
            None if mask.is_some() || dense => Pruned { mask, weights, ..Pruned::default() },
            None => {
                let id = self.prune(weights.clone(), None)?;
                Pruned { mask: Some(Source::Job(id)), weights, ..Pruned::default() }
            }
            Some(when) if dense => bail!("prune = \"{when}\" needs a method, and dense is none"),
            Some("after") => {
                let dense = self.dense(weights, None)?;
                let id = self.prune(Some(dense.clone()), None)?;
                Pruned { mask: Some(Source::Job(id)), weights: Some(dense), ..Pruned::default() }
            }
            Some(when) if when == "rewind" || when.starts_with("rewind:") => {
                self.rewound(when, weights)?
            }
            Some(when) => {
                let given = Given {
                    options: vec![("prune".to_owned(), of_text(when))],
                    from: mask.map(|mask| (MASK, mask)).into_iter().collect(),
                    in_course: true,
                    ..Given::default()
                };
                let id = self.training(given, weights.clone())?;
                let mask = Some(Source::Job(id.clone()));
                Pruned { mask, weights, from: None, trained: Some(id) }
            }
        };
        let list = self.take("transformation").map(|list| text(&list)).unwrap_or_default();
        for name in list.split('+').filter(|name| !name.is_empty()) {
            pruned = self.transformed(name, pruned)?;
        }
        Ok(pruned)
    }

    /// A dense training, which keeps the network of a step if one is to go back to it.
    fn dense(&mut self, weights: Option<Source>, step: Option<u64>) -> anyhow::Result<Source> {
        let step = self.take("remember").or(step.map(Value::from));
        let options =
            step.filter(|step| *step != json!(0)).map(|step| ("remember".to_owned(), step));
        let given = Given { options: options.into_iter().collect(), ..Given::default() };
        Ok(Source::Job(self.training(given, weights)?))
    }

    /// Lottery-ticket rewinding: with several densities, iterative magnitude pruning.
    fn rewound(&mut self, when: &str, weights: Option<Source>) -> anyhow::Result<Pruned> {
        let step = match when.split_once(':') {
            Some((_, step)) => step
                .parse()
                .map_err(|_| anyhow!("prune = \"{when}\": expected rewind or rewind:STEP"))?,
            None => self.recipe.as_ref().map_or(0, |recipe| recipe.rewind_step),
        };
        let densities = self.take("density").map(|density| text(&density)).unwrap_or_default();
        let first = self.dense(weights.clone(), Some(step))?;
        let from = (step > 0).then(|| first.clone());
        let mut pruned = Pruned { weights, from, ..Pruned::default() };
        let mut learnt = first;
        let densities: Vec<&str> = densities.split(',').collect();
        for (level, density) in densities.iter().enumerate() {
            let mask = self.prune(Some(learnt.clone()), Some(of_text(density)))?;
            pruned.mask = Some(Source::Job(mask));
            if level + 1 < densities.len() {
                learnt = Source::Job(self.train_from(&pruned, false)?);
            }
        }
        Ok(pruned)
    }

    fn transformed(&mut self, name: &str, pruned: Pruned) -> anyhow::Result<Pruned> {
        const MASKS: [&str; 3] = ["shuffle", "widen", "repair"];
        const OF_WEIGHTS: [&str; 2] = ["reinit", "isometry"];
        if !MASKS.contains(&name) && !OF_WEIGHTS.contains(&name) {
            let known = [&MASKS[..], &OF_WEIGHTS[..]].concat().join(", ");
            bail!("transformation = \"{name}\": expected some of {known}, joined by +");
        }
        let Some(mask) = pruned.mask.clone() else {
            bail!("transformation = \"{name}\" needs a mask, and the cell is dense");
        };
        if pruned.trained.is_some() {
            bail!("transformation = \"{name}\" of a mask that is made in the course of training");
        }
        if MASKS.contains(&name) {
            let given = Given { from: vec![(MASK, mask)], ..Given::default() };
            let mask = Some(Source::Job(self.job(name, given)?));
            return Ok(Pruned { mask, ..pruned });
        }
        let weights = match pruned.weights.clone() {
            Some(weights) => weights,
            None => {
                let (init, seed) = self.drawn();
                let options = vec![("init".to_owned(), init), ("seed".to_owned(), seed)];
                Source::Job(self.job("init", Given { options, ..Given::default() })?)
            }
        };
        let given = Given { from: vec![(MASK, mask), (WEIGHTS, weights)], ..Given::default() };
        let weights = Some(Source::Job(self.job(name, given)?));
        Ok(Pruned { weights, ..pruned })
    }

    fn prune(&mut self, weights: Option<Source>, density: Option<Value>) -> anyhow::Result<String> {
        let options = density.map(|density| ("density".to_owned(), density));
        let given = Given { options: options.into_iter().collect(), ..Given::default() };
        self.on_weights("prune", given, weights)
    }

    /// The training of a pruned network.
    fn train(&mut self, pruned: &Pruned) -> anyhow::Result<String> {
        if pruned.mask.is_none() {
            return match self.dense(pruned.weights.clone(), None)? {
                Source::Job(id) => Ok(id),
                Source::File(_) => unreachable!("a training is a job"),
            };
        }
        self.train_from(pruned, true)
    }

    fn train_from(&mut self, pruned: &Pruned, last: bool) -> anyhow::Result<String> {
        let mut from: Vec<(&'static str, Source)> =
            pruned.mask.clone().map(|mask| (MASK, mask)).into_iter().collect();
        // New weights take the place of those to go back to.
        let redrawn = last && self.settings.contains_key("redraw");
        from.extend(pruned.from.clone().filter(|_| !redrawn).map(|early| (FROM, early)));
        let given = Given { from, masked: last, ..Given::default() };
        self.training(given, pruned.weights.clone())
    }

    fn training(&mut self, mut given: Given, weights: Option<Source>) -> anyhow::Result<String> {
        // What it trains by is part of it even where it is the default.
        if !self.settings.contains_key("recipe") {
            given.options.push(("recipe".to_owned(), "digits".into()));
        }
        self.on_weights("train", given, weights)
    }

    fn measure(&mut self, measure: &Measure, pruned: &Pruned) -> anyhow::Result<String> {
        let value = |value: Option<u64>| value.map_or(Value::Bool(true), Value::from);
        let options = measure.options.iter().map(|(name, v)| ((*name).to_owned(), value(*v)));
        let given = Given {
            words: measure.words,
            options: options.collect(),
            from: pruned.mask.clone().map(|mask| (MASK, mask)).into_iter().collect(),
            role: measure.role,
            ..Given::default()
        };
        // A mask by itself has no use for weights.
        match measure.role {
            "layers" => self.job(measure.tool, given),
            _ => self.on_weights(measure.tool, given, pruned.weights.clone()),
        }
    }

    /// None for a mask and itself.
    fn compare(
        &mut self,
        mask: Option<Source>,
        other: Option<Source>,
    ) -> anyhow::Result<Option<String>> {
        let (Some(mask), Some(other)) = (mask, other) else {
            bail!("measure jaccard needs two masks, and a dense network has none");
        };
        if let (Source::Job(one), Source::Job(two)) = (&mask, &other)
            && one == two
        {
            return Ok(None);
        }
        let given = Given { from: vec![(MASK, mask), (OTHER, other)], ..Given::default() };
        self.job("compare", given).map(Some)
    }

    /// Initialiser and seed of drawn weights: the same for all jobs of a cell.
    fn drawn(&mut self) -> (Value, Value) {
        let init = self.take("init");
        let usual = || self.recipe.as_ref().map_or("kaiming-normal", |recipe| &recipe.init).into();
        let init = init.unwrap_or_else(usual);
        let seed = self.take("init-seed").or_else(|| self.settings.get("seed").cloned());
        (init, seed.unwrap_or_else(|| json!(0)))
    }

    /// A job that reads weights, or draws them.
    fn on_weights(
        &mut self,
        name: &str,
        mut given: Given,
        weights: Option<Source>,
    ) -> anyhow::Result<String> {
        match weights {
            Some(weights) => given.from.push((WEIGHTS, weights)),
            None => {
                let (init, seed) = self.drawn();
                given.options.push(("init".to_owned(), init));
                given.options.push(("init-seed".to_owned(), seed));
            }
        }
        self.job(name, given)
    }

    /// The job of a command with the cell's settings and what the wiring gives.
    fn job(&mut self, name: &str, given: Given) -> anyhow::Result<String> {
        let Some(tool) = tool(name) else {
            bail!("`{name}` needs libtorch: a build with feature `train` has it");
        };
        let mut parts = Parts::default();
        for (option, value) in self.implied(tool) {
            self.put(tool, &option, &value, &mut parts)?;
        }
        // Settings for this command alone come last, and what the wiring gives before them.
        let settings: Vec<(String, Value)> =
            self.settings.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        for (setting, value) in &settings {
            let scoped = setting.split_once('.').is_some_and(|(head, _)| is_known(head));
            let Some(option) = tool.option(setting).filter(|_| !scoped) else { continue };
            if !WIRING.contains(&&**setting) && self.concerns(tool, option, &given) {
                self.graph.used.insert(setting.clone());
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
        for (setting, value) in &settings {
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
                self.graph.used.insert(setting.clone());
                self.put(tool, option, value, &mut parts)?;
            }
        }
        for (what, source) in given.from {
            match source {
                Source::Job(id) => drop(parts.needs.insert(what.to_owned(), id)),
                Source::File(file) => parts.file(what, file),
            }
        }
        let spec = Spec {
            schema: SCHEMA,
            tool: name.to_owned(),
            words: given.words.iter().map(|word| (*word).to_owned()).collect(),
            settings: parts.settings,
            files: parts.files,
            needs: parts.needs,
        };
        self.graph.add(Job::new(spec, parts.paths, parts.local)?)
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
        let open = arch.is_some_and(|a| !a.starts_with("mlp-") && !a.ends_with(".toml"));
        if let Some((classes, input)) = shape_of(&set).filter(|_| open) {
            implied.push(("classes", classes.into()));
            implied.push(("input", input.into()));
        }
        // The recipe of a training has its data itself.
        if let Some(recipe) = recipe.filter(|_| tool.name != "train") {
            let looks = match tool.name {
                "prune" => {
                    let method = self.settings.get("method").map(text);
                    method.is_none_or(|method| !is_option_of_others(&method, "data"))
                }
                name => name == "measure",
            };
            if looks {
                implied.push(("data", of_text(&set)));
                if !self.settings.contains_key("data") {
                    implied.extend(recipe.folder.as_ref().map(|f| ("data-dir", f.as_str().into())));
                }
                implied.extend(recipe.transform.map(|seed| ("transform", seed.into())));
            }
        }
        own(tool, implied)
    }

    /// Whether a setting that a command has an option for concerns this job of it.
    fn concerns(&self, tool: &Tool, option: &Opt, given: &Given) -> bool {
        let name = &*option.name;
        match tool.name {
            "train" if option.heading.as_deref() == Some(IN_COURSE) => {
                given.in_course || (given.masked && name.starts_with("redraw"))
            }
            "prune" => {
                let method = self.settings.get("method").map(text);
                !method.is_some_and(|method| is_option_of_others(&method, name))
            }
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
            if self.settings.get("data").is_some_and(|set| set == "folder") {
                let found = self.graph.inputs.find(&self.plan.folder, &word)?;
                parts.files.insert(name.to_owned(), found.hash);
            }
            return Ok(());
        }
        if LOCAL.contains(&name) {
            parts.local.insert(name.to_owned(), value.clone());
            return Ok(());
        }
        let toml = ["arch", "recipe"].contains(&name) && word.ends_with(".toml");
        if option.kind == Kind::File || toml {
            let found = self.graph.inputs.find(&self.plan.folder, &word);
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
