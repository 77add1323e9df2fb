//! What a table's files are written in.

use std::ops::Range;

use super::cells::Sheet;
use super::columns::Columns;
use crate::data::error::Error;

/// Takes some of the images that are wanted, with their rows (ascending) and where these are among those asked for.
pub(in crate::data::sources) type Take<'t> =
    dyn FnMut(&dyn EncodedImages, &[usize], Range<usize>) -> Result<(), Error> + 't;

/// A file of a table, as it is written. Rows are counted from 0.
pub(in crate::data::sources) trait Form: Sync {
    /// The columns that are wanted, a value per row.
    ///
    /// # Errors
    /// A file that is damaged, or without the columns.
    fn read(&self, columns: &Columns) -> Result<Sheet, Error>;

    /// Gives the encoded images of `rows` (ascending), some at a time, so that not all are in memory.
    ///
    /// # Errors
    /// Images that are not in the file or cannot be read; what `take` says.
    fn by_group(&self, columns: &Columns, rows: &[usize], take: &mut Take<'_>)
    -> Result<(), Error>;

    /// What is wrong with the image of a row.
    fn bad(&self, row: usize, reason: &str) -> Error;
}

/// Images as files of images hold them.
pub(in crate::data::sources) trait EncodedImages: Sync {
    /// The bytes of a row's image; none where there are none.
    fn of_row(&self, row: usize) -> Option<&[u8]>;
}
