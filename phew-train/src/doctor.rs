//! What libtorch this process runs on, and whether it sees CUDA or why not.

use std::fmt;
use std::path::{Path, PathBuf};

/// The libtorch that this process has loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Libtorch {
    /// Version as the package states it, `2.11.0+cu130` say; `None` if no version file lies beside the library.
    pub version: Option<String>,
    /// The folder that the library was loaded from; `None` where the system does not tell.
    pub folder: Option<PathBuf>,
    /// Threads that one operation may use.
    pub threads: usize,
    /// Whether CUDA is visible, or why not.
    pub cuda: Cuda,
}

/// Whether libtorch sees a CUDA device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cuda {
    /// This many devices are at hand.
    Visible {
        /// Devices that this process may use.
        devices: usize,
    },
    /// None is, for this reason.
    Hidden(Hidden),
}

/// Why libtorch sees no CUDA device.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hidden {
    /// This libtorch is a build for the CPU alone.
    CpuBuild,
    /// The library has CUDA but the program was linked without it.
    NotLinked,
    /// The machine has no NVIDIA driver.
    NoDriver,
    /// `CUDA_VISIBLE_DEVICES` has this value, which leaves no device.
    Masked(String),
    /// The driver is there, but offers no device: too old for this CUDA, or no device is attached.
    NoDevice {
        /// The driver's own description of its version.
        driver: String,
    },
}

impl fmt::Display for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CpuBuild => f.write_str("this libtorch is built for the CPU alone"),
            Self::NotLinked => f.write_str(
                "libtorch has CUDA, but this program was linked without it (its build needs -Wl,--no-as-needed -ltorch)",
            ),
            Self::NoDriver => f.write_str("this machine has no NVIDIA driver"),
            Self::Masked(value) => {
                write!(f, "CUDA_VISIBLE_DEVICES is '{value}', which leaves no device")
            }
            Self::NoDevice { driver } => write!(
                f,
                "the driver offers no device to this CUDA: it may be too old, or no device is attached ({driver})"
            ),
        }
    }
}

impl fmt::Display for Cuda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Visible { devices: 1 } => f.write_str("visible, 1 device"),
            Self::Visible { devices } => write!(f, "visible, {devices} devices"),
            Self::Hidden(why) => write!(f, "not visible: {why}"),
        }
    }
}

/// What can be observed about CUDA, from which the reason follows.
#[derive(Debug)]
struct Facts {
    /// `libtorch_cuda` lies beside the loaded library; `None` if that folder is unknown.
    library: Option<bool>,
    /// libtorch's CUDA half is loaded in this process.
    linked: bool,
    /// Devices that libtorch counts.
    devices: usize,
    /// Value of `CUDA_VISIBLE_DEVICES`.
    mask: Option<String>,
    /// First line of the kernel driver's version file.
    driver: Option<String>,
}

impl Facts {
    fn conclude(self) -> Cuda {
        if self.devices > 0 {
            return Cuda::Visible { devices: self.devices };
        }
        Cuda::Hidden(match (self.linked, self.library, self.driver, self.mask) {
            (false, Some(true), _, _) => Hidden::NotLinked,
            (false, _, _, _) => Hidden::CpuBuild,
            (true, _, None, _) => Hidden::NoDriver,
            (true, _, Some(_), Some(mask)) => Hidden::Masked(mask),
            (true, _, Some(driver), None) => Hidden::NoDevice { driver },
        })
    }
}

/// Reports on the libtorch that this process runs on.
///
/// A process that could not load libtorch never gets here: the system's loader ends it before `main`, naming
/// the library that is missing.
///
/// # Examples
/// ```
/// let torch = phew_train::libtorch();
/// println!("libtorch {:?}, CUDA {}", torch.version, torch.cuda);
/// assert!(torch.threads >= 1);
/// ```
#[must_use]
pub fn libtorch() -> Libtorch {
    let folder = loaded_from("libtorch_cpu");
    let facts = Facts {
        library: folder.as_deref().map(has_cuda_library),
        linked: tch::utils::has_cudart(),
        devices: usize::try_from(tch::Cuda::device_count()).unwrap_or(0),
        mask: std::env::var("CUDA_VISIBLE_DEVICES").ok(),
        driver: std::fs::read_to_string("/proc/driver/nvidia/version")
            .ok()
            .map(|text| text.lines().next().unwrap_or_default().trim().to_owned()),
    };
    Libtorch {
        version: folder.as_deref().and_then(version_beside),
        threads: usize::try_from(tch::get_num_threads()).unwrap_or(1),
        folder,
        cuda: facts.conclude(),
    }
}

/// Whether the libtorch in this folder comes with CUDA.
fn has_cuda_library(folder: &Path) -> bool {
    ["libtorch_cuda.so", "torch_cuda.dll"].iter().any(|name| folder.join(name).exists())
}

/// The folder from which this process loaded the library whose file name starts so.
fn loaded_from(library: &str) -> Option<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    // The path is the sixth column, and may hold spaces.
    maps.lines().filter_map(|line| line.find('/').map(|at| Path::new(&line[at..]))).find_map(
        |path| {
            let name = path.file_name()?.to_str()?;
            name.starts_with(library).then(|| path.parent().map(Path::to_owned))?
        },
    )
}

/// The version that the package of this library folder states: `version.py` in PyTorch's package,
/// `build-version` in the bare libtorch archive.
fn version_beside(folder: &Path) -> Option<String> {
    let package = folder.parent()?;
    if let Ok(text) = std::fs::read_to_string(package.join("build-version")) {
        return Some(text.trim().to_owned());
    }
    let text = std::fs::read_to_string(package.join("version.py")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("__version__ = "))?;
    Some(line.trim().trim_matches(['\'', '"']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        let driver = Some("NVRM version: 580".to_owned());
        Facts { library: Some(true), linked: true, devices: 0, mask: None, driver }
    }

    #[test]
    fn each_reason_for_no_cuda_is_told_apart() {
        let hidden = |facts: Facts| match facts.conclude() {
            Cuda::Hidden(why) => why,
            visible => panic!("{visible}"),
        };
        assert_eq!(hidden(Facts { linked: false, ..facts() }), Hidden::NotLinked);
        let cpu = Facts { linked: false, library: Some(false), ..facts() };
        assert_eq!(hidden(cpu), Hidden::CpuBuild);
        assert_eq!(hidden(Facts { driver: None, ..facts() }), Hidden::NoDriver);
        let masked = Facts { mask: Some(String::new()), ..facts() };
        assert_eq!(hidden(masked), Hidden::Masked(String::new()));
        assert!(matches!(hidden(facts()), Hidden::NoDevice { .. }));
    }

    #[test]
    fn a_counted_device_is_visible_whatever_else_holds() {
        assert_eq!(Facts { devices: 2, ..facts() }.conclude(), Cuda::Visible { devices: 2 });
    }

    #[test]
    fn the_version_is_read_from_either_package_layout() {
        let dir = tempfile::tempdir().unwrap();
        let lib = dir.path().join("lib");
        assert_eq!(version_beside(&lib), None);
        std::fs::write(dir.path().join("version.py"), "x = 1\n__version__ = '2.11.0+cu130'\n")
            .unwrap();
        assert_eq!(version_beside(&lib).as_deref(), Some("2.11.0+cu130"));
        std::fs::write(dir.path().join("build-version"), "2.11.0+cpu\n").unwrap();
        assert_eq!(version_beside(&lib).as_deref(), Some("2.11.0+cpu"));
    }
}
