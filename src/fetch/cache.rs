//! The cache folder: what is in it, and getting into it what is not.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::client::{Client, Failure};
use super::download;
use super::error::Error;
use super::partial::Partial;
use super::remote::Remote;
use super::timeouts::Timeouts;
use crate::foreign;
use crate::progress::Progress;
use crate::secret::without_passwords;

/// The folder where downloaded files are kept.
#[derive(Clone, Debug)]
pub struct Cache {
    /// None where nothing says where it is to be; files that must be kept are refused then.
    root: Option<PathBuf>,
    timeouts: Timeouts,
}

impl Cache {
    /// The cache at `RUNNER_CACHE`, else `runner` in the user's cache folder: `$XDG_CACHE_HOME`, or the platform's own
    /// (`~/.cache`; `~/Library/Caches` on macOS; `%LOCALAPPDATA%` on Windows). Without `HOME`, home is what the user
    /// database says. Where nothing says where that is, the cache keeps nothing, and only what must be downloaded is
    /// refused.
    ///
    /// # Errors
    /// As [`Timeouts::from_env`].
    pub fn from_env() -> Result<Self, Error> {
        let root = folder(|name| std::env::var_os(name), std::env::home_dir);
        Ok(Cache {
            root,
            timeouts: Timeouts::from_env()?,
        })
    }

    /// The cache at `root`, which need not exist yet.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Cache {
            root: Some(root.into()),
            timeouts: Timeouts::default(),
        }
    }

    /// Waits as `timeouts` says.
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// The folder of everything kept; none where nothing can be kept.
    pub fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// The path of `remote` in the cache, downloading it there if it is not there yet.
    ///
    /// A file in the cache and a downloaded one are checked by length and SHA-256, where these are known; a wrong one in
    /// the cache is fetched again. A download is continued where an earlier one was cut, and gets its final name when it
    /// is whole. Of several processes that want the same file, one downloads it and the others wait.
    ///
    /// # Errors
    /// [`Error::Download`] where the network or the server fails for good, [`Error::Io`] where the disk does.
    pub fn file(&self, remote: &Remote, progress: &dyn Progress) -> Result<PathBuf, Error> {
        self.checked_file(remote, &|_| Ok(()), progress)
    }

    /// As [`Self::file`], where `check` has the last word on what came; it says what is wrong.
    pub(super) fn checked_file(
        &self,
        remote: &Remote,
        check: &dyn Fn(&Path) -> Result<(), String>,
        progress: &dyn Progress,
    ) -> Result<PathBuf, Error> {
        let path = self.path(&remote.path_in_cache)?;
        if is_there(&path, remote) {
            return Ok(path);
        }
        let partial = self.partial(&remote.path_in_cache)?;
        if is_there(&path, remote) {
            return Ok(path);
        }
        let client = self.client();
        persist(&self.timeouts.pauses, || {
            download::whole(&client, remote, &partial, progress)?;
            check(partial.path()).map_err(|reason| {
                partial.discard();
                Failure::lasting(reason)
            })
        })
        .map_err(|failure| failed(remote, &path, failure))?;
        partial.publish(&path)?;
        Ok(path)
    }

    /// Where the cache keeps a file.
    pub(super) fn path(&self, path_in_cache: &str) -> Result<PathBuf, Error> {
        self.root()
            .map(|root| root.join(path_in_cache))
            .ok_or(Error::NoFolder)
    }

    /// The unfinished copy of a file, for this process alone.
    pub(super) fn partial(&self, path_in_cache: &str) -> Result<Partial, Error> {
        Partial::lock(&self.path("partial")?, path_in_cache)
    }

    pub(super) fn client(&self) -> Client {
        Client::new(&self.timeouts)
    }

    pub(super) fn pauses(&self) -> &[Duration] {
        &self.timeouts.pauses
    }
}

/// Whether a file is there, as it is to be; a wrong one is warned of.
fn is_there(path: &Path, remote: &Remote) -> bool {
    let Ok(found) = fs::metadata(path) else {
        return false;
    };
    let wrong = match (&remote.size, &remote.sha256) {
        (Some(size), _) if found.len() != *size => {
            Some(format!("{} bytes instead of {size}", found.len()))
        }
        (_, Some(expected)) => match download::sha256(path) {
            Ok(sum) if sum == *expected => None,
            Ok(sum) => Some(format!("the SHA-256 {sum} instead of {expected}")),
            Err(error) => Some(format!("unreadable parts: {error}")),
        },
        _ => None,
    };
    if let Some(wrong) = &wrong {
        tracing::warn!("{} has {wrong}; it is fetched again", foreign::path(path));
    }
    found.is_file() && wrong.is_none()
}

/// The error for `remote`, which `failure` kept from `path`.
pub(super) fn failed(remote: &Remote, path: &Path, failure: Failure) -> Error {
    Error::Download {
        file: remote.name().to_string(),
        url: without_passwords(&remote.url),
        reason: without_passwords(&failure.reason),
        path: path.to_path_buf(),
        key: remote.key,
    }
}

/// Counts as a start: after as many new bytes the pauses begin anew.
const PROGRESS: u64 = 1 << 20;

/// Attempts until one goes well, fails for good, or no pause is left.
pub(super) fn persist<T>(
    pauses: &[Duration],
    mut attempt: impl FnMut() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut left = pauses.iter();
    let mut attempts = 1;
    loop {
        let mut failure = match attempt() {
            Ok(value) => return Ok(value),
            Err(failure) if !failure.again => return Err(failure),
            Err(failure) => failure,
        };
        if failure.gained >= PROGRESS {
            left = pauses.iter();
        }
        let Some(pause) = left.next() else {
            failure.reason = format!("{} (attempt {attempts})", failure.reason);
            return Err(failure);
        };
        tracing::info!("{}; trying again in {pause:?}", failure.reason);
        std::thread::sleep(*pause);
        attempts += 1;
    }
}

/// The cache's folder as these environment variables give it, else the home folder of the user database.
fn folder(
    variable: impl Fn(&str) -> Option<OsString>,
    home: impl Fn() -> Option<PathBuf>,
) -> Option<PathBuf> {
    let set = |name| variable(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let absolute = |path: &PathBuf| path.is_absolute();
    let own = || set("HOME").filter(absolute);
    let home = || own().or_else(|| home().filter(absolute));
    if let Some(own) = set("RUNNER_CACHE") {
        // Where no shell has put the home folder in its place.
        return match own.strip_prefix("~") {
            Ok(below) => Some(home()?.join(below)),
            Err(_) => Some(own),
        };
    }
    // The XDG specification says to ignore relative paths.
    let xdg = set("XDG_CACHE_HOME").filter(absolute);
    let platform = || {
        if cfg!(windows) {
            set("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            Some(home()?.join("Library/Caches"))
        } else {
            Some(home()?.join(".cache"))
        }
    };
    Some(xdg.or_else(platform)?.join("runner"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(variables: &[(&str, &str)], home: Option<&str>) -> Option<PathBuf> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(n, _)| *n == name)?;
            Some(found.1.into())
        };
        folder(variable, || home.map(PathBuf::from))
    }

    #[test]
    #[cfg(all(unix, not(target_os = "macos")))]
    fn the_folder_is_runners_own_variable_then_xdgs_then_the_home_then_the_users_own() {
        let at = |variables: &[(&str, &str)]| at(variables, None);
        let home = ("HOME", "/home/u");
        let xdg = ("XDG_CACHE_HOME", "/x");
        assert_eq!(at(&[("RUNNER_CACHE", "/r"), xdg, home]), Some("/r".into()));
        assert_eq!(
            at(&[("RUNNER_CACHE", "~/r"), home]),
            Some("/home/u/r".into())
        );
        assert_eq!(
            at(&[("RUNNER_CACHE", ""), xdg, home]),
            Some("/x/runner".into())
        );
        assert_eq!(
            at(&[("XDG_CACHE_HOME", "relative"), home]),
            Some("/home/u/.cache/runner".into())
        );
        assert_eq!(at(&[]), None);
        let without_home = |variables: &[(&str, &str)]| super::tests::at(variables, Some("/h"));
        assert_eq!(without_home(&[]), Some("/h/.cache/runner".into()));
        assert_eq!(
            without_home(&[("HOME", "")]),
            Some("/h/.cache/runner".into())
        );
        assert_eq!(without_home(&[home]), Some("/home/u/.cache/runner".into()));
        assert_eq!(super::tests::at(&[("HOME", "")], Some("")), None);
        assert_eq!(
            without_home(&[("HOME", ""), ("RUNNER_CACHE", "~/r")]),
            Some("/h/r".into())
        );
    }

    #[test]
    fn without_a_folder_only_what_must_be_kept_is_refused() {
        let cache = Cache {
            root: None,
            timeouts: Timeouts::default(),
        };
        assert_eq!(cache.root(), None);
        assert!(matches!(cache.path("a"), Err(Error::NoFolder)));
        assert!(matches!(cache.partial("a"), Err(Error::NoFolder)));
    }

    #[test]
    fn attempts_end_with_the_pauses_and_begin_anew_after_progress() {
        let pauses = [Duration::ZERO; 2];
        let mut attempts = 0;
        let result: Result<(), _> = persist(&pauses, || {
            attempts += 1;
            let gained = if attempts == 2 { PROGRESS } else { 0 };
            Err(Failure {
                gained,
                ..Failure::passing("cut")
            })
        });
        assert_eq!(attempts, 4);
        assert!(result.is_err_and(|f| f.reason == "cut (attempt 4)"));
    }
}
