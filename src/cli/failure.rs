//! Why a command has failed, and the exit status.

use crate::analysis;
use crate::experiment::Error;
use crate::export;
use crate::foreign;
use crate::inference;
use crate::report;
use crate::terminal::{self, Stream};

/// Some runs failed; the others are recorded.
pub(super) const SOME_FAILED: u8 = 1;
/// The spec or the command line is wrong.
pub(super) const WRONG_SPEC: u8 = 2;
/// Stopped by Ctrl-C, as shells count signals: 128 + SIGINT.
pub(super) const STOPPED: u8 = 130;
/// Stopped by whoever manages processes, to be started again: `EX_TEMPFAIL` of `sysexits.h`.
pub(super) const START_AGAIN: u8 = 75;

/// Why a command has failed: what to show, and the exit status.
pub(super) struct Failure {
    /// Its foreign parts are visible; it may have colours where standard error has some.
    pub text: String,
    pub status: u8,
}

impl Failure {
    pub fn usage(message: impl std::fmt::Display) -> Self {
        Failure {
            status: WRONG_SPEC,
            ..Failure::other(message)
        }
    }

    pub fn other(message: impl std::fmt::Display) -> Self {
        Failure {
            text: foreign::one_line(&format!("error: {message}")).into_owned(),
            status: SOME_FAILED,
        }
    }

    /// Of an experiment; with this status where it was stopped before it began.
    pub fn stopped(error: Error, status: u8) -> Self {
        let is_stop = matches!(error, Error::Interrupted(_));
        let failure = Failure::from(error);
        match is_stop {
            true => Failure { status, ..failure },
            false => failure,
        }
    }
}

impl From<terminal::Error> for Failure {
    fn from(error: terminal::Error) -> Self {
        Failure::other(error)
    }
}

impl From<analysis::Error> for Failure {
    fn from(error: analysis::Error) -> Self {
        match error.is_usage() {
            true => Failure::usage(error),
            false => Failure::other(error),
        }
    }
}

impl From<report::Error> for Failure {
    fn from(error: report::Error) -> Self {
        match error {
            report::Error::Analysis(error) => error.into(),
            other => Failure::other(other),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure {
            text: rendered(|coloured| error.render(coloured)),
            status: match error {
                Error::Spec(_) | Error::Only(_) => WRONG_SPEC,
                Error::Engine(ref error) if error.is_usage() => WRONG_SPEC,
                Error::Interrupted(_) => STOPPED,
                _ => SOME_FAILED,
            },
        }
    }
}

impl From<inference::Error> for Failure {
    fn from(error: inference::Error) -> Self {
        Failure {
            text: rendered(|coloured| error.render(coloured)),
            status: if error.is_usage() {
                WRONG_SPEC
            } else {
                SOME_FAILED
            },
        }
    }
}

impl From<export::Error> for Failure {
    fn from(error: export::Error) -> Self {
        match error {
            export::Error::Model(error) => (*error).into(),
            error if error.is_usage() => Failure::usage(error),
            error => Failure::other(error),
        }
    }
}

/// A text for standard error, with colours where it has some and they are wanted; all else in it is visible.
fn rendered(render: impl Fn(bool) -> String) -> String {
    let plain = render(false);
    let coloured = Stream::Err.has_colours().then(|| render(true));
    match coloured.filter(|coloured| *coloured != plain) {
        Some(coloured) => coloured,
        None => foreign::visible(&plain).into_owned(),
    }
}
