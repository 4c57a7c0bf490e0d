//! How long a sweep would take: what is known of jobs that are done, and a short probe of one job of each other kind.
//!
//! A training is probed by its first seconds, anything else by doing it once, in a folder that is thrown away. What would
//! begin from a trained network begins from the initial one instead: it takes as long.

use std::collections::{BTreeMap, BTreeSet};

use super::display::kind;
use super::job::{FROM, Job, MASK, WEIGHTS, what_and_step};
use super::run::{How, run};
use super::slots::Slots;
use super::store::{State, Store};
use super::value::text;
use crate::interrupt;

/// Jobs of one kind, and how long they are likely to take.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kind {
    /// The command, and what it is done to.
    pub(crate) what: String,
    /// Jobs in all.
    pub(crate) jobs: usize,
    /// Jobs that are done.
    pub(crate) done: usize,
    /// Jobs that failed.
    pub(crate) failed: usize,
    /// Seconds of a job; none if that could not be found out.
    pub(crate) seconds: Option<f64>,
}

/// What is known before a sweep begins.
#[derive(Clone, Debug, Default)]
pub(crate) struct Estimate {
    /// The kinds of jobs, in the order of the plan.
    pub(crate) kinds: Vec<Kind>,
    /// Jobs side by side.
    pub(crate) places: usize,
    /// Seconds of all that is to do.
    pub(crate) seconds: f64,
}

/// Looks at what is done and probes what is not.
///
/// # Errors
/// If a result is damaged, or a signal asks to stop. A kind whose probe fails has no time.
pub(crate) fn estimate(
    jobs: &[Job],
    store: &Store,
    wanted: Option<usize>,
    retry: bool,
) -> anyhow::Result<Estimate> {
    let mut order: Vec<String> = Vec::new();
    let mut kinds = BTreeMap::<String, (Kind, Vec<f64>, Option<&Job>)>::new();
    for job in jobs {
        let name = kind(job);
        let (found, times, open) = kinds.entry(name.clone()).or_insert_with(|| {
            order.push(name.clone());
            (Kind { what: title(job), ..Kind::default() }, Vec::new(), None)
        });
        found.jobs += 1;
        match store.state(job)? {
            State::Done(done) => {
                found.done += 1;
                times.push(done.seconds);
            }
            State::Failed(_) if !retry => found.failed += 1,
            State::Failed(_) | State::Missing => *open = open.or(Some(job)),
        }
    }
    let mut slots =
        Slots::new(rayon::current_num_threads(), jobs.len(), wanted, super::run::on_device(jobs));
    let mut estimate = Estimate { places: slots.places(0), ..Estimate::default() };
    for name in order {
        let Some((mut kind, times, open)) = kinds.remove(&name) else { continue };
        kind.seconds = match (times.is_empty(), open) {
            (false, _) => Some(times.iter().sum::<f64>() / times.len() as f64),
            (true, Some(job)) => {
                let seconds = probe(job, jobs, slots.threads);
                interrupt::check()?;
                seconds.ok()
            }
            (true, None) => None,
        };
        let left = kind.jobs - kind.done - kind.failed;
        estimate.seconds += kind.seconds.unwrap_or(0.0) * left as f64 / estimate.places as f64;
        estimate.kinds.push(kind);
    }
    Ok(estimate)
}

fn title(job: &Job) -> String {
    let of = |name: &&str| job.spec.settings.get(*name).map(text);
    let names = ["arch", "method", "recipe", "epochs"];
    let words = job.spec.words.iter().cloned().chain(names.iter().filter_map(of));
    [job.spec.tool.clone()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
}

fn probe(job: &Job, jobs: &[Job], threads: usize) -> anyhow::Result<f64> {
    let mut made = BTreeMap::new();
    let mut alone = Vec::new();
    let job = without_training(job, jobs, &mut made, &mut alone)?;
    if job.trains() {
        return train(&job, threads);
    }
    let folder = tempfile::tempdir()?;
    let store = Store::new(folder.path());
    let how =
        How { parallel: Some(1), name: "probing".into(), threads: Some(threads), ..How::default() };
    let outcome = run(&alone, &store, &how)?;
    match (store.state(&job)?, outcome.failed.first()) {
        (State::Done(done), _) => Ok(done.seconds),
        (_, Some((_, error))) => anyhow::bail!("{}", error.join(": ")),
        _ => anyhow::bail!("stopped"),
    }
}

/// A job and what it needs, as jobs that need no training.
fn without_training(
    job: &Job,
    jobs: &[Job],
    made: &mut BTreeMap<String, String>,
    into: &mut Vec<Job>,
) -> anyhow::Result<Job> {
    let mut spec = job.spec.clone();
    if job.trains() {
        spec.needs.clear();
        spec.settings.retain(|name, _| !name.starts_with("redraw"));
        return Job::new(spec, job.paths.clone(), job.local.clone());
    }
    let trained: BTreeSet<&str> =
        jobs.iter().filter(|job| job.trains()).map(|job| &*job.id).collect();
    spec.needs.retain(|need, id| {
        let begins = [WEIGHTS, FROM, MASK].contains(&what_and_step(need).0);
        !(begins && trained.contains(&**id))
    });
    for id in spec.needs.values_mut() {
        if !made.contains_key(id)
            && let Some(need) = jobs.iter().find(|job| job.id == *id)
        {
            let need = without_training(need, jobs, made, into)?;
            made.insert(id.clone(), need.id);
        }
        if let Some(other) = made.get(id) {
            id.clone_from(other);
        }
    }
    let job = Job::new(spec, job.paths.clone(), job.local.clone())?;
    into.push(job.clone());
    Ok(job)
}

#[cfg(feature = "train")]
fn train(job: &Job, threads: usize) -> anyhow::Result<f64> {
    use crate::command::parse;
    use crate::commands::Train;
    use crate::stderr::Aside;

    let words = job.words(std::path::Path::new("probe"), |_, what| Ok(what.into()))?;
    let train: Train = parse(words)?;
    super::run::in_threads(threads, &Aside::new(None), || train.probe())
}

#[cfg(not(feature = "train"))]
fn train(_: &Job, _: usize) -> anyhow::Result<f64> {
    anyhow::bail!("this build trains nothing")
}
