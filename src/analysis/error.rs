//! Why results cannot be compared.

use std::path::PathBuf;

use crate::foreign;
use crate::store::TableError;

/// What ends a comparison.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there are no results in {}: expected a folder with runs.parquet, as results/<name>", foreign::path(.0))]
    NoResults(PathBuf),
    #[error("cannot read {}: {source}", foreign::path(.path))]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(transparent)]
    Table(#[from] TableError),
    #[error("--where takes KEY=VALUE or KEY!=VALUE, e.g. 'freeze.through=all', not `{0}`")]
    Filter(String),
    #[error("no run has a key `{key}`{hint}")]
    UnknownKey { key: String, hint: String },
    #[error("unknown metric `{name}`{hint}; metrics: {known}")]
    UnknownMetric {
        name: String,
        hint: String,
        known: String,
    },
    #[error("`{0}` is not measured on the images that --select names: leave one of the two out")]
    Contradiction(String),
    #[error("{0}")]
    Nothing(String),
    #[error("the table cannot be made: {0}")]
    Encode(String),
}

impl Error {
    /// Whether what was asked for is wrong, rather than what was found.
    pub fn is_usage(&self) -> bool {
        !matches!(self, Error::Table(_) | Error::Io { .. } | Error::Encode(_))
    }
}

/// What to say of a name that is not among the `known`.
pub(super) fn hint<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let near = crate::spec::nearest(name, known);
    near.map_or(String::new(), |near| format!("; did you mean `{near}`?"))
}
