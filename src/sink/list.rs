//! The list of those who are told.

use super::event::Event;

/// What a sink could not do.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Told what happens in an experiment; several runs may be in progress at a time.
pub trait Sink: Sync {
    /// Something has happened. What the sink has to say itself it tells `sinks`, the list that it is in.
    ///
    /// # Errors
    /// What it could not do, and is to try again.
    fn event(&self, event: &Event<'_>, sinks: &Sinks<'_>) -> Result<(), Failure>;
}

/// The sinks of an experiment, in the order in which they are told.
pub struct Sinks<'a>(Vec<&'a dyn Sink>);

impl<'a> Sinks<'a> {
    /// Those of this list.
    pub fn new(sinks: Vec<&'a dyn Sink>) -> Self {
        Sinks(sinks)
    }

    /// Tells all of them what has happened.
    ///
    /// # Errors
    /// What the first that failed could not do.
    pub fn event(&self, event: &Event<'_>) -> Result<(), Failure> {
        let tell = |sink: &&dyn Sink| sink.event(event, self).err();
        let failed: Vec<Failure> = self.0.iter().filter_map(tell).collect();
        failed.into_iter().next().map_or(Ok(()), Err)
    }

    /// Tells all of them what has happened; what they could not do is said.
    pub fn tell(&self, event: &Event<'_>) {
        if let Err(failure) = self.event(event) {
            self.warn(&failure.to_string());
        }
    }

    /// Something went other than wished, and what is done about it.
    pub fn warn(&self, text: &str) {
        // Whoever cannot say it can say no more of that either.
        let _ = self.event(&Event::Warning(text));
    }

    /// Something worth knowing.
    pub fn note(&self, text: &str) {
        let _ = self.event(&Event::Note(text));
    }
}
