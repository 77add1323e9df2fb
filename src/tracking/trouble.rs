//! What goes wrong with a tracker, to be said once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The first trouble of a tracker, until it is taken; later ones are nobody's news.
#[derive(Clone, Debug, Default)]
pub(super) struct Trouble(Arc<Mutex<State>>);

#[derive(Debug, Default)]
enum State {
    #[default]
    None,
    New(String),
    Said,
}

impl Trouble {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what went wrong.
    pub fn note(&self, text: impl FnOnce() -> String) {
        let mut state = self.state();
        if let State::None = *state {
            *state = State::New(text());
        }
    }

    /// What is to be said now.
    pub fn take(&self) -> Option<String> {
        let mut state = self.state();
        match std::mem::take(&mut *state) {
            State::None => None,
            State::New(text) => {
                *state = State::Said;
                Some(text)
            }
            State::Said => {
                *state = State::Said;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_trouble_is_said_and_no_other() {
        let trouble = Trouble::default();
        assert_eq!(trouble.take(), None);
        trouble.note(|| "first".into());
        trouble.clone().note(|| "second".into());
        assert_eq!(trouble.take().as_deref(), Some("first"));
        trouble.note(|| "third".into());
        assert_eq!(trouble.take(), None);
    }
}
