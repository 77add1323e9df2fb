//! Where the tests' real data lies; see `build.rs`.

use std::path::{Path, PathBuf};

/// A place in the folder of real images, weights and golden runs.
pub fn shared(place: &str) -> PathBuf {
    let near = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    std::env::var_os("RUNNER_SHARED")
        .map_or_else(near, PathBuf::from)
        .join(place)
}
