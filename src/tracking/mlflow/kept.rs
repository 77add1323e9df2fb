//! Which MLflow run a run is, kept in the run's folder so that a later start continues it.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::atomic::write_claimed_for_now;
use crate::claim::Token;

const FILE: &str = "mlflow.json";

/// A run on a server.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The server's address.
    pub server: String,
    pub run_id: String,
}

impl Kept {
    /// The MLflow run at `server` that the run with this folder is; none where it is none yet, or the file is damaged.
    pub fn read(folder: &Path, server: &str) -> Option<String> {
        let text = fs::read_to_string(folder.join(FILE)).ok()?;
        let kept: Kept = serde_json::from_str(&text).ok()?;
        (kept.server == server).then_some(kept.run_id)
    }

    /// # Errors
    /// A folder that cannot be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let text = serde_json::to_string(self)?;
        write_claimed_for_now(&folder.join(FILE), text.as_bytes(), &Token::unclaimed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_known_to_its_own_server_only() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept {
            server: "http://a".into(),
            run_id: "1".into(),
        };
        assert_eq!(Kept::read(folder.path(), "http://a"), None);
        kept.write(folder.path()).unwrap();
        let read = Kept::read(folder.path(), "http://a");
        assert_eq!(read.as_deref(), Some("1"));
        assert_eq!(Kept::read(folder.path(), "http://b"), None);
        fs::write(folder.path().join(FILE), "{").unwrap();
        assert_eq!(Kept::read(folder.path(), "http://a"), None);
    }
}
