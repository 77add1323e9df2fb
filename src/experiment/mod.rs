//! A whole experiment: the spec, the experiments it builds on, its runs, its records.

mod check;
mod error;
mod foreseen;
mod history;
mod identity;
mod jobs;
mod keep;
mod mistakes;
mod networks;
mod only;
mod options;
mod page;
mod pictures;
mod prepared;
mod probe;
mod rate;
mod round;
mod search;
mod submit;
mod told;
mod wording;

use std::collections::BTreeSet;
use std::path::Path;

pub use check::{Checked, check, check_as};
pub use error::Error;
pub use networks::Look;
pub use options::{Options, RESULTS};
pub use probe::{Probed, probe};
pub use submit::{Load, Submission, cancel, commands, submit};

use crate::analysis::{self, Question, Results};
use crate::fetch::Cache;
use crate::sink::Done;
use crate::sink::progress::Reporter;
use identity::{Network, Sources};
use prepared::{Prepared, prepare};
use round::execute;

/// Runs the experiment of a spec file, and first those it builds on.
///
/// # Errors
/// A wrong spec, or records that cannot be written. Runs that fail are no error: they are recorded.
pub fn run(spec: &Path, options: &Options, reporter: &dyn Reporter) -> Result<Done, Error> {
    let overrides = &options.overrides;
    // Mistakes are shown before anything is downloaded.
    let sources = |network| Sources {
        network,
        progress: reporter,
        results: &options.results,
    };
    let mut prepared = prepare(spec, overrides, sources(Network::Unused))?;
    for warning in prepared.experiment.warnings() {
        reporter.warn(warning);
    }
    if prepared.is_preliminary() {
        prepared = prepare(spec, overrides, sources(Network::Used))?;
    }
    if Cache::from_env().is_ok_and(|cache| cache.root().is_none()) {
        reporter.warn(
            "there is no cache folder (neither RUNNER_CACHE nor HOME is set, and the user database names no home \
             folder): nothing is kept for the next start",
        );
    }
    let mut tell = (reporter, &mut BTreeSet::new());
    let done = match prepared.experiment.is_searched() {
        true => search::run(&mut prepared, options, &mut tell)?,
        false => execute(&prepared, options, false, &mut tell)?,
    };
    Ok(answered(done))
}

/// With the answer to what the sweep asked, where it has one; results that cannot be compared have none.
fn answered(mut done: Done) -> Done {
    let results = Results::read(&[done.folder().to_owned()]);
    let found = results.and_then(|results| analysis::compare(results, &Question::default()));
    if let Some(found) = found.ok().filter(|found| found.ranked().len() > 1) {
        let parts = [analysis::answer(&found), analysis::optimistic(&found)];
        for part in parts.into_iter().flatten() {
            done.add(&part);
        }
    }
    done
}
