#![no_main]
//! A spec file.

use libfuzzer_sys::fuzz_target;
use runner::spec::Experiment;
use runner_fuzz::{FOLDER, put};

fuzz_target!(|bytes: &[u8]| {
    let path = put("spec.toml", bytes);
    match Experiment::load_with(&path, &[], [], FOLDER.path()) {
        Ok(experiment) => drop(experiment.to_toml()),
        Err(error) => drop(error.render(true)),
    }
});
