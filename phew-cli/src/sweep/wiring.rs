//! Which jobs a cell consists of, and what each takes from which.

use anyhow::{anyhow, bail};
use serde_json::Value;

use super::job::{FROM, MASK, OTHER, SCORES, WEIGHTS};
use super::job_maker::{Given, JobMaker, JobSet, Source, measured_scores};
use super::measures::Measure;
use super::plan::Plan;
use super::value::{Settings, of_text, text};

/// A pruned network.
#[derive(Clone, Debug, Default)]
pub(super) struct Pruned {
    pub(super) mask: Option<Source>,
    /// None if they are drawn.
    weights: Option<Source>,
    /// The network of the step to begin from.
    from: Option<Source>,
    /// The training in whose course it was pruned.
    pub(super) trained: Option<String>,
}

/// The jobs of one cell in the making.
pub(super) struct Wiring<'a>(JobMaker<'a>);

impl<'a> Wiring<'a> {
    /// Of the settings of a cell of which something is measured, into a set that has the jobs of others.
    pub(super) fn new(
        set: &'a mut JobSet,
        plan: &'a Plan,
        settings: Settings,
        measures: &[&Measure],
    ) -> anyhow::Result<Self> {
        let trained = measures.iter().any(|measure| measure.tool == "train");
        let trains = trained || settings.contains_key("prune");
        Ok(Self(JobMaker::new(set, plan, settings, trains)?))
    }

    /// The mask and the weights of the cell, before anything is measured.
    pub(super) fn pruned(&mut self) -> anyhow::Result<Pruned> {
        let weights = self.0.take_file("weights")?;
        let mask = self.0.take_file("mask")?;
        let when = self.0.take("prune").map(|when| text(&when));
        let method = self.0.take("method").map(|method| text(&method));
        let dense = match &method {
            Some(method) => method == "dense",
            None => !self.0.settings.contains_key("density"),
        };
        let mut pruned = match when.as_deref() {
            None if mask.is_some() || dense => Pruned { mask, weights, ..Pruned::default() },
            None => self.pruned_now(weights)?,
            Some(when) if dense => bail!("prune = \"{when}\" needs a method, and dense is none"),
            Some("after") => {
                let dense = Source::Job(self.dense(weights, None)?);
                self.pruned_now(Some(dense))?
            }
            Some(when) if when.starts_with("restart:") && mask.is_none() => {
                let step = step_of(when, "restart:STEP")?;
                // At step 0 it is pruning before training.
                let weights = match step {
                    0 => weights,
                    step => Some(Source::Step(self.dense(weights, Some(step))?, step)),
                };
                self.pruned_now(weights)?
            }
            Some(when) if when == "rewind" || when.starts_with("rewind:") => {
                self.rewound(when, weights)?
            }
            Some(when) if when.starts_with("gradual:") && mask.is_none() => {
                let dense = Source::Job(self.dense(weights, None)?);
                let options =
                    vec![("prune".to_owned(), of_text(when)), ("trained".to_owned(), true.into())];
                let given = Given { options, in_course: true, ..Given::default() };
                let id = self.training(given, Some(dense.clone()))?;
                let mask = Some(Source::Job(id.clone()));
                Pruned { mask, weights: Some(dense), from: None, trained: Some(id) }
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
        let list = self.0.take("transformation").map(|list| text(&list)).unwrap_or_default();
        for name in list.split('+').filter(|name| !name.is_empty()) {
            pruned = self.transformed(name, pruned)?;
        }
        Ok(pruned)
    }

    /// Weights and a mask that is made from them.
    fn pruned_now(&mut self, weights: Option<Source>) -> anyhow::Result<Pruned> {
        let mask = self.prune(weights.clone(), None)?;
        Ok(Pruned { mask: Some(Source::Job(mask)), weights, ..Pruned::default() })
    }

    /// A dense training, which keeps the network of a step if one is to go back to it.
    fn dense(&mut self, weights: Option<Source>, kept_step: Option<u64>) -> anyhow::Result<String> {
        self.training(Given { kept_step, ..Given::default() }, weights)
    }

    /// Lottery-ticket rewinding: with several densities, iterative magnitude pruning.
    fn rewound(&mut self, when: &str, weights: Option<Source>) -> anyhow::Result<Pruned> {
        let step = match when {
            "rewind" => self.0.recipe.as_ref().map_or(0, |recipe| recipe.rewind_step),
            when => step_of(when, "rewind or rewind:STEP")?,
        };
        let densities = self.0.take("density").map(|density| text(&density)).unwrap_or_default();
        let early = Some(step).filter(|&step| step > 0);
        let first = self.dense(weights.clone(), early)?;
        let from = early.map(|step| Source::Step(first.clone(), step));
        let mut pruned = Pruned { weights, from, ..Pruned::default() };
        let mut learnt = Source::Job(first);
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
            let mask = Some(Source::Job(self.0.job(name, given)?));
            return Ok(Pruned { mask, ..pruned });
        }
        let weights = match pruned.weights.clone() {
            Some(weights) => weights,
            None => {
                let options = self.0.drawn("init", "seed");
                Source::Job(self.0.job("init", Given { options, ..Given::default() })?)
            }
        };
        let given = Given { from: vec![(MASK, mask), (WEIGHTS, weights)], ..Given::default() };
        let weights = Some(Source::Job(self.0.job(name, given)?));
        Ok(Pruned { weights, ..pruned })
    }

    fn prune(&mut self, weights: Option<Source>, density: Option<Value>) -> anyhow::Result<String> {
        let options = density.map(|density| ("density".to_owned(), density));
        let mut given = Given { options: options.into_iter().collect(), ..Given::default() };
        if let Some(scores) = self.scores(weights.clone())? {
            given.from.push((SCORES, scores));
        }
        self.0.on_weights("prune", given, weights)
    }

    /// The gradient of the dense network on data that PHEW's walks are to follow, if they are to.
    fn scores(&mut self, weights: Option<Source>) -> anyhow::Result<Option<Source>> {
        let walks = self.0.settings.get("method").is_none_or(|method| method == "phew");
        let scores = self.0.settings.get(SCORES).filter(|scores| measured_scores(scores)).cloned();
        let Some(scores) = scores.filter(|_| walks) else { return Ok(None) };
        self.0.take(SCORES);
        // As of the methods that look at data.
        let seed = self.0.take("data-seed").map(|seed| ("seed".to_owned(), seed));
        let given = Given {
            words: &["gradient"],
            options: seed.into_iter().collect(),
            scores: Some(scores),
            role: SCORES,
            ..Given::default()
        };
        self.0.on_weights("measure", given, weights).map(|id| Some(Source::Job(id)))
    }

    /// The training of a pruned network.
    pub(super) fn train(&mut self, pruned: &Pruned) -> anyhow::Result<String> {
        if pruned.mask.is_none() {
            return self.dense(pruned.weights.clone(), None);
        }
        self.train_from(pruned, true)
    }

    fn train_from(&mut self, pruned: &Pruned, last: bool) -> anyhow::Result<String> {
        let mut from: Vec<(&'static str, Source)> =
            pruned.mask.clone().map(|mask| (MASK, mask)).into_iter().collect();
        // New weights take the place of those to go back to.
        let redrawn = last && self.0.settings.contains_key("redraw");
        from.extend(pruned.from.clone().filter(|_| !redrawn).map(|early| (FROM, early)));
        let given = Given { from, masked: last, ..Given::default() };
        self.training(given, pruned.weights.clone())
    }

    fn training(&mut self, given: Given, weights: Option<Source>) -> anyhow::Result<String> {
        let given = self.with_recipe(given);
        self.0.on_weights("train", given, weights)
    }

    /// What it trains by is part of a training even where it is the default.
    fn with_recipe(&self, mut given: Given) -> Given {
        if !self.0.settings.contains_key("recipe") {
            given.options.push(("recipe".to_owned(), "digits".into()));
        }
        given
    }

    pub(super) fn measure(&mut self, measure: &Measure, pruned: &Pruned) -> anyhow::Result<String> {
        let value = |value: Option<u64>| value.map_or(Value::Bool(true), Value::from);
        let options = measure.options.iter().map(|(name, v)| ((*name).to_owned(), value(*v)));
        let given = Given {
            words: measure.words,
            options: options.collect(),
            from: pruned.mask.clone().map(|mask| (MASK, mask)).into_iter().collect(),
            role: measure.role,
            ..Given::default()
        };
        match measure.role {
            "recipe" => {
                let given = self.with_recipe(Given { from: Vec::new(), ..given });
                self.0.job(measure.tool, given)
            }
            "examples" => self.0.job(measure.tool, Given { from: Vec::new(), ..given }),
            // A mask by itself has no use for weights.
            "layers" => self.0.job(measure.tool, given),
            _ => self.0.on_weights(measure.tool, given, pruned.weights.clone()),
        }
    }

    /// None for a mask and itself.
    pub(super) fn compare(
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
        self.0.job("compare", given).map(Some)
    }
}

/// The step of `rewind:STEP` and its like.
fn step_of(when: &str, expected: &str) -> anyhow::Result<u64> {
    let step = when.split_once(':').and_then(|(_, step)| step.parse().ok());
    step.ok_or_else(|| anyhow!("prune = \"{when}\": expected {expected}"))
}
