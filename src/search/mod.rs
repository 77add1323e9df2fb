//! Which points of a sweep's axes are run, a strategy per file. To add one is to add a file and a row to the list.

mod grid;
mod random;
mod strategy;

pub use grid::GRID;
pub use strategy::{MOST_RUNS, Point, Points, Strategy};

/// Every strategy, as specs name them.
pub static STRATEGIES: [&Strategy; 2] = [&grid::GRID, &random::RANDOM];
