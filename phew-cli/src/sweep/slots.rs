//! How many jobs go side by side on this machine, and how many threads each has.
//!
//! **On the CPU** as many as there are cores, unless the plan or `--parallel` says otherwise or there are fewer jobs; each
//! has its share of the cores, so that jobs × threads ≤ cores. The share follows from the plan and the machine, not from
//! what is left to do: a sweep that is cut off and goes on trains with the same threads, and so to the same bits.
//!
//! **On CUDA** two at first. Every ten seconds the device is asked how busy it was and how much memory is free. Where all
//! places are taken, one more is added once three answers since the last addition say that it was busy for less than 90% of
//! the time on average, and the last of them that twice the memory is free which a running job takes on average. There
//! are never more than cores, since each job needs a thread to feed the device. The number never falls.

use std::process::Command;
use std::time::{Duration, Instant};

/// Between two questions to the device.
const PERIOD: Duration = Duration::from_secs(10);

/// Answers that are needed for one more job.
const ANSWERS: usize = 3;

/// The part of the time below which a device has room for one more.
const BUSY: f64 = 0.9;

/// Places for jobs.
#[derive(Debug)]
pub(crate) struct Slots {
    places: usize,
    /// Threads of each.
    pub(crate) threads: usize,
    device: Option<Device>,
}

/// A device whose load says how many jobs it takes.
#[derive(Debug)]
struct Device {
    cores: usize,
    asked: Instant,
    answers: Vec<Answer>,
}

/// What a device says of itself.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Answer {
    /// Part of the time that it computed.
    busy: f64,
    /// MiB free.
    free: f64,
    /// MiB used.
    used: f64,
}

impl Slots {
    /// Places for `jobs` jobs on `cores` cores; `wanted` of them if that is given; on a CUDA device if `cuda`.
    pub(crate) fn new(cores: usize, jobs: usize, wanted: Option<usize>, cuda: bool) -> Self {
        let cores = cores.max(1);
        let usual = if cuda { 2 } else { cores };
        let places = wanted.unwrap_or(usual.min(jobs)).max(1);
        let asked = Instant::now();
        let device =
            (cuda && wanted.is_none()).then(|| Device { cores, asked, answers: Vec::new() });
        // Those that the device may get later have their share from the start.
        let sharers = if device.is_some() { cores.min(jobs.max(1)) } else { places };
        Self { places, threads: (cores / sharers).max(1), device }
    }

    /// The number of places now, of which so many are taken.
    pub(crate) fn places(&mut self, taken: usize) -> usize {
        if let Some(device) = &mut self.device
            && taken >= self.places
            && self.places < device.cores
            && device.asked.elapsed() >= PERIOD
        {
            device.asked = Instant::now();
            device.answers.extend(ask());
            if has_room(&device.answers, taken) {
                self.places += 1;
                device.answers.clear();
            }
        }
        self.places
    }
}

/// Whether one more job fits, by the rule that stands above.
fn has_room(answers: &[Answer], running: usize) -> bool {
    let Some(last) = answers.last().filter(|_| answers.len() >= ANSWERS) else { return false };
    let busy = answers.iter().map(|answer| answer.busy).sum::<f64>() / answers.len() as f64;
    busy < BUSY && last.free > 2.0 * last.used / running.max(1) as f64
}

/// Asks the first visible device.
fn ask() -> Option<Answer> {
    let query = "--query-gpu=utilization.gpu,memory.free,memory.used";
    let mut command = Command::new("nvidia-smi");
    command.args([query, "--format=csv,noheader,nounits", "-i"]);
    let first = std::env::var("CUDA_VISIBLE_DEVICES").ok();
    let first =
        first.as_deref().and_then(|list| list.split(',').next()).filter(|id| !id.is_empty());
    let output = command.arg(first.unwrap_or("0")).output().ok()?;
    answer(&String::from_utf8_lossy(&output.stdout))
}

fn answer(line: &str) -> Option<Answer> {
    let numbers: Option<Vec<f64>> = line.trim().split(',').map(|n| n.trim().parse().ok()).collect();
    match numbers?[..] {
        [busy, free, used] => Some(Answer { busy: busy / 100.0, free, used }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_times_threads_never_exceed_the_cores() {
        for (cores, jobs, wanted, places, threads) in [
            (8, 100, None, 8, 1),
            (8, 2, None, 2, 4),
            (8, 3, None, 3, 2),
            (8, 100, Some(2), 2, 4),
            (2, 100, Some(5), 5, 1),
            (1, 0, None, 1, 1),
        ] {
            let mut slots = Slots::new(cores, jobs, wanted, false);
            assert_eq!((slots.places(0), slots.threads), (places, threads), "{cores} {jobs}");
        }
        let mut slots = Slots::new(16, 100, None, true);
        assert_eq!((slots.places(0), slots.threads), (2, 1));
    }

    #[test]
    fn an_idle_device_with_memory_takes_one_more() {
        let answer = |busy, free| Answer { busy, free, used: 4000.0 };
        let idle = [answer(0.5, 9000.0); 3];
        assert!(has_room(&idle, 2));
        assert!(!has_room(&idle[..2], 2), "too few answers");
        assert!(!has_room(&[answer(0.95, 9000.0); 3], 2), "busy");
        // Two jobs use 2,000 each: a third needs 4,000 free.
        assert!(!has_room(&[answer(0.5, 4000.0); 3], 2), "full");
        assert_eq!(
            super::answer("37, 70000, 1200\n"),
            Some(Answer { busy: 0.37, free: 70000.0, used: 1200.0 })
        );
        assert_eq!(super::answer("No devices were found"), None);
    }
}
