//! `runner submit SPEC`.

use std::num::NonZeroUsize;
use std::path::Path;

use super::failure::Failure;
use super::given;
use super::log::start_log;
use super::submit_args::SubmitArgs;
use crate::engine::{self, Engine};
use crate::experiment::{self, RESULTS, Submission};
use crate::sink::progress::{self, Reporter, Verbosity};
use crate::terminal;

pub(super) fn run(args: &SubmitArgs, verbosity: Verbosity) -> Result<(), Failure> {
    let engine = args.how.engine.as_deref().map(engine::open).transpose();
    let engine = engine.map_err(|error| Failure::from(experiment::Error::from(error)))?;
    let spec = given::spec(&args.spec.spec, verbosity)?;
    let (reporter, log) = progress::for_stderr(verbosity);
    start_log(log, verbosity);
    let program = match &engine {
        Some(_) => std::env::current_exe().map_err(Failure::other)?,
        None => std::env::args_os().next().unwrap_or_default().into(),
    };
    let what = Submission {
        spec: &spec,
        overrides: &args.spec.overrides,
        only: &args.shared.only,
        results: args.shared.results.as_deref().unwrap_or(Path::new(RESULTS)),
        load: args.load.load(),
        program: &program,
        jobs: args.shared.jobs.map(NonZeroUsize::get),
    };
    let done = hand_over(args, &what, engine.as_deref(), &*reporter);
    reporter.close();
    Ok(terminal::print(&done?)?)
}

fn hand_over(
    args: &SubmitArgs,
    what: &Submission<'_>,
    engine: Option<&dyn Engine>,
    reporter: &dyn Reporter,
) -> Result<String, experiment::Error> {
    match engine {
        Some(engine) if args.cancel => experiment::cancel(what, engine),
        Some(engine) => experiment::submit(what, (engine, &args.options), reporter),
        None => {
            let lines = experiment::commands(what, reporter)?;
            Ok(lines.iter().map(|line| format!("{line}\n")).collect())
        }
    }
}
