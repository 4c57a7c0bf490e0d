//! Where libtorch computes.

use clap::Args;
use phew_train::Device;

/// Which device.
#[derive(Debug, Args)]
pub(crate) struct DeviceArgs {
    /// Where to compute: cpu, cuda, cuda:N, or auto for CUDA where it is visible
    #[arg(long, default_value = "auto", value_parser = device)]
    pub(crate) device: Device,
}

/// A device by its name.
pub(crate) fn device(name: &str) -> Result<Device, String> {
    Device::by_name(name).map_err(|e| e.to_string())
}
