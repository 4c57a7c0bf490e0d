//! The engine of this machine: jobs in threads, in the order of what they need, until all are done or it is asked to stop.

use std::any::Any;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use serde_json::Value;

use super::display::Display;
use super::job::Job;
use super::slots::Slots;
use super::store::{Claim, Done, Failed, State, Store};
use crate::failure::was_stopped;
use crate::interrupt;
use crate::stderr::Aside;

/// How often is looked whether there is something new.
const TICK: Duration = Duration::from_millis(50);

/// Between two attempts at jobs that another process works at.
const AGAIN: Duration = Duration::from_millis(500);

/// How long work without steps may take to end once it is asked to.
const GRACE: Duration = Duration::from_secs(3);

/// As the main thread's: recursion over deep networks needs it.
const STACK: usize = 8 << 20;

/// What to run of the jobs, and how.
#[derive(Clone, Debug, Default)]
pub(crate) struct How {
    /// Jobs side by side.
    pub(crate) parallel: Option<usize>,
    /// Jobs that are begun at most.
    pub(crate) most: Option<usize>,
    /// Threads of each; by default its share of the cores.
    pub(crate) threads: Option<usize>,
    /// Whether failed jobs are begun again.
    pub(crate) retry: bool,
    /// What the display is called.
    pub(crate) name: String,
}

/// What became of the jobs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// Jobs that are done.
    pub(crate) done: usize,
    /// Of them, those that were done here and now.
    pub(crate) ran: usize,
    /// Jobs that failed, now or before, with their errors.
    pub(crate) failed: Vec<(String, Vec<String>)>,
    /// Jobs that need something of a failed one.
    pub(crate) blocked: usize,
    /// Jobs that are still to do.
    pub(crate) left: usize,
    /// Whether a signal asked to stop.
    pub(crate) stopped: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Waiting,
    Running,
    Done,
    Failed,
    Blocked,
}

enum Ended {
    Done(f64),
    Failed(Vec<String>),
    Stopped,
}

/// Runs jobs, each of which stands behind those that it needs.
///
/// # Errors
/// If the store cannot be written, or holds a damaged result. What jobs run into is recorded, and others go on.
pub(crate) fn run(jobs: &[Job], store: &Store, how: &How) -> anyhow::Result<Outcome> {
    let stop = interrupt::side_by_side();
    let mut engine = Engine::new(jobs, store, how)?;
    let mut slots =
        Slots::new(rayon::current_num_threads(), jobs.len(), how.parallel, on_device(jobs));
    let (send, receive) = mpsc::channel();
    let mut asked: Option<Instant> = None;
    loop {
        if asked.is_none() && stop.load(Ordering::SeqCst) {
            asked = Some(Instant::now());
        }
        if asked.is_none() {
            while engine.running() < slots.places(engine.running()) {
                let Some((index, claim)) = engine.next()? else { break };
                let threads = how.threads.unwrap_or(slots.threads);
                engine.begin(index, claim, threads, &stop, &send)?;
            }
        }
        if engine.ended(asked) {
            break;
        }
        let Engine { display, places, working, .. } = &mut engine;
        let waiting = |index: usize| places[index] == Place::Waiting;
        display.tick(waiting, working.iter().map(|(&index, work)| (index, work)), slots.places(0));
        match receive.recv_timeout(TICK) {
            Ok((index, ended)) => engine.end(index, ended),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => bail!("all threads of the sweep are gone"),
        }
    }
    engine.display.finish();
    // Of work that is left in its midst.
    phew_graph::discard_temporaries();
    Ok(engine.outcome(asked.is_some()))
}

/// Whether jobs compute on a CUDA device.
#[cfg(feature = "train")]
pub(crate) fn on_device(jobs: &[Job]) -> bool {
    use phew_train::{Cuda, libtorch};
    let computes = |job: &Job| {
        ["train", "measure"].contains(&&*job.spec.tool)
            && job.spec.settings.get("device").is_none_or(|device| device != "cpu")
    };
    jobs.iter().any(computes) && matches!(libtorch().cuda, Cuda::Visible { .. })
}

#[cfg(not(feature = "train"))]
pub(crate) fn on_device(_: &[Job]) -> bool {
    false
}

/// The jobs and where they stand.
struct Engine<'a> {
    jobs: &'a [Job],
    store: &'a Store,
    how: &'a How,
    places: Vec<Place>,
    /// Where the jobs stand that each needs.
    needs: Vec<Vec<usize>>,
    failed: BTreeMap<usize, Vec<String>>,
    working: BTreeMap<usize, (Instant, Arc<Aside>)>,
    /// When jobs were last tried that another process works at.
    tried: BTreeMap<usize, Instant>,
    begun: usize,
    ran: usize,
    display: Display<'a>,
}

impl<'a> Engine<'a> {
    fn new(jobs: &'a [Job], store: &'a Store, how: &'a How) -> anyhow::Result<Self> {
        let index: BTreeMap<&str, usize> =
            jobs.iter().enumerate().map(|(index, job)| (&*job.id, index)).collect();
        let need = |id: &String| {
            index.get(&**id).copied().with_context(|| format!("job {id} is needed and not there"))
        };
        let needs = jobs.iter().map(|job| job.spec.needs.values().map(need).collect());
        let needs = needs.collect::<anyhow::Result<Vec<Vec<usize>>>>()?;
        let mut display = Display::new(&how.name, jobs);
        let (mut places, mut failed) = (Vec::new(), BTreeMap::new());
        for (index, job) in jobs.iter().enumerate() {
            places.push(match store.state(job)? {
                State::Done(done) => {
                    display.took(index, done.seconds);
                    Place::Done
                }
                State::Failed(error) if !how.retry => {
                    failed.insert(index, error.error);
                    Place::Failed
                }
                State::Failed(_) | State::Missing => Place::Waiting,
            });
        }
        let mut engine = Self {
            jobs,
            store,
            how,
            places,
            needs,
            failed,
            working: BTreeMap::new(),
            tried: BTreeMap::new(),
            begun: 0,
            ran: 0,
            display,
        };
        engine.block();
        Ok(engine)
    }

    fn running(&self) -> usize {
        self.working.len()
    }

    /// Jobs behind a failed one will not be begun.
    fn block(&mut self) {
        for index in 0..self.jobs.len() {
            let lost = |&need: &usize| matches!(self.places[need], Place::Failed | Place::Blocked);
            if self.places[index] == Place::Waiting && self.needs[index].iter().any(lost) {
                self.places[index] = Place::Blocked;
            }
        }
    }

    /// A job that can be begun, with the right to it.
    fn next(&mut self) -> anyhow::Result<Option<(usize, Claim)>> {
        if self.how.most.is_some_and(|most| self.begun >= most) {
            return Ok(None);
        }
        for index in 0..self.jobs.len() {
            let ready = self.places[index] == Place::Waiting
                && self.needs[index].iter().all(|&need| self.places[need] == Place::Done)
                && self.tried.get(&index).is_none_or(|tried| tried.elapsed() >= AGAIN);
            if !ready {
                continue;
            }
            let job = &self.jobs[index];
            self.store.add(job)?;
            let Some(claim) = self.store.claim(&job.id)? else {
                self.tried.insert(index, Instant::now());
                continue;
            };
            // Another process may have ended it meanwhile.
            match self.store.state(job)? {
                State::Done(_) => self.places[index] = Place::Done,
                State::Failed(error) if !self.how.retry => {
                    self.places[index] = Place::Failed;
                    self.failed.insert(index, error.error);
                    self.block();
                }
                State::Failed(_) | State::Missing => return Ok(Some((index, claim))),
            }
        }
        Ok(None)
    }

    fn begin(
        &mut self,
        index: usize,
        claim: Claim,
        threads: usize,
        stop: &Arc<AtomicBool>,
        send: &mpsc::Sender<(usize, Ended)>,
    ) -> anyhow::Result<()> {
        let job = self.jobs[index].clone();
        self.store.clean(&job.id)?;
        self.store.forget(&job.id)?;
        let path = self.store.folder(&job.id).join("log.txt");
        let log = std::fs::File::options().create(true).append(true).open(&path);
        let aside = Aside::new(Some(log.with_context(|| path.display().to_string())?));
        self.places[index] = Place::Running;
        self.begun += 1;
        self.working.insert(index, (Instant::now(), Arc::clone(&aside)));
        let (store, send, stop) = (self.store.clone(), send.clone(), Arc::clone(stop));
        let work = move || {
            let ended = work(&job, &store, threads, &aside, &stop);
            drop(claim);
            // Nobody listens any more once the sweep has been stopped.
            let _ = send.send((index, ended));
        };
        std::thread::Builder::new()
            .stack_size(STACK)
            .spawn(work)
            .context("a thread of the sweep")?;
        Ok(())
    }

    fn end(&mut self, index: usize, ended: Ended) {
        self.working.remove(&index);
        self.places[index] = match ended {
            Ended::Done(seconds) => {
                self.ran += 1;
                self.display.took(index, seconds);
                Place::Done
            }
            Ended::Failed(error) => {
                self.display.failed(&self.jobs[index], &error);
                self.failed.insert(index, error);
                Place::Failed
            }
            Ended::Stopped => Place::Waiting,
        };
        self.block();
    }

    /// Whether there is nothing more to wait for.
    fn ended(&self, asked: Option<Instant>) -> bool {
        if let Some(asked) = asked {
            // A training writes its checkpoint first; other work has nothing that would be lost.
            let trains = self.working.keys().any(|&index| self.jobs[index].trains());
            return self.working.is_empty() || (!trains && asked.elapsed() >= GRACE);
        }
        let enough = self.how.most.is_some_and(|most| self.begun >= most);
        self.working.is_empty() && (enough || !self.places.contains(&Place::Waiting))
    }

    fn outcome(&self, stopped: bool) -> Outcome {
        let count = |place| self.places.iter().filter(|&&found| found == place).count();
        let failed = self.failed.iter().map(|(&i, error)| (self.jobs[i].id.clone(), error.clone()));
        Outcome {
            done: count(Place::Done),
            ran: self.ran,
            failed: failed.collect(),
            blocked: count(Place::Blocked),
            left: count(Place::Waiting) + count(Place::Running),
            stopped,
        }
    }
}

/// Does a job, and records what came of it.
fn work(job: &Job, store: &Store, threads: usize, aside: &Arc<Aside>, stop: &AtomicBool) -> Ended {
    let started = Instant::now();
    let done = catch_unwind(AssertUnwindSafe(|| in_threads(threads, aside, || report(job, store))));
    let done = done.unwrap_or_else(|panic| Err(anyhow!("the command panicked: {}", said(&*panic))));
    // What a training is to keep may be asked for once it is done.
    let before = match store.result(&job.id) {
        Ok(State::Done(done)) => done.seconds,
        _ => 0.0,
    };
    let seconds = before + started.elapsed().as_secs_f64();
    let phew = env!("CARGO_PKG_VERSION").to_owned();
    let recorded = done.and_then(|report| {
        let (id, spec) = (job.id.clone(), job.spec.clone());
        let outputs = store.outputs(&id)?;
        store.finish(&Done { id, spec, report, seconds, threads, outputs, phew: phew.clone() })
    });
    match recorded {
        Ok(()) => Ended::Done(seconds),
        Err(error) if stop.load(Ordering::SeqCst) && was_stopped(&error) => Ended::Stopped,
        Err(error) => {
            let error: Vec<String> = error.chain().map(ToString::to_string).collect();
            let failed = Failed { id: job.id.clone(), error: error.clone(), phew };
            match store.fail(&failed) {
                Ok(()) => Ended::Failed(error),
                Err(other) => Ended::Failed([error, vec![format!("{other:#}")]].concat()),
            }
        }
    }
}

/// Does work with so many threads of its own, and without a part of the terminal.
pub(crate) fn in_threads<T: Send>(
    threads: usize,
    aside: &Arc<Aside>,
    work: impl FnOnce() -> anyhow::Result<T> + Send,
) -> anyhow::Result<T> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(STACK).build()?;
    pool.install(|| {
        #[cfg(feature = "train")]
        phew_train::set_threads(threads);
        aside.run(work)
    })
}

/// What the job's command reports.
fn report(job: &Job, store: &Store) -> anyhow::Result<Value> {
    let words = words(job, store)?;
    let command = job.tool()?.parse(&words).map_err(|e| anyhow!("{e}"))?;
    match command.value()? {
        // Of one density there is one mask.
        Value::Array(list) => match <[Value; 1]>::try_from(list) {
            Ok([report]) => Ok(report),
            Err(list) => bail!("found {} results, expected one for a job", list.len()),
        },
        report => Ok(report),
    }
}

/// The words of a job's command line, with the files where they lie.
pub(crate) fn words(job: &Job, store: &Store) -> anyhow::Result<Vec<OsString>> {
    job.words(&store.folder(&job.id), |id, what| store.output(id, what))
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}
