//! Progress and logs, on the terminal.

use tracing::level_filters::LevelFilter;

use crate::progress::Progress;
use crate::sink::progress::{self, LogWriter, Verbosity};

/// Does what takes long, its progress on the terminal.
pub(super) fn with_progress<T>(verbosity: Verbosity, work: impl FnOnce(&dyn Progress) -> T) -> T {
    let (reporter, log) = progress::for_stderr(verbosity);
    start_log(log, verbosity);
    let result = work(&*reporter);
    reporter.close();
    result
}

/// Warnings (with -v: everything) go to the terminal, between its bars.
pub(super) fn start_log(log: LogWriter, verbosity: Verbosity) {
    let level = match verbosity {
        Verbosity::Quiet => LevelFilter::ERROR,
        Verbosity::Normal => LevelFilter::WARN,
        Verbosity::Verbose => LevelFilter::DEBUG,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .without_time()
        .with_ansi(log.has_colours())
        .with_writer(log)
        .init();
}
