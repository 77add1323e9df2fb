//! Whatever a file holds: its reader ends with a value or an error, does not panic, and takes no more memory than
//! some multiple of the file's length. The memory is the whole process's, so that every test is done alone.

mod altered;
mod archives;
mod datasets;
mod memory;
mod mutation;
mod specs;
mod weights;

use std::error::Error;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use proptest::test_runner::{Config, RngSeed};
use runner::data::{self, Data, Resizing};
use runner::progress::NoProgress;
use runner::spec::{Dataset, DatasetName, OnBadImage, Validation};

/// So many cases, the same in every run; what other cases find is the fuzzing's business.
fn cases(cases: u32) -> Config {
    Config {
        cases,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..Config::default()
    }
}

/// Nothing can be downloaded.
struct Offline;

impl data::Source for Offline {
    fn files(&self, _: DatasetName) -> Result<PathBuf, Box<dyn Error + Send + Sync>> {
        Err("offline".into())
    }
}

/// The dataset at `path`, as squares of 32 pixels where it is an image folder.
fn load(name: DatasetName, path: &Path, on_bad_image: OnBadImage) -> Result<Data, data::Error> {
    let spec = Dataset {
        path: Some(path.to_owned()),
        validation: Validation::Stratified,
        on_bad_image,
        ..Dataset::new(name)
    };
    data::load(&spec, Resizing::squash(32), 0, &Offline, &NoProgress)
}

/// Does `work`, whose panics are caught and become errors, without their messages: making one with `RUST_BACKTRACE`
/// takes 35 MB. The panic hook is the whole process's: for tests that are done alone.
fn without_panic_messages(work: impl FnOnce()) {
    panic::set_hook(Box::new(|_| {}));
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    drop(panic::take_hook());
    if let Err(panic) = result {
        panic::resume_unwind(panic);
    }
}

/// Loads the dataset, an error or not, within `fixed` bytes and `factor` more for each of `length`.
fn load_within(name: DatasetName, path: &Path, fixed: usize, factor: usize, length: usize) {
    for on_bad_image in [OnBadImage::Error, OnBadImage::Skip] {
        let (result, peak) =
            memory::peak(|| load(name, path, on_bad_image).map(|data| data.train.len()));
        assert!(
            peak <= fixed + factor * length,
            "{peak} bytes of memory for {length} of {name}: {result:?}"
        );
    }
}
