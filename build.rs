//! Tells the tests whether the data they compare with is there: `cfg(shared)` and its folder.
//!
//! The golden runs and the real images are not part of this package; tests that need them are
//! reported as ignored, with the reason, where they are not found.

use std::path::PathBuf;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(shared)");
    println!("cargo::rerun-if-env-changed=RUNNER_SHARED");
    let manifest = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let folder =
        std::env::var_os("RUNNER_SHARED").map_or_else(|| manifest.join("../shared"), PathBuf::from);
    let marker = folder.join("golden/README.md");
    println!("cargo::rerun-if-changed={}", marker.display());
    if marker.exists() {
        println!("cargo::rustc-cfg=shared");
    }
}
