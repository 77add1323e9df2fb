//! Tells the tests whether the data they compare with is there (`cfg(shared)`), and the program which
//! arithmetic it is built with (`FORWARD_ARITHMETIC`), and which way of decoding images (`DECODING`).
//!
//! The golden runs and the real images are not part of this package; tests that need them are
//! reported as ignored, with the reason, where they are not found.

use std::collections::BTreeSet;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// What decides the bits of a forward pass; features kept by another arithmetic are not used.
const ARITHMETIC: [&str; 5] = [
    "Cargo.lock",
    "src/data",
    "src/graph",
    "src/model",
    "src/ops",
];

/// What decides the pixels of a decoded image; images kept by another way of decoding are not used.
const DECODING: [&str; 3] = ["Cargo.lock", "src/data", "src/resize"];

fn main() {
    #[cfg(feature = "cuda")]
    compile_kernels();
    look_for_shared_data();
    tell("FORWARD_ARITHMETIC", &ARITHMETIC);
    tell("DECODING", &DECODING);
}

/// Gives the program a variable with a checksum of these files and folders.
fn tell(variable: &str, paths: &[&str]) {
    let mut hasher = DefaultHasher::new();
    for path in paths {
        println!("cargo::rerun-if-changed={path}");
        hash(Path::new(path), &mut hasher);
    }
    println!("cargo::rustc-env={variable}={:016x}", hasher.finish());
}

/// The GPU's kernels as PTX, `kernels.ptx`, by nvcc; for the GPU that is here or `CUDA_COMPUTE_CAP` names, and newer ones.
#[cfg(feature = "cuda")]
fn compile_kernels() {
    let built = cudaforge::KernelBuilder::new()
        .source_files(["src/ops/cuda/kernels/kernels.cu"])
        .watch(["src/ops/cuda/kernels"])
        .arg("-std=c++17")
        .arg("-O3")
        .build_ptx();
    built.expect("nvcc compiles src/ops/cuda/kernels/kernels.cu");
}

/// The names and contents of all files at and below `path`, in the order of their names.
fn hash(path: &Path, hasher: &mut DefaultHasher) {
    path.hash(hasher);
    match fs::read_dir(path) {
        Ok(entries) => {
            let inside: BTreeSet<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
            inside.iter().for_each(|path| hash(path, hasher));
        }
        Err(_) => fs::read(path).unwrap_or_default().hash(hasher),
    }
}

fn look_for_shared_data() {
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
