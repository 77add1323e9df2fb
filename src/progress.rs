//! How long work with a known or unknown amount tells how far it is.

/// Told about one piece of long work: a download, decoding a dataset.
pub trait Progress: Sync {
    /// Work on `what` begins; `total` in bytes where `bytes`, else in items.
    fn start(&self, what: &str, total: Option<u64>, bytes: bool);
    /// `amount` more is done.
    fn advance(&self, amount: u64);
    /// The work is over, well or not.
    fn finish(&self);
}

/// Tells nobody.
pub struct NoProgress;

impl Progress for NoProgress {
    fn start(&self, _what: &str, _total: Option<u64>, _bytes: bool) {}
    fn advance(&self, _amount: u64) {}
    fn finish(&self) {}
}
