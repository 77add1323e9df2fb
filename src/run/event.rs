//! What happens while a run is done.

use super::start::Download;
use crate::data::Data;
use crate::train;

/// What happens while a run is done, told in this order; how it ended is what doing it gives back.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// It begins.
    Started,
    /// The weights that it starts from were downloaded, now or earlier.
    Weights(&'a Download),
    /// Its images are there, and divided.
    Divided(&'a Data),
    /// It trains.
    Training(train::Event<'a>),
}

/// Takes what happens.
pub type Tell<'a> = &'a mut (dyn FnMut(Event<'_>) + Send);
