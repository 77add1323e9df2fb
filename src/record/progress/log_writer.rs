//! Where logs go, so that they and live bars do not garble one another.

use std::io::{self, IsTerminal, Write, stderr};

use indicatif::MultiProgress;
use tracing_subscriber::fmt::MakeWriter;

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

    /// Whether log lines may have colours: on a terminal, unless `NO_COLOR` says otherwise.
    pub fn has_colors(&self) -> bool {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        stderr().is_terminal() && !unwanted
    }

    /// For standard error with these bars on it.
    pub(super) fn around(bars: MultiProgress) -> Self {
        LogWriter { bars: Some(bars) }
    }
}

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let write = || stderr().lock().write_all(line).map(|()| line.len());
        match &self.bars {
            Some(bars) => bars.suspend(write),
            None => write(),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        stderr().flush()
    }
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = LogWriter;

    fn make_writer(&'a self) -> LogWriter {
        self.clone()
    }
}
