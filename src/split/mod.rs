//! How images are divided into parts: by the words that name one, and by what a spec holds out.

mod arrange;
mod groups;
mod hold_out;
mod shuffle;
mod words;

pub use arrange::{Arranged, List, TEST_SEED, Unseen, test_order};
pub use hold_out::{fold_size, training_count};
pub use words::*;
