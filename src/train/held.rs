//! A run that a search looks at before its end.

/// A run that is held after some of its epochs, with a checkpoint, until a search goes on with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("held after {epochs} epochs")]
pub struct Held {
    pub epochs: usize,
}
