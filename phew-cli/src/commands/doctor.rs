//! `phew doctor`: what this machine has, and what this build can use of it.

use clap::Args;
use serde::Serialize;

use crate::command::{Command, Example, Report};
use crate::output::counted;

/// Show what this machine has.
///
/// Version, threads, and whether libtorch loads and sees CUDA, or why not.
#[derive(Debug, Args)]
pub struct Doctor {}

/// The program and the machine.
#[derive(Clone, Debug, Serialize)]
pub struct DoctorReport {
    /// Version of phew.
    #[serde(skip)]
    pub version: &'static str,
    /// Operating system and processor.
    pub system: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Threads that it uses.
    pub threads: usize,
    /// Whether this build can train.
    pub training: bool,
    /// libtorch, of a build that can train.
    pub libtorch: Option<LibtorchReport>,
}

/// The libtorch that was loaded.
#[derive(Clone, Debug, Serialize)]
pub struct LibtorchReport {
    /// Its version, if its folder says so.
    pub version: Option<String>,
    /// Where it was loaded from.
    pub folder: Option<String>,
    /// Threads of an operation.
    pub threads: usize,
    /// Whether it sees a CUDA device.
    pub cuda: bool,
    /// How many.
    pub cuda_devices: usize,
    /// The devices, or why there is none.
    pub cuda_status: String,
}

impl Command for Doctor {
    const NAME: &'static str = "doctor";
    const EXAMPLES: &'static [Example] =
        &[("versions, threads, CUDA", "phew doctor"), ("for a program", "phew doctor --json")];
    type Report = DoctorReport;

    fn run(&self) -> anyhow::Result<DoctorReport> {
        Ok(DoctorReport {
            version: env!("CARGO_PKG_VERSION"),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            threads: rayon::current_num_threads(),
            training: cfg!(feature = "train"),
            libtorch: libtorch(),
        })
    }
}

#[cfg(feature = "train")]
fn libtorch() -> Option<LibtorchReport> {
    let found = phew_train::libtorch();
    let devices = match found.cuda {
        phew_train::Cuda::Visible { devices } => devices,
        phew_train::Cuda::Hidden(_) => 0,
    };
    Some(LibtorchReport {
        version: found.version,
        folder: found.folder.map(|f| f.display().to_string()),
        threads: found.threads,
        cuda: devices > 0,
        cuda_devices: devices,
        cuda_status: found.cuda.to_string(),
    })
}

#[cfg(not(feature = "train"))]
fn libtorch() -> Option<LibtorchReport> {
    None
}

impl Report for DoctorReport {
    fn text(&self) -> String {
        let mut out = format!("phew      {} on {}\n", self.version, self.system);
        out += &format!("threads   {} of {}\n", self.threads, counted(self.cores, "core"));
        match &self.libtorch {
            None => out += "training  not in this build (`make build` makes one with libtorch)\n",
            Some(torch) => {
                let or_unknown = |v: &Option<String>| v.clone().unwrap_or_else(|| "unknown".into());
                let (version, folder) = (or_unknown(&torch.version), or_unknown(&torch.folder));
                let threads = counted(torch.threads, "thread");
                out += &format!("libtorch  {version} in {folder}, {threads}\n");
                out += &format!("CUDA      {}\n", torch.cuda_status);
            }
        }
        out
    }
}
