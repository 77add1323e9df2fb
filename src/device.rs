//! Which device a run computes on.

use candle_core::Device;
use candle_core::utils::{cuda_is_available, metal_is_available};

use crate::spec::{self, Problem};

/// The device a spec asks for, with the word to show for it (`cpu`, `cuda:0`, `metal`).
///
/// # Errors
/// A device that is not built in or not there.
pub fn open(wanted: spec::Device) -> Result<(Device, String), Problem> {
    let missing = |why: String| {
        Problem::new("training.device", why)
            .help("\"auto\" takes a GPU where there is one, else the CPU")
    };
    match wanted {
        spec::Device::Cpu => Ok((Device::Cpu, "cpu".into())),
        spec::Device::Auto if cuda_is_available() => {
            open(spec::Device::Cuda(0)).or_else(|_| open(spec::Device::Cpu))
        }
        spec::Device::Auto if metal_is_available() => {
            open(spec::Device::Metal).or_else(|_| open(spec::Device::Cpu))
        }
        spec::Device::Auto => open(spec::Device::Cpu),
        spec::Device::Cuda(_) if !cuda_is_available() => Err(missing(
            "this runner is built without CUDA; build it with `--features cuda`".into(),
        )),
        spec::Device::Cuda(n) => Device::new_cuda(n)
            .map(|device| (device, format!("cuda:{n}")))
            .map_err(|e| missing(format!("CUDA device {n} cannot be used: {e}"))),
        spec::Device::Metal if !metal_is_available() => Err(missing(
            "this runner is built without Metal; build it with `--features metal`".into(),
        )),
        spec::Device::Metal => Device::new_metal(0)
            .map(|device| (device, "metal".into()))
            .map_err(|e| missing(format!("the Metal device cannot be used: {e}"))),
    }
}
