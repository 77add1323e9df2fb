//! What the integration tests share: the real binary, and the folder of real data.

mod alone;
pub mod server;
#[cfg(unix)]
pub mod survival;
pub mod timm_step;
pub mod torch_file;

pub use alone::done_alone;

use std::path::{Path, PathBuf};
use std::process::{self, Child, Output};

use assert_cmd::Command;
use candle_core::Device;

/// Where networks are compared with golden runs.
pub const DEVICE: &str = if cfg!(feature = "cuda") {
    "cuda:0"
} else {
    "cpu"
};

/// [`DEVICE`] itself.
pub fn device() -> Device {
    #[cfg(feature = "cuda")]
    {
        use std::sync::LazyLock;
        static GPU: LazyLock<Device> = LazyLock::new(|| runner::ops::open_gpu(0).unwrap());
        GPU.clone()
    }
    #[cfg(not(feature = "cuda"))]
    Device::Cpu
}

/// The folder of real images, weights and golden runs; see `build.rs`.
pub fn shared() -> PathBuf {
    std::env::var_os("RUNNER_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    )
}

/// The binary, working in `folder`, with a cache of its own and nothing of the user's environment
/// that could change a spec.
pub fn runner(folder: &Path) -> Command {
    let mut command = Command::cargo_bin("runner").expect("the binary is built");
    command
        .current_dir(folder)
        .env("RUNNER_CACHE", folder.join("cache"))
        .env("NO_COLOR", "1");
    command
}

/// Everything a process said.
pub fn said(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

/// A spec that trains in a second: 60 built-in digits through SqueezeNet, one epoch.
pub const SMALL: &str = r#"
[dataset]
name = "digits"
train_limit = 60
test_limit = 20

[backbone]
arch = "squeezenet1_1"
weights = "random"
input_size = 32

[freeze]
through = "all"

[[head]]
layer = "global_average_pooling"
[[head]]
layer = "dense"
units = "classes"
activation = "softmax"

[training]
epochs = 1
"#;

/// Sends a signal, such as `-INT`, to a program that was started.
pub fn signal(name: &str, child: &Child) {
    let id = child.id().to_string();
    assert!(
        process::Command::new("kill")
            .args([name, &id])
            .status()
            .unwrap()
            .success()
    );
}

/// Writes a file into `folder` and gives its path.
pub fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("the test's folder can be written");
    path
}
