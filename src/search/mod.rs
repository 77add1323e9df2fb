//! Which points of a sweep's axes are run, a strategy per file. To add one is to add a file and a row to the list.

mod draw;
mod grid;
mod halving;
mod random;
mod range;
mod space;
mod strategy;
mod tpe;

pub use grid::GRID;
pub use range::{Range, Scale};
pub use space::{Axis, MOST_RUNS, Place, Point, Space, Values};
pub use strategy::{Answers, Asked, Question, Strategy};

/// Every strategy, as specs name them.
pub static STRATEGIES: [&Strategy; 4] =
    [&grid::GRID, &random::RANDOM, &halving::HALVING, &tpe::TPE];
