//! What the terminal shows while runs are in progress: live bars on a terminal, else a line per epoch.

mod bar;
mod follow;
mod lines;
mod live;
mod log_writer;
mod pace;
mod plain;
mod reporter;
#[cfg(test)]
mod tests;

use indicatif::{MultiProgress, ProgressDrawTarget};

use crate::terminal::{self, Messages, Stream};
use live::Live;
pub use log_writer::LogWriter;
use plain::Plain;
pub use reporter::{Reporter, RunStart, Verbosity};

/// How many columns there are for bars and lines.
fn columns() -> usize {
    terminal::width(Stream::Err).unwrap_or(80)
}

/// The reporter for the standard error output, and where logs are to be written so that they do not garble it.
///
/// Bars are live where standard error is a terminal that can move its cursor; `NO_COLOR` is honoured.
pub fn for_stderr(verbosity: Verbosity) -> (Box<dyn Reporter>, LogWriter) {
    let can_move = std::env::var_os("TERM").is_none_or(|term| term != "dumb");
    if verbosity > Verbosity::Quiet && Stream::Err.is_terminal() && can_move {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let log = LogWriter::around(bars.clone());
        (Box::new(Live::new(bars, verbosity, columns)), log)
    } else {
        let plain = Plain::new(Box::new(Messages { coloured: false }), verbosity);
        (Box::new(plain), LogWriter::plain())
    }
}
