//! A plan on a real Slurm, which `scripts/slurm.sh` starts on this machine: the same results as here, in spite of a signal.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const NEEDED: [&str; 5] = ["sbatch", "squeue", "slurmctld", "slurmd", "munged"];

/// A cluster of this machine, ended with the value.
struct Cluster {
    folder: tempfile::TempDir,
    conf: String,
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/slurm.sh")
}

impl Cluster {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = std::fs::File::create(folder.path().join("start.log")).unwrap();
        let output = Command::new(script()).arg("start").arg(folder.path()).stderr(log).output();
        let output = output.unwrap();
        let said = std::fs::read_to_string(folder.path().join("start.log")).unwrap();
        assert!(output.status.success(), "{said}");
        Self { conf: String::from_utf8(output.stdout).unwrap().trim().to_owned(), folder }
    }

    fn call(&self, program: &str, words: &[&str]) -> String {
        let output =
            Command::new(program).args(words).env("SLURM_CONF", &self.conf).output().unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn phew(&self, at: &Path, line: &str) -> Value {
        let mut phew = Command::new(assert_cmd::cargo::cargo_bin!("phew"));
        phew.current_dir(at).args(line.split_whitespace()).env("SLURM_CONF", &self.conf);
        let output = phew.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = Command::new(script()).arg("stop").arg(self.folder.path()).status();
    }
}

fn missing() -> Option<String> {
    let there = |name: &&&str| {
        std::env::var_os("PATH").is_some_and(|path| {
            std::env::split_paths(&path)
                .chain(["/usr/sbin".into()])
                .any(|dir| dir.join(name).exists())
        })
    };
    if let Some(name) = NEEDED.iter().find(|name| !there(name)) {
        return Some(format!("there is no {name} (Debian: slurm-wlm, munge)"));
    }
    let id = Command::new("id").arg("-u").output().ok()?;
    (id.stdout != b"0\n").then(|| "it has to be root".to_owned())
}

/// Waits until a job of the sweep is so far.
fn wait(what: &str, mut so_far: impl FnMut() -> bool) {
    let started = Instant::now();
    while !so_far() {
        assert!(started.elapsed() < Duration::from_secs(300), "waiting for {what} takes too long");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn a_cluster_comes_to_the_results_of_this_machine() {
    if let Some(why) = missing() {
        // Past the test's own output, which is not shown where a test passes.
        let line = format!("\n=== SKIPPED: the sweep on Slurm was NOT tested: {why} ===\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        return;
    }
    let cluster = Cluster::start();
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let plan = "name = 'masks'\nmeasure = ['widths', 'path-kernel-trace']\n[settings]\narch = 'resnet20'\n\
         [axes]\nmethod = ['phew', 'synflow']\ndensity = [0.1]\nseed = '0-3'\n\
         [[override]]\nwhen = { method = 'synflow' }\nset = { schedule = 'exponential:5000' }\n\
         [slurm]\ntime = '10'\nchunk = 4\nsignal = 30\nlines = ['export PHEW_TEST=1']\n";
    std::fs::write(at.join("plan.toml"), plan).unwrap();
    let submitted = cluster.phew(at, "sweep plan.toml -o cluster --engine slurm --json");
    assert_eq!((&submitted["submitted"], &submitted["queued"]), (&24.into(), &0.into()));
    assert_eq!(submitted["arrays"].as_array().unwrap().len(), 2, "{submitted}");
    // What is queued is not submitted again.
    let again = cluster.phew(at, "sweep plan.toml -o cluster --engine slurm --json");
    assert_eq!(again["submitted"], 0, "{again}");

    // A task that is told to stop goes back into the queue.
    let logs = || {
        let logs = std::fs::read_dir(at.join("cluster/slurm/log")).unwrap();
        let text = logs.map(|log| std::fs::read_to_string(log.unwrap().path()).unwrap_or_default());
        text.collect::<String>()
    };
    // Slurm lets a task that comes back wait for two minutes.
    let hurry = || {
        for task in cluster.call("squeue", &["--noheader", "--array", "--format=%i %r"]).lines() {
            if let Some((task, "BeginTime")) = task.trim().split_once(' ') {
                let job = format!("JobId={task}");
                let mut scontrol = Command::new("scontrol");
                scontrol.args(["update", &job, "StartTime=now"]).env("SLURM_CONF", &cluster.conf);
                scontrol.stderr(Stdio::null()).status().unwrap();
            }
        }
    };
    let at_work = || {
        let jobs =
            std::fs::read_dir(at.join("cluster/jobs")).unwrap().map(|job| job.unwrap().path());
        jobs.filter(|job| job.join("log.txt").exists() && !job.join("result.json").exists()).count()
    };
    wait("a task that was told to stop", || {
        hurry();
        if at_work() > 0 {
            let running = ["--noheader", "--array", "--states=RUNNING", "--format=%i"];
            for task in cluster.call("squeue", &running).lines() {
                // It may have ended meanwhile.
                let mut scancel = Command::new("scancel");
                scancel.args(["--batch", "--signal=USR1", task.trim()]);
                scancel.env("SLURM_CONF", &cluster.conf).stderr(Stdio::null()).status().unwrap();
            }
            std::thread::sleep(Duration::from_secs(2));
        }
        logs().contains("stopped, as asked")
    });
    let done = || {
        let status = cluster.phew(at, "sweep status cluster --json");
        let tools = status["tools"].as_object().unwrap().values();
        tools.map(|tool| tool["done"].as_u64().unwrap()).sum::<u64>()
    };
    wait("the last task", || {
        hurry();
        done() == 24
    });
    wait("an empty queue", || cluster.call("squeue", &["--noheader"]).trim().is_empty());
    let again = cluster.phew(at, "sweep plan.toml -o cluster --engine slurm --json");
    assert_eq!((&again["submitted"], &again["queued"]), (&0.into(), &0.into()));

    cluster.phew(at, "sweep plan.toml -o local --json");
    for sweep in ["cluster", "local"] {
        cluster.phew(at, &format!("collect {sweep} --json"));
    }
    for table in ["rows.csv", "summary.csv", "pairs.csv"] {
        let read = |sweep: &str| std::fs::read_to_string(at.join(sweep).join(table)).unwrap();
        assert_eq!(read("cluster"), read("local"), "{table}");
    }
}
