//! Runs on disk: broken off at any moment they end as if they had not been.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use phew_graph::{Init, LayerMask, Mask, Network, zoo};
use phew_train::{
    Backend, Dataset, Early, EpochRecord, MagnitudePruner, Observer, OptimiserSpec, Precision,
    Pruning, Recipe, Redraw, RedrawVariance, Run, RunOutcome, RunResult, TrainError,
    TrainingProgress, digits, image_transformation,
};

struct Job {
    network: Network,
    mask: Mask,
    data: Dataset,
    recipe: Recipe,
    pruning: Pruning,
    backend: Backend,
}

impl Job {
    /// A convolutional network with normalisation, masked, with augmentation and momentum: all the state there is.
    fn new() -> Self {
        let network = Network::initialise(
            zoo::by_name("lenet-5").unwrap().build().unwrap(),
            Init::default(),
            4,
        )
        .unwrap();
        let mask = by_rule(&network);
        let mut recipe = Recipe { epochs: 6, batch: 50, ..Recipe::preset("digits").unwrap() };
        recipe.augment.pad = 2;
        let data = digits(1000, 200, 0).unwrap();
        let (pruning, backend) = (Pruning::Never, Backend::Libtorch);
        Self { mask, network, data, recipe, pruning, backend }
    }

    fn run(&self) -> Run<'_> {
        let run = Run::builder(&self.network, &self.data, &self.recipe).mask(&self.mask);
        let run = run.method("by rule").pruning(self.pruning.clone(), &MagnitudePruner).seed(5);
        run.backend(self.backend).build().unwrap()
    }

    fn run_that_keeps(&self, steps: &[u64]) -> Run<'_> {
        let run = Run::builder(&self.network, &self.data, &self.recipe).mask(&self.mask).seed(5);
        run.keep_steps(steps.iter().copied()).build().unwrap()
    }

    fn train(&self, dir: &Path) -> RunOutcome {
        // The bits depend on the number of threads.
        tch::set_num_threads(1);
        self.run().train_in(dir, &mut (), &AtomicBool::new(false)).unwrap()
    }
}

/// Keeps four weights of ten.
fn by_rule(network: &Network) -> Mask {
    let keep = |i: usize| i * 7919 % 10 < 4;
    let specs = network.arch().prunable().iter();
    Mask::from_layers(specs.map(|s| LayerMask::from_fn(&s.name, &s.shape, keep)).collect())
}

fn done(outcome: RunOutcome) -> RunResult {
    let RunOutcome::Done(result) = outcome else { panic!("{outcome:?}") };
    *result
}

fn same_bytes(a: &Path, b: &Path) {
    for file in ["weights.safetensors", "metrics.jsonl", "config.toml"] {
        let read = |dir: &Path| std::fs::read(dir.join(file)).unwrap();
        assert!(read(a) == read(b), "{file} differs");
    }
}

/// Asks for a stop once so many reports have come.
struct StopAfter<'a> {
    reports: usize,
    stop: &'a AtomicBool,
}

impl Observer for StopAfter<'_> {
    fn progress(&mut self, _: &TrainingProgress) {
        self.reports = self.reports.saturating_sub(1);
        if self.reports == 0 {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

#[test]
fn a_run_that_was_asked_to_stop_goes_on_in_the_middle_of_an_epoch() {
    let (job, dir) = (Job::new(), tempfile::tempdir().unwrap());
    let (whole, parts) = (dir.path().join("whole"), dir.path().join("parts"));
    let result = done(job.train(&whole));
    assert_eq!((result.epochs, result.steps, result.kept), (6, 120, job.mask.kept()));
    let mut stops = Vec::new();
    loop {
        let stop = AtomicBool::new(false);
        let mut observer = StopAfter { reports: 4, stop: &stop };
        match job.run().train_in(&parts, &mut observer, &stop).unwrap() {
            RunOutcome::Stopped { step } => stops.push(step),
            RunOutcome::Done(_) => break,
        }
        assert!(!parts.join("result.json").exists());
    }
    assert!(stops.len() >= 4 && stops.iter().any(|step| step % 20 != 0), "{stops:?}");
    same_bytes(&whole, &parts);
}

/// Not a test of its own: what the next one starts and kills.
#[test]
fn a_run_in_a_process_of_its_own() {
    let Ok(dir) = std::env::var("PHEW_TEST_RUN_IN") else { return };
    done(Job::new().train(Path::new(&dir)));
}

#[test]
fn a_run_that_is_killed_again_and_again_ends_with_the_same_bytes() {
    let (job, dir) = (Job::new(), tempfile::tempdir().unwrap());
    let (whole, killed) = (dir.path().join("whole"), dir.path().join("killed"));
    let started = Instant::now();
    done(job.train(&whole));
    let patience = started.elapsed() + Duration::from_secs(5);
    let mut kills = 0;
    for round in 0.. {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_run_in_a_process_of_its_own"])
            .env("PHEW_TEST_RUN_IN", &killed)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // Killed after one epoch more than before, a little later each time, so that it falls on different moments.
        let started = Instant::now();
        let epochs = || {
            std::fs::read_to_string(killed.join("metrics.jsonl"))
                .map_or(0, |text| text.lines().count())
        };
        while epochs() <= round && child.try_wait().unwrap().is_none() {
            assert!(started.elapsed() < 20 * patience, "the run hangs");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(7 * round as u64));
        // SIGKILL: nothing in the process can tidy up.
        child.kill().unwrap();
        let status = child.wait().unwrap();
        if status.success() {
            break;
        }
        kills += 1;
    }
    assert!(kills >= 3, "{kills}");
    same_bytes(&whole, &killed);
    assert!(done(job.train(&killed)).test == done(job.train(&whole)).test);
}

/// Breaks a run off again and again; it must end as an unbroken one.
fn in_parts(job: &Job, files: &[&str]) -> (RunResult, Vec<u64>) {
    let dir = tempfile::tempdir().unwrap();
    let (whole, parts) = (dir.path().join("whole"), dir.path().join("parts"));
    let result = done(job.train(&whole));
    let mut stops = Vec::new();
    loop {
        let stop = AtomicBool::new(false);
        let mut observer = StopAfter { reports: 2, stop: &stop };
        match job.run().train_in(&parts, &mut observer, &stop).unwrap() {
            RunOutcome::Stopped { step } => stops.push(step),
            RunOutcome::Done(_) => break,
        }
    }
    same_bytes(&whole, &parts);
    for file in files {
        let read = |dir: &Path| std::fs::read(dir.join(file)).unwrap();
        assert!(read(&whole) == read(&parts), "{file} differs");
    }
    (result, stops)
}

#[test]
fn iterative_pruning_with_rewinding_survives_being_broken_off() {
    let mut job = Job::new();
    job.recipe = job.recipe.with_epochs(2);
    job.pruning = Pruning::Rewind { step: Some(7), densities: vec![0.2, 0.1], redraw: None };
    let files = ["early.safetensors", "mask-1.safetensors", "mask-2.safetensors"];
    let (result, stops) = in_parts(&job, &files);
    assert_eq!(result.kept, result.prunable / 10);
    // Two epochs, then twice again from step 7; the mask of the beginning bounds all others.
    assert_eq!((result.epochs, result.steps), (2, 40));
    assert!(stops.len() > 6, "{stops:?}");
}

#[test]
fn a_run_that_begins_from_the_early_step_of_another_is_one_that_goes_back_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let [rewound, early, later] = ["rewound", "early", "later"].map(|name| dir.path().join(name));
    let mut job = Job::new();
    job.pruning = Pruning::Rewind { step: Some(7), densities: vec![0.2], redraw: None };
    let result = done(job.train(&rewound));
    job.pruning = Pruning::Never;
    let dense = job.run_that_keeps(&[7]);
    done(dense.train_in(&early, &mut (), &AtomicBool::new(false)).unwrap());
    let kept = Early::load(&early.join("early-7.safetensors")).unwrap();
    assert_eq!(kept.step(), 7);
    let (mask, _) = Mask::load(&rewound.join("mask-1.safetensors")).unwrap();
    let run = Run::builder(&job.network, &job.data, &job.recipe).mask(&mask).from(&kept).seed(5);
    let other = run.build().unwrap().train_in(&later, &mut (), &AtomicBool::new(false)).unwrap();
    let other = done(other);
    assert_eq!((other.test, other.steps, other.kept), (result.test, result.steps, result.kept));
    // Both go back to the same step; what the network was before is not known of the other, which counts as dense.
    let [other, result] = [other, result].map(|result| result.remaining.unwrap());
    assert_eq!((other.step, &other.density[2..]), (result.step, &result.density[2..]));
    assert_eq!(other.density[..2], [1.0, 1.0]);
    let weights = |dir: &Path| std::fs::read(dir.join("weights.safetensors")).unwrap();
    assert!(weights(&rewound) == weights(&later));
}

#[test]
fn steps_are_kept_on_the_way_after_a_break_and_once_the_run_is_done() {
    tch::set_num_threads(1);
    let dir = tempfile::tempdir().unwrap();
    let [at_once, broken, later, plain] = ["a", "b", "c", "d"].map(|name| dir.path().join(name));
    let mut job = Job::new();
    job.recipe = job.recipe.with_epochs(2);
    let go = || AtomicBool::new(false);
    // 20 steps to an epoch: the beginning, within an epoch, its end, the end of all.
    let steps = [0, 7, 20, 40];
    done(job.run_that_keeps(&steps).train_in(&at_once, &mut (), &go()).unwrap());
    // Asked for once training is beyond some of them, and again once all is done.
    let stop = go();
    let mut observer = StopAfter { reports: 4, stop: &stop };
    let run = job.run_that_keeps(&[]);
    let outcome = run.train_in(&broken, &mut observer, &stop).unwrap();
    assert_eq!(outcome, RunOutcome::Stopped { step: 21 });
    done(job.run_that_keeps(&steps).train_in(&broken, &mut (), &go()).unwrap());
    let result = done(job.run_that_keeps(&[]).train_in(&later, &mut (), &go()).unwrap());
    assert!(!later.join("early-7.safetensors").exists());
    let metrics = std::fs::read(later.join("metrics.jsonl")).unwrap();
    assert_eq!(done(job.run_that_keeps(&steps).train_in(&later, &mut (), &go()).unwrap()), result);
    assert!(metrics == std::fs::read(later.join("metrics.jsonl")).unwrap());
    done(job.run_that_keeps(&[]).train_in(&plain, &mut (), &go()).unwrap());
    for dir in [&broken, &later, &plain] {
        same_bytes(&at_once, dir);
    }
    for step in steps {
        let read = |dir: &Path| std::fs::read(dir.join(format!("early-{step}.safetensors")));
        let [once, broken, later] = [&at_once, &broken, &later].map(|dir| read(dir).unwrap());
        assert!(once == broken && once == later, "step {step}");
    }
    // What bears another run's identity is refused.
    std::fs::copy(later.join("early-7.safetensors"), plain.join("early-7.safetensors")).unwrap();
    let mut other = Job::new();
    other.recipe = other.recipe.with_epochs(1);
    let folder = dir.path().join("other");
    done(other.run_that_keeps(&[]).train_in(&folder, &mut (), &go()).unwrap());
    std::fs::copy(later.join("early-7.safetensors"), folder.join("early-7.safetensors")).unwrap();
    let error = other.run_that_keeps(&[7]).train_in(&folder, &mut (), &go()).unwrap_err();
    assert!(error.to_string().contains("early-7.safetensors: is of run"), "{error}");
}

#[test]
fn gradual_pruning_survives_being_broken_off() {
    let mut job = Job::new();
    job.recipe = job.recipe.with_epochs(2);
    job.pruning = Pruning::Gradual { rounds: 3, density: 0.1, trained: false };
    let files = ["mask-1.safetensors", "mask-2.safetensors", "mask-3.safetensors"];
    let (result, stops) = in_parts(&job, &files);
    assert_eq!((result.kept, result.epochs), (result.prunable / 10, 2));
    // In one of the fine-tuning epochs, beyond the recipe's 40 steps, too.
    assert!(stops.iter().any(|&step| step > 40), "{stops:?}");
}

#[test]
fn a_result_says_how_much_was_left_at_which_step() {
    let mut job = Job::new();
    job.recipe = job.recipe.with_epochs(1);
    let start = job.mask.density();
    let rewind = |redraw| Pruning::Rewind { step: Some(5), densities: vec![0.3, 0.2], redraw };
    let redraw = Some(Redraw { variance: RedrawVariance::Dense, seed: 1 });
    let cases: [(Pruning, &[u64], &[f64]); 7] = [
        (Pruning::Never, &[0, 20], &[start, start]),
        (Pruning::At { step: 7, density: 0.2 }, &[0, 7, 7, 20], &[start, start, 0.2, 0.2]),
        (Pruning::Restart { step: 0, density: 0.2 }, &[0, 20], &[0.2, 0.2]),
        (Pruning::After { density: 0.2 }, &[0, 20, 20], &[start, start, 0.2]),
        // 0.2 + 0.8/8 = 0.3 at a quarter of the steps, 0.2 at half of them.
        (
            Pruning::During { rounds: 2, density: 0.2 },
            &[0, 5, 5, 10, 10, 20],
            &[start, start, 0.3, 0.3, 0.2, 0.2],
        ),
        (rewind(None), &[0, 5, 5, 20], &[start, start, 0.2, 0.2]),
        (rewind(redraw), &[0, 20], &[0.2, 0.2]),
    ];
    for (pruning, step, density) in cases {
        let dir = tempfile::tempdir().unwrap();
        job.pruning = pruning;
        let result = done(job.train(dir.path()));
        let remaining = result.remaining.unwrap();
        assert_eq!(remaining.step, step, "{:?}", job.pruning);
        let pairs = remaining.density.iter().zip(density);
        // Whole weights are kept.
        assert!(pairs.clone().all(|(a, b)| (a - b).abs() < 1e-4), "{remaining:?}");
        assert_eq!(pairs.count(), step.len());
    }
}

#[test]
fn a_run_in_half_precision_survives_being_broken_off() {
    let mut job = Job::new();
    job.recipe = job.recipe.with_epochs(2);
    for precision in [Precision::Bf16, Precision::F16] {
        job.recipe.precision = precision;
        let (result, _) = in_parts(&job, &[]);
        assert!(result.train.loss < 2.3, "{precision:?}: {}", result.train.loss);
    }
}

#[test]
fn a_run_by_kept_weights_alone_survives_being_broken_off() {
    let mut job = Job::new();
    job.recipe = job.recipe.with_epochs(2);
    job.backend = Backend::Sparse;
    // Pruned on its way, it goes on with what is then left.
    job.pruning = Pruning::During { rounds: 2, density: 0.2 };
    let (result, _) = in_parts(&job, &[]);
    assert!(result.train.loss < 2.3, "{}", result.train.loss);
}

#[test]
fn the_transformation_task_survives_being_broken_off() {
    // Images for targets, and the two moments and the count of steps that Adam has.
    let mut job = Job::new();
    job.recipe = Recipe::preset("mnist-transform").unwrap().with_epochs(2);
    job.data = image_transformation(&job.data, None, 0).unwrap();
    let arch = zoo::by_name("mlp-bn-784-20-784").unwrap().build().unwrap();
    job.network = Network::initialise(arch, Init::default(), 4).unwrap();
    job.mask = by_rule(&job.network);
    let (result, stops) = in_parts(&job, &[]);
    assert!(stops.len() >= 4, "{stops:?}");
    assert_eq!((result.test.top1, result.best), (None, None));
    assert!(result.test.loss < 0.6, "{}", result.test.loss);
}

#[test]
fn another_run_in_the_folder_is_left_alone() {
    let (mut job, dir) = (Job::new(), tempfile::tempdir().unwrap());
    job.recipe.epochs = 1;
    done(job.train(dir.path()));
    let before = std::fs::read(dir.path().join("metrics.jsonl")).unwrap();
    job.recipe.optimiser = OptimiserSpec::Sgd { momentum: 0.5, nesterov: true, weight_decay: 0.0 };
    let error = job.run().train_in(dir.path(), &mut (), &AtomicBool::new(false)).unwrap_err();
    assert!(matches!(error, TrainError::OtherRun { .. }), "{error}");
    assert!(error.to_string().contains("momentum = 0.9"), "{error}");
    assert_eq!(std::fs::read(dir.path().join("metrics.jsonl")).unwrap(), before);
}

#[test]
fn a_run_begun_by_a_build_with_another_hash_of_masks_is_left_alone_and_the_error_says_so() {
    let (mut job, dir) = (Job::new(), tempfile::tempdir().unwrap());
    job.recipe.epochs = 1;
    done(job.train(dir.path()));
    let path = dir.path().join("config.toml");
    let config = std::fs::read_to_string(&path).unwrap();
    assert!(config.contains(&format!("mask = \"{}\"", job.mask.fingerprint())), "{config}");
    // What another hash may have made of this mask.
    let old = config.replace(&job.mask.fingerprint(), &"5".repeat(64));
    std::fs::write(&path, &old).unwrap();
    let error = job.run().train_in(dir.path(), &mut (), &AtomicBool::new(false)).unwrap_err();
    assert!(matches!(error, TrainError::OtherRun { .. }), "{error}");
    assert!(error.to_string().contains("SHA-256"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), old);
}

#[test]
fn files_of_other_runs_are_neither_believed_nor_replaced() {
    let (mut job, dir) = (Job::new(), tempfile::tempdir().unwrap());
    job.recipe.epochs = 1;
    job.pruning = Pruning::Rewind { step: Some(3), densities: vec![0.2], redraw: None };
    let [own, other] = ["own", "other"].map(|name| dir.path().join(name));
    done(job.train(&own));
    job.recipe.epochs = 2;
    let stop = AtomicBool::new(false);
    job.run().train_in(&other, &mut StopAfter { reports: 8, stop: &stop }, &stop).unwrap();
    let error = |job: &Job, dir: &Path| {
        let stop = AtomicBool::new(true);
        job.run().train_in(dir, &mut (), &stop).unwrap_err().to_string()
    };
    // Each file of the first run, put into the folder of the second.
    for (name, wanted) in [
        ("result.json", "result.json: is of run"),
        ("checkpoint.safetensors", "checkpoint.safetensors: is of run"),
        ("early.safetensors", "early.safetensors: is of run"),
        ("mask-1.safetensors", "mask-1.safetensors: is of run"),
    ] {
        let kept = std::fs::read(other.join(name)).ok();
        std::fs::copy(own.join(name), other.join(name)).unwrap();
        let error = error(&job, &other);
        assert!(error.contains(wanted) && error.contains("expected run"), "{error}");
        match kept {
            Some(bytes) => std::fs::write(other.join(name), bytes).unwrap(),
            None => std::fs::remove_file(other.join(name)).unwrap(),
        }
    }
    std::fs::write(other.join("arch.toml"), "name = 'garbage'").unwrap();
    assert!(error(&job, &other).contains("arch.toml: is not the network of this run"));
    // Alone in a folder.
    for name in ["result.json", "metrics.jsonl", "weights.safetensors", "arch.toml"] {
        let alone = tempfile::tempdir().unwrap();
        let path = alone.path().join(name);
        std::fs::write(&path, "what somebody keeps there").unwrap();
        let error = error(&job, alone.path());
        assert!(error.contains(name), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), b"what somebody keeps there");
    }
}

#[test]
fn a_result_beside_other_weights_is_not_shown() {
    let (mut job, dir) = (Job::new(), tempfile::tempdir().unwrap());
    job.recipe.epochs = 1;
    done(job.train(dir.path()));
    let path = dir.path().join("weights.safetensors");
    job.network.save(&path, phew_graph::Overwrite::Replace).unwrap();
    let error = job.run().train_in(dir.path(), &mut (), &AtomicBool::new(false)).unwrap_err();
    assert!(error.to_string().contains("is not what result.json speaks of"), "{error}");
}

#[test]
fn only_one_at_a_time_works_in_a_folder_and_the_other_is_told_who() {
    let (job, dir) = (Job::new(), tempfile::tempdir().unwrap());
    let lock = phew_graph::FileLock::acquire(&dir.path().join("lock")).unwrap();
    let train = || job.run().train_in(dir.path(), &mut (), &AtomicBool::new(true));
    let error = train().unwrap_err().to_string();
    assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
    assert!(!dir.path().join("config.toml").exists());
    drop(lock);
    assert!(matches!(train().unwrap(), RunOutcome::Stopped { step: 0 }));
}

#[test]
fn all_that_decides_a_run_is_part_of_its_identity() {
    let job = Job::new();
    let id = |job: &Job| job.run().config().id();
    let same = Job::new();
    assert_eq!(id(&job), id(&same));
    let other = Job { backend: Backend::Sparse, ..Job::new() };
    assert_ne!(id(&other), id(&job), "another backend");
    let mut other = Job::new();
    other.data = digits(1000, 200, 1).unwrap();
    assert_eq!(other.data.name, job.data.name);
    assert_ne!(id(&other), id(&job), "other images");
    let mut other = Job::new();
    let auxiliary =
        job.network.auxiliary().into_iter().map(|v| v.iter().map(|x| x + 0.5).collect());
    let weights = job.network.weights().iter().map(|values| values.to_vec()).collect();
    other.network = Network::new(job.network.arch().clone(), weights, auxiliary.collect()).unwrap();
    assert_eq!(other.network.fingerprint(), job.network.fingerprint());
    assert_ne!(id(&other), id(&job), "other biases");
    let mut other = Job::new();
    let arch = job.network.arch().to_toml().replace("relu", "tanh");
    let arch = phew_graph::Arch::from_toml(&arch, "test").unwrap();
    other.network = job.network.clone();
    let auxiliary = job.network.auxiliary().into_iter().map(<[f32]>::to_vec).collect();
    let weights = job.network.weights().iter().map(|values| values.to_vec()).collect();
    other.network = Network::new(arch, weights, auxiliary).unwrap();
    assert_ne!(id(&other), id(&job), "another network of the same weights");
}

#[test]
fn a_damaged_checkpoint_is_named() {
    let (job, dir) = (Job::new(), tempfile::tempdir().unwrap());
    let stop = AtomicBool::new(false);
    let mut observer = StopAfter { reports: 5, stop: &stop };
    job.run().train_in(dir.path(), &mut observer, &stop).unwrap();
    let path = dir.path().join("checkpoint.safetensors");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let error = job.run().train_in(dir.path(), &mut (), &AtomicBool::new(false)).unwrap_err();
    assert!(error.to_string().contains("checkpoint.safetensors"), "{error}");
}

#[test]
fn tensorboards_own_reader_finds_the_curves_once_each() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.venv/bin/python");
    if !python.exists() {
        eprintln!("skipped: {} is not there, run 'make setup'", python.display());
        return;
    }
    let (mut job, dir) = (Job::new(), tempfile::tempdir().unwrap());
    job.recipe.epochs = 3;
    // Broken off once: the curves must not hold an epoch twice.
    let stop = AtomicBool::new(false);
    job.run().train_in(dir.path(), &mut StopAfter { reports: 5, stop: &stop }, &stop).unwrap();
    done(job.train(dir.path()));
    let script = "import sys, json\n\
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator\n\
        a = EventAccumulator(sys.argv[1]); a.Reload()\n\
        print(json.dumps({t: [[e.step, e.value] for e in a.Scalars(t)] for t in a.Tags()['scalars']}))";
    let output = Command::new(python).args(["-c", script]).arg(dir.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let curves: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(curves.as_object().unwrap().len(), 8, "{curves}");
    let path: PathBuf = dir.path().join("metrics.jsonl");
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let record: EpochRecord = serde_json::from_str(line).unwrap();
        let find = |tag: &str| {
            let points = curves[tag].as_array().unwrap();
            assert_eq!(points.len(), 3, "{tag}");
            let point = &points[record.epoch as usize - 1];
            assert_eq!(point[0].as_u64().unwrap(), record.epoch);
            point[1].as_f64().unwrap()
        };
        let close = |a: f64, b: f64| assert!((a - b).abs() <= 1e-6 * (1.0 + b.abs()), "{a} {b}");
        close(find("loss/test"), record.test.loss);
        close(find("top1/train"), record.train.top1.unwrap());
        close(find("top5/test"), record.test.top5.unwrap());
        close(find("gradient norm"), record.gradient_norm);
    }
}

#[test]
fn results_of_schema_1_are_read_and_lack_their_provenance_alone() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files/schema-1/result.json");
    let old: RunResult = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!((old.arch.as_str(), old.kept, old.provenance), ("mlp-784-6-10", 1_429, None));
    assert_eq!(old.method.as_deref(), Some("phew, density 0.3, seed 0"));
}
