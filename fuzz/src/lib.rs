//! What the fuzz targets share: folders to put files into, and the way to the readers, which is the program's own.
//!
//! First inputs come from the property tests, then a target is run for a minute, with a nightly compiler or with
//! `RUSTC_BOOTSTRAP=1`:
//!
//! ```sh
//! FUZZ_SEEDS=$PWD/fuzz/corpus cargo test --release --test it any_input::
//! cargo fuzz run --sanitizer none idx -- -max_total_time=60 -rss_limit_mb=1024 -timeout=10
//! ```

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use runner::data::{self, Data};
use runner::progress::NoProgress;
use runner::spec::{Dataset, DatasetName, OnBadImage, Validation};
use tempfile::TempDir;

/// A folder of this process; in memory where the system has a place for that.
pub static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let made = match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    made.expect("a temporary folder can be made")
});

/// Puts a file into the folder.
pub fn put(name: &str, bytes: &[u8]) -> PathBuf {
    let path = FOLDER.path().join(name);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).expect("the folder can be written");
    }
    std::fs::write(&path, bytes).expect("the folder can be written");
    path
}

/// Nothing can be downloaded.
struct Offline;

impl data::Source for Offline {
    fn files(&self, _: DatasetName) -> Result<PathBuf, Box<dyn Error + Send + Sync>> {
        Err("offline".into())
    }
}

/// Reads the dataset at `path`.
pub fn load(name: DatasetName, path: &Path, on_bad_image: OnBadImage) -> Result<Data, data::Error> {
    let spec = Dataset {
        path: Some(path.to_owned()),
        validation: Validation::Stratified,
        on_bad_image,
        ..Dataset::new(name)
    };
    data::load(&spec, 32, 0, &Offline, &NoProgress)
}
