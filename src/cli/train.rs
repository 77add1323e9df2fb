//! `runner run SPEC`, or `runner SPEC`.

use std::io;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::SIGINT;
use signal_hook::flag;

use super::failure::{Failure, SOME_FAILED, START_AGAIN, STOPPED};
use super::given::{self, is_published_alone};
use super::log::start_log;
use super::run_args::{RunOptions, SpecArgs};
use crate::experiment::{self, Options};
use crate::sink::progress::{self, Reporter, Verbosity};
use crate::stop::Stop;
use crate::terminal;

pub(super) fn run(
    spec: &SpecArgs,
    how: &RunOptions,
    verbosity: Verbosity,
) -> Result<ExitCode, Failure> {
    let path = given::spec(&spec.spec, verbosity)?;
    if is_published_alone(&path, &spec.overrides)? {
        let shown = path.display();
        return Err(Failure::usage(format!(
            "{shown} has no [dataset], so there is nothing to train: runner predict {shown} IMAGE… uses its network as it was \
             published, runner evaluate {shown} --set dataset.name=image_folder --set dataset.path=FOLDER measures it"
        )));
    }
    let (reporter, log) = progress::for_stderr(verbosity);
    start_log(log, verbosity);
    let reporter: Arc<dyn Reporter> = reporter.into();
    let stop = Stop::default();
    let managed = Arc::new(AtomicBool::new(false));
    if let Err(error) = stop_on_signals(&stop, &managed, &reporter) {
        reporter.warn(&format!("signals stop the runner at once: {error}"));
    }
    let options = Options {
        overrides: spec.overrides.clone(),
        results: how.results().to_owned(),
        only: how.only.clone(),
        fresh: how.fresh,
        fail_fast: how.fail_fast,
        jobs: how.jobs.map(NonZeroUsize::get),
        stop: stop.clone(),
    };
    let done = experiment::run(&path, &options, &*reporter);
    reporter.close();
    let stopped = match managed.load(Ordering::Relaxed) {
        true => START_AGAIN,
        false => STOPPED,
    };
    let done = done.map_err(|error| Failure::stopped(error, stopped))?;
    if verbosity > Verbosity::Quiet {
        terminal::print(&format!("{}\n", done.text()))?;
    }
    Ok(match (done.is_complete(), stop.is_requested()) {
        (true, _) => ExitCode::SUCCESS,
        (_, true) => ExitCode::from(stopped),
        _ => ExitCode::from(SOME_FAILED),
    })
}

/// What batch systems and supervisors send before they end a process.
#[cfg(unix)]
const OF_MANAGERS: [i32; 2] = [signal_hook::consts::SIGTERM, signal_hook::consts::SIGUSR1];
#[cfg(not(unix))]
const OF_MANAGERS: [i32; 1] = [signal_hook::consts::SIGTERM];

/// The first signal wishes a stop, which is acknowledged at once; the second ends the process. One that is not a person's
/// sets `managed`.
fn stop_on_signals(
    stop: &Stop,
    managed: &Arc<AtomicBool>,
    reporter: &Arc<dyn Reporter>,
) -> io::Result<()> {
    for signal in OF_MANAGERS {
        flag::register_conditional_shutdown(signal, i32::from(START_AGAIN), stop.flag())?;
        flag::register(signal, Arc::clone(managed))?;
    }
    // After a manager's signal, or with one, it is the manager that is to know.
    flag::register_conditional_shutdown(SIGINT, i32::from(START_AGAIN), Arc::clone(managed))?;
    flag::register_conditional_shutdown(SIGINT, i32::from(STOPPED), stop.flag())?;
    // Behind those: the flag is looked at before it is set.
    for signal in OF_MANAGERS.into_iter().chain([SIGINT]) {
        flag::register(signal, stop.flag())?;
    }
    #[cfg(unix)]
    if let Err(error) = acknowledge(reporter) {
        tracing::debug!("signals are not acknowledged: {error}");
    }
    Ok(())
}

/// Says, from a thread of its own, that a signal has come.
#[cfg(unix)]
fn acknowledge(reporter: &Arc<dyn Reporter>) -> io::Result<()> {
    use std::io::Read;
    let (mut reader, writer) = std::os::unix::net::UnixStream::pair()?;
    for signal in OF_MANAGERS.into_iter().chain([SIGINT]) {
        signal_hook::low_level::pipe::register(signal, writer.try_clone()?)?;
    }
    let reporter = Arc::clone(reporter);
    std::thread::Builder::new().spawn(move || {
        if reader.read_exact(&mut [0]).is_ok() {
            reporter.note("stopping after this batch; press Ctrl-C again, or send a second signal, to stop at once");
        }
    })?;
    Ok(())
}
