//! Where logs go, so that they and live bars do not garble one another.

use std::io::{self, Write};

use indicatif::MultiProgress;
use tracing_subscriber::fmt::MakeWriter;

use crate::terminal::{Messages, Stream};

/// Standard error, with the bars taken off while a log line is written.
#[derive(Clone, Debug)]
pub struct LogWriter {
    bars: Option<MultiProgress>,
}

impl LogWriter {
    /// For standard error without bars.
    pub(super) fn plain() -> Self {
        LogWriter { bars: None }
    }

    /// Whether log lines may have colours.
    pub fn has_colours(&self) -> bool {
        Stream::Err.has_colours()
    }

    /// For standard error with these bars on it.
    pub(super) fn around(bars: MultiProgress) -> Self {
        LogWriter { bars: Some(bars) }
    }
}

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let coloured = self.has_colours();
        let write = || Messages { coloured }.write(line);
        match &self.bars {
            Some(bars) => bars.suspend(write),
            None => write(),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = LogWriter;

    fn make_writer(&'a self) -> LogWriter {
        self.clone()
    }
}
