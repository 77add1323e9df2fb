//! The one place that prints: results on standard output, messages on standard error.
//!
//! Whatever is printed is made [`visible`](crate::foreign::visible) first. A reader that has gone away
//! (`runner check SPEC | head -1`) ends the output quietly; a disk that is full is an error of standard output. Messages
//! are lost where standard error takes none: nothing stops for that.
#![expect(
    clippy::disallowed_methods,
    reason = "everything else prints through this module"
)]

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::panic::Location;

use crate::foreign::{visible, visible_but_colours};

/// Standard output takes no more.
#[derive(Debug, thiserror::Error)]
#[error("standard output cannot be written: {0}")]
pub struct Error(io::Error);

/// One of the two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

impl Stream {
    /// Whether people read it as it is written.
    pub fn is_terminal(self) -> bool {
        match self {
            Stream::Out => io::stdout().is_terminal(),
            Stream::Err => io::stderr().is_terminal(),
        }
    }

    /// Whether text on it may have colours: on a terminal, unless `NO_COLOR` is set to anything (<https://no-color.org>).
    pub fn has_colours(self) -> bool {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        self.is_terminal() && !unwanted
    }
}

/// How many columns a terminal has; none where the stream is no terminal.
pub fn width(stream: Stream) -> Option<usize> {
    let term = match stream {
        Stream::Out => console::Term::stdout(),
        Stream::Err => console::Term::stderr(),
    };
    term.size_checked().map(|(_, columns)| usize::from(columns))
}

/// How many columns a text takes that has been made visible.
pub fn columns_of(text: &str) -> usize {
    console::measure_text_width(text)
}

/// Prints results.
///
/// # Errors
/// Standard output that cannot be written, but for a reader that has gone away.
pub fn print(text: &str) -> Result<(), Error> {
    print_bytes(visible(text).as_bytes())
}

/// Prints text that has colours of ours, its foreign parts visible already.
///
/// # Errors
/// As [`print`].
pub fn print_coloured(text: &str) -> Result<(), Error> {
    print_bytes(visible_but_colours(text).as_bytes())
}

/// Prints what is no text.
///
/// # Errors
/// As [`print`].
pub fn print_bytes(bytes: &[u8]) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Error(error)),
        _ => Ok(()),
    }
}

/// Says something on standard error, in whole lines.
pub fn say(text: &str) {
    write_messages(visible(text).trim_end());
}

/// Says something that has colours of ours, its foreign parts visible already.
pub fn say_coloured(text: &str) {
    write_messages(visible_but_colours(text).trim_end());
}

fn write_messages(text: &str) {
    // In one piece, so that lines of several processes do not mix. There is nobody left to report an error to.
    let _ = io::stderr()
        .lock()
        .write_all(format!("{text}\n").as_bytes());
}

/// Standard error for writers of messages; what cannot be written is lost.
#[derive(Clone, Copy, Debug)]
pub struct Messages {
    /// Whether escapes that set colours are ours.
    pub coloured: bool,
}

impl Write for Messages {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let shown = String::from_utf8_lossy(text);
        let shown = match self.coloured {
            true => visible_but_colours(&shown),
            false => visible(&shown).into_owned(),
        };
        let _ = io::stderr().lock().write_all(shown.as_bytes());
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Has panics told as everything else is, but for those in code that `is_expected` knows: their catcher says more.
pub fn tell_panics(is_expected: fn(&Location<'_>) -> bool) {
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location();
        if place.is_some_and(is_expected) {
            return;
        }
        let thread = std::thread::current();
        let place = place.map_or_else(String::new, |place| format!(" at {place}"));
        let mut text = format!(
            "thread '{}' panicked{place}:\n{}",
            thread.name().unwrap_or("<unnamed>"),
            panic.payload_as_str().unwrap_or("(no message)"),
        );
        let backtrace = std::backtrace::Backtrace::capture();
        if backtrace.status() == std::backtrace::BacktraceStatus::Captured {
            text += &format!("\n{backtrace}");
        }
        say(&text);
    }));
}
