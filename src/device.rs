//! Which device a run computes on.

use candle_core::Device;
use candle_core::utils::{cuda_is_available, metal_is_available};

use crate::ops::Products;
use crate::spec::{self, Precision, Problem};

/// A device that can be used.
#[derive(Clone, Debug)]
pub struct Chosen {
    pub device: Device,
    /// The word to show for it: `cpu`, `cuda:0`, `metal`.
    pub name: String,
    /// Why it was taken, in a line, where the spec leaves it open.
    pub why: Option<String>,
}

/// The device that a spec asks for.
///
/// # Errors
/// A device that is not built in or not there, or a precision that it does not compute in.
pub fn choose(training: &spec::Training) -> Result<Chosen, Problem> {
    let chosen = open(training.device)?;
    let precision = training.precision;
    if precision == Precision::F32 {
        return Ok(chosen);
    }
    if chosen.device.is_cuda() {
        return Ok(chosen);
    }
    let why = match (chosen.device.is_cpu(), precision) {
        (true, Precision::Bf16) if Products::Bf16.are_there() => return Ok(chosen),
        (true, Precision::Bf16) => {
            "this processor has no instructions for bf16 (AVX512-BF16), so that it would be slower than f32"
                .into()
        }
        (true, _) => format!("a CPU computes in f32 or bf16, not in {precision}"),
        (false, _) => format!("this version computes in f32 on {}, not in {precision}", chosen.name),
    };
    Err(Problem::new("training.precision", why).help("take \"f32\""))
}

/// A GPU that is built in and can be used, else the CPU.
fn automatic() -> Chosen {
    let gpu = if cuda_is_available() {
        Some(("CUDA", spec::Device::Cuda(0)))
    } else if metal_is_available() {
        Some(("Metal", spec::Device::Metal))
    } else {
        None
    };
    let why = match gpu.map(|(built_in, gpu)| (built_in, open(gpu))) {
        Some((built_in, Ok(chosen))) => {
            let why = format!(
                "computing on {}: {built_in} is built in and usable",
                chosen.name
            );
            return Chosen {
                why: Some(why),
                ..chosen
            };
        }
        Some((_, Err(problem))) => problem.message,
        None => "this runner is built without CUDA and Metal".into(),
    };
    Chosen {
        why: Some(format!("computing on cpu: {why}")),
        ..cpu()
    }
}

fn cpu() -> Chosen {
    Chosen {
        device: Device::Cpu,
        name: "cpu".into(),
        why: None,
    }
}

fn open(wanted: spec::Device) -> Result<Chosen, Problem> {
    let missing = |why: String| {
        Problem::new("training.device", why)
            .help("\"auto\" takes a GPU where there is one, else the CPU")
    };
    let gpu = |name: String, device: candle_core::Result<Device>| {
        let device = device.map_err(|e| missing(format!("{name} cannot be used: {e}")))?;
        Ok(Chosen {
            device,
            name,
            why: None,
        })
    };
    match wanted {
        spec::Device::Auto => Ok(automatic()),
        spec::Device::Cpu => Ok(cpu()),
        spec::Device::Cuda(_) if !cuda_is_available() => Err(missing(
            "this runner is built without CUDA; build it with `--features cuda`".into(),
        )),
        #[cfg(feature = "cuda")]
        spec::Device::Cuda(n) => gpu(format!("cuda:{n}"), crate::ops::open_gpu(n)),
        #[cfg(not(feature = "cuda"))]
        spec::Device::Cuda(n) => gpu(format!("cuda:{n}"), Device::new_cuda(n)),
        spec::Device::Metal if !metal_is_available() => Err(missing(
            "this runner is built without Metal; build it with `--features metal`".into(),
        )),
        spec::Device::Metal => gpu("metal".into(), Device::new_metal(0)),
    }
}
