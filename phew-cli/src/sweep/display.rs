//! How a sweep goes, on a terminal: one bar over all jobs, with the time that is left.

use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar};

use super::job::Job;
use super::value::text;
use crate::progress;
use crate::stderr::{self, Aside};

/// One bar over all jobs.
#[derive(Debug)]
pub(crate) struct Display<'a> {
    bar: ProgressBar,
    times: Times<'a>,
    drawn: Instant,
}

/// How long jobs took, by their kind.
#[derive(Debug)]
pub(crate) struct Times<'a> {
    jobs: &'a [Job],
    took: Vec<Option<f64>>,
}

/// Jobs that take about as long: of one command, on one network, by one method and one recipe.
pub(crate) fn kind(job: &Job) -> String {
    let names = ["arch", "classes", "method", "recipe", "epochs", "batch", "precision", "metrics"];
    let of =
        |name| job.spec.settings.get(name).map(text).or_else(|| job.spec.files.get(name).cloned());
    let parts = names.iter().map(|name| of(*name).unwrap_or_default());
    let words = job.spec.words.iter().cloned();
    [job.spec.tool.clone()].into_iter().chain(words).chain(parts).collect::<Vec<_>>().join(" ")
}

impl<'a> Times<'a> {
    pub(crate) fn new(jobs: &'a [Job]) -> Self {
        Self { jobs, took: vec![None; jobs.len()] }
    }

    pub(crate) fn took(&mut self, index: usize, seconds: f64) {
        self.took[index] = Some(seconds);
    }

    /// Seconds that jobs are likely to take: as those of their kind, or else as all, on average.
    pub(crate) fn likely(&self, indices: impl Iterator<Item = usize>) -> Option<f64> {
        let mean = |times: &[f64]| times.iter().sum::<f64>() / times.len() as f64;
        let all: Vec<f64> = self.took.iter().flatten().copied().collect();
        if all.is_empty() {
            return None;
        }
        let mut kinds = std::collections::BTreeMap::<String, Vec<f64>>::new();
        for (job, took) in self.jobs.iter().zip(&self.took) {
            kinds.entry(kind(job)).or_default().extend(took);
        }
        let of = |index: usize| match kinds.get(&kind(&self.jobs[index])) {
            Some(times) if !times.is_empty() => mean(times),
            _ => mean(&all),
        };
        Some(indices.map(of).sum())
    }
}

impl<'a> Display<'a> {
    pub(crate) fn new(name: &str, jobs: &'a [Job]) -> Self {
        let bar = progress::jobs(jobs.len() as u64, name);
        Self { bar, times: Times::new(jobs), drawn: Instant::now() }
    }

    /// Notes how long a job took.
    pub(crate) fn took(&mut self, index: usize, seconds: f64) {
        self.times.took(index, seconds);
        self.bar.inc(1);
    }

    /// Says that a job failed.
    pub(crate) fn failed(&self, job: &Job, error: &[String]) {
        stderr::warn(format_args!(
            "job {} ({}) failed: {}",
            job.id,
            job.spec.tool,
            error.join(": ")
        ));
    }

    /// Draws it anew, now and then.
    pub(crate) fn tick<'w>(
        &mut self,
        waiting: impl Fn(usize) -> bool,
        working: impl Iterator<Item = (usize, &'w (Instant, Arc<Aside>))>,
        places: usize,
    ) {
        // Not worth more: a glance at all jobs.
        const OFTEN: Duration = Duration::from_millis(500);
        if self.bar.is_hidden() || self.drawn.elapsed() < OFTEN {
            return;
        }
        self.drawn = Instant::now();
        let waiting: Vec<usize> =
            (0..self.times.jobs.len()).filter(|&index| waiting(index)).collect();
        let mut left = match waiting.is_empty() {
            true => Some(0.0),
            false => self.times.likely(waiting.into_iter()),
        };
        let mut running = 0;
        for (index, (started, aside)) in working {
            running += 1;
            let so_far = started.elapsed().as_secs_f64();
            let rest = match aside.part().filter(|&part| part > 0.02) {
                Some(part) => Some(so_far / part - so_far),
                None => self.times.likely([index].into_iter()).map(|all| (all - so_far).max(0.0)),
            };
            left = left.zip(rest).map(|(left, rest)| left + rest);
        }
        let left = left.map(|seconds| {
            let seconds = (seconds / places.max(1) as f64).min(1e9);
            format!(" · about {} left", HumanDuration(Duration::from_secs_f64(seconds)))
        });
        self.bar.set_message(format!(" · {running} at work{}", left.unwrap_or_default()));
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
