//! Where to compute.

use crate::doctor::{Cuda, libtorch};
use crate::error::{Result, TrainError};

/// A device: a wrapper of libtorch's, so that callers need not know that crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device(pub(crate) tch::Device);

impl Device {
    /// The processor.
    pub const CPU: Self = Self(tch::Device::Cpu);

    /// `cpu`, `cuda`, `cuda:1`, or `auto`: CUDA where it is visible.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] if the name is none of these, or CUDA is asked for and not visible: it says why.
    pub fn by_name(name: &str) -> Result<Self> {
        let number = match name {
            "cpu" => return Ok(Self::CPU),
            "auto" if tch::Cuda::is_available() => return Ok(Self(tch::Device::Cuda(0))),
            "auto" => return Ok(Self::CPU),
            "cuda" => Some(0),
            other => other.strip_prefix("cuda:").and_then(|number| number.parse().ok()),
        };
        let expected = match (number, libtorch().cuda) {
            (Some(number), Cuda::Visible { devices }) if number < devices => {
                return Ok(Self(tch::Device::Cuda(number)));
            }
            (None, _) => "cpu, cuda, cuda:N or auto".to_owned(),
            (_, cuda) => format!("a device that is there: CUDA is {cuda}"),
        };
        Err(TrainError::Parameter { what: "device", found: format!("'{name}'"), expected })
    }
}

impl std::fmt::Display for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            tch::Device::Cuda(number) => write!(f, "cuda:{number}"),
            _ => f.write_str("cpu"),
        }
    }
}

/// Sets how many threads an operation of libtorch may use, in this process and, for what computes in it already, in
/// this thread.
///
/// The bits of a training run on the CPU depend on it.
pub fn set_threads(threads: usize) {
    tch::set_num_threads(i32::try_from(threads).unwrap_or(i32::MAX));
}

/// How many threads an operation of libtorch may use in this process.
#[must_use]
pub fn threads() -> usize {
    usize::try_from(tch::get_num_threads()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_what_is_not_there_is_explained() {
        assert_eq!(Device::by_name("cpu").unwrap(), Device::CPU);
        assert_eq!(Device::CPU.to_string(), "cpu");
        let error = Device::by_name("gpu").unwrap_err().to_string();
        assert!(error.contains("'gpu', expected cpu, cuda, cuda:N or auto"), "{error}");
        let error = Device::by_name("cuda:99").unwrap_err().to_string();
        assert!(error.contains("CUDA is"), "{error}");
    }
}
