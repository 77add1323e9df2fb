//! What is made of an experiment's tables for people to look at.

use std::error::Error;
use std::fmt::Debug;
use std::path::Path;

/// A page that shows an experiment's results, made again as they come in.
pub trait Page: Debug + Sync {
    /// Makes it from what lies in the folder; gives whether there was anything to show.
    ///
    /// # Errors
    /// Tables that cannot be read, or files that cannot be written.
    fn make(&self, folder: &Path) -> Result<bool, Box<dyn Error + Send + Sync>>;

    /// Whether a whole one is there that was made after these files of the folder were written.
    fn is_newer_than(&self, folder: &Path, files: &[&str]) -> bool;
}
