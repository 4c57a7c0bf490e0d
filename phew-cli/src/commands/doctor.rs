//! `phew doctor`: what this machine has, and what this build can use of it.

use clap::Args;
use serde::Serialize;

use crate::output::{json, text};

/// Shows version, threads, and whether libtorch loads and sees CUDA, or why not.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    version: &'static str,
    system: String,
    cores: usize,
    threads: usize,
    training: bool,
    libtorch: Option<Libtorch>,
}

#[derive(Serialize)]
struct Libtorch {
    version: Option<String>,
    folder: Option<String>,
    threads: usize,
    cuda: bool,
    cuda_devices: usize,
    cuda_status: String,
}

impl Doctor {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let report = Report {
            version: env!("CARGO_PKG_VERSION"),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            threads: rayon::current_num_threads(),
            training: cfg!(feature = "train"),
            libtorch: libtorch(),
        };
        if self.json { json(&report) } else { text(&report.text()) }
    }
}

#[cfg(feature = "train")]
fn libtorch() -> Option<Libtorch> {
    let found = phew_train::libtorch();
    let devices = match found.cuda {
        phew_train::Cuda::Visible { devices } => devices,
        phew_train::Cuda::Hidden(_) => 0,
    };
    Some(Libtorch {
        version: found.version,
        folder: found.folder.map(|f| f.display().to_string()),
        threads: found.threads,
        cuda: devices > 0,
        cuda_devices: devices,
        cuda_status: found.cuda.to_string(),
    })
}

#[cfg(not(feature = "train"))]
fn libtorch() -> Option<Libtorch> {
    None
}

impl Report {
    fn text(&self) -> String {
        let mut out = format!("phew      {} on {}\n", self.version, self.system);
        out += &format!("threads   {} of {} cores\n", self.threads, self.cores);
        match &self.libtorch {
            None => out += "training  not in this build (`make build` makes one with libtorch)\n",
            Some(torch) => {
                let or_unknown = |v: &Option<String>| v.clone().unwrap_or_else(|| "unknown".into());
                let (version, folder) = (or_unknown(&torch.version), or_unknown(&torch.folder));
                out += &format!("libtorch  {version} in {folder}, {} threads\n", torch.threads);
                out += &format!("CUDA      {}\n", torch.cuda_status);
            }
        }
        out
    }
}
