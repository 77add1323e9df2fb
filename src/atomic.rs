//! Files that are there whole or not at all.
//!
//! A file is written beside its place under a name that no other process and no other file of this one has, which is
//! made new (no link in its place is followed); then it is synced, and renamed if the writer still holds the claim that
//! lets it write there. What a killed process has left is removed by whoever holds that claim next, and so is the
//! unfinished file of a process that was only paused: its renaming then fails, whenever it wakes.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::claim::{self, Token};
use crate::fail_point;

/// Ends the names of unfinished files.
const ENDING: &str = "tmp";
/// Names that are tried before a folder counts as one that cannot be written.
const NAMES: usize = 16;

/// Writes `contents` to `path`: into a file of its own beside it, synced, then renamed over it.
///
/// Killed at any moment, `path` holds either what it held before or all of `contents`.
///
/// # Errors
/// When the folder cannot be written; `path` is then as it was and nothing is left beside it.
pub fn write_atomically(path: &Path, contents: &[u8]) -> io::Result<()> {
    write_claimed(path, contents, &Token::unclaimed())
}

/// As [`write_atomically`], as long as a claim is held.
///
/// # Errors
/// The same, and a claim that another process has taken over ([`claim::is_taken_over`]).
pub fn write_claimed(path: &Path, contents: &[u8], token: &Token) -> io::Result<()> {
    let mut file = NewFile::create(path, token)?;
    file.write_all(contents)?;
    file.commit(path)
}

/// As [`write_claimed`], for what is written again where it is missing: the name outlasts a power failure only once
/// another file of the folder is written.
///
/// # Errors
/// The same.
pub fn write_claimed_for_now(path: &Path, contents: &[u8], token: &Token) -> io::Result<()> {
    let mut file = NewFile::create(path, token)?;
    file.write_all(contents)?;
    file.rename_to(path)
}

/// An unfinished file, by its name `<file>.<process>.<number>.tmp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    path: PathBuf,
    /// The name it was to have.
    file: String,
    process: String,
}

impl Unfinished {
    /// Those in a folder; none where there is no folder.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn all(folder: &Path) -> io::Result<Vec<Self>> {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut all = Vec::new();
        for entry in entries {
            all.extend(Unfinished::of(entry?.path()));
        }
        Ok(all)
    }

    fn of(path: PathBuf) -> Option<Self> {
        let name = path.file_name()?.to_str()?.strip_suffix(ENDING)?;
        let (name, number) = name.strip_suffix('.')?.rsplit_once('.')?;
        let (file, process) = name.rsplit_once('.')?;
        number.parse::<u64>().ok()?;
        let (file, process) = (file.to_owned(), process.to_owned());
        Some(Unfinished {
            path,
            file,
            process,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name it was to have.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Whether this process writes it.
    pub fn is_own(&self) -> bool {
        self.process == claim::own_name()
    }

    /// Whether the process that wrote it is known to be dead.
    pub fn is_abandoned(&self) -> bool {
        claim::is_dead(&self.process)
    }

    /// Removes it.
    ///
    /// # Errors
    /// A folder that cannot be written; a file that is gone is none.
    pub fn remove(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Removes what other processes have left unfinished in a folder that this process alone may write to.
///
/// # Errors
/// A folder that cannot be read or written.
pub fn remove_unfinished(folder: &Path) -> io::Result<()> {
    let all = Unfinished::all(folder)?;
    all.iter()
        .filter(|file| !file.is_own())
        .try_for_each(Unfinished::remove)
}

/// A file that is being written beside its place, and removed unless it is committed.
pub struct NewFile {
    out: BufWriter<File>,
    temporary: PathBuf,
    token: Token,
    committed: bool,
}

impl NewFile {
    /// Begins a file beside `path`, which gets that name as long as `token` is valid.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn create(path: &Path, token: &Token) -> io::Result<Self> {
        let (new, temporary) = create_beside(path)?;
        let out = BufWriter::new(new);
        let file = NewFile {
            out,
            temporary,
            token: token.clone(),
            committed: false,
        };
        fail_point::reached(&file.temporary, "begun");
        Ok(file)
    }

    /// The file with all that was written, to be read and changed.
    ///
    /// # Errors
    /// A full disk.
    pub fn flushed(&mut self) -> io::Result<&mut File> {
        self.out.flush()?;
        Ok(self.out.get_mut())
    }

    /// Makes the file durable and gives it its name, in place of an older file.
    ///
    /// # Errors
    /// A full disk, a name that cannot be given, or a claim that another process has taken over
    /// ([`claim::is_taken_over`]); nothing is left beside it then.
    pub fn commit(self, path: &Path) -> io::Result<()> {
        self.rename_to(path)?;
        sync_folder_of(path);
        Ok(())
    }

    /// Gives a file that has nothing in it yet its name. Neither outlasts a power failure: an empty file is as good as none.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub fn commit_empty(self, path: &Path) -> io::Result<()> {
        self.rename_synced(path, false)
    }

    fn rename_to(self, path: &Path) -> io::Result<()> {
        self.rename_synced(path, true)
    }

    fn rename_synced(mut self, path: &Path, is_synced: bool) -> io::Result<()> {
        self.out.flush()?;
        if fail_point::is_here(&self.temporary, "full") {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let file = self.out.get_ref();
        if fail_point::is_here(&self.temporary, "half") {
            file.set_len(file.metadata()?.len() / 2)?;
            std::process::abort();
        }
        fail_point::reached(&self.temporary, "written");
        if is_synced {
            file.sync_all()?;
        }
        self.token.check()?;
        // Where another process took over since, it has removed the file.
        fs::rename(&self.temporary, path)
            .map_err(|error| self.token.check().err().unwrap_or(error))?;
        self.committed = true;
        fail_point::reached(&self.temporary, "renamed");
        Ok(())
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.committed {
            // The reason for the failure matters more than a leftover.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// A name beside `path` that no other process gives, and this one only once.
pub fn name_beside(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut name = path.file_name().map(OsString::from).unwrap_or_default();
    name.push(format!(".{}.{n}.{ENDING}", claim::own_name()));
    path.with_file_name(name)
}

/// A new file beside `path`, `<path>.<process>.<number>.tmp`, and where it is.
///
/// # Errors
/// A folder that cannot be written.
pub fn create_beside(path: &Path) -> io::Result<(File, PathBuf)> {
    let mut tries = 0;
    loop {
        let temporary = name_beside(path);
        let mut options = File::options();
        let new = options.read(true).write(true).create_new(true);
        match new.open(&temporary) {
            // Somebody has laid something in its place.
            Err(error) if error.kind() == ErrorKind::AlreadyExists && tries < NAMES => tries += 1,
            file => return Ok((file?, temporary)),
        }
    }
}

/// Makes a new name survive a power failure, where folders can be synced.
fn sync_folder_of(path: &Path) {
    if let Some(folder) = path.parent()
        && let Ok(folder) = File::open(folder)
    {
        let _ = folder.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_the_file_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_atomically(&path, b"first, and longer").unwrap();
        write_atomically(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failure_keeps_what_was_there_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("inside"), "kept").unwrap();
        assert!(write_atomically(&path, b"x").is_err());
        assert_eq!(fs::read(path.join("inside")).unwrap(), b"kept");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    #[cfg(unix)]
    fn what_lies_under_a_temporary_name_is_neither_followed_nor_changed() {
        let folder = tempfile::tempdir().unwrap();
        let (path, victim) = (folder.path().join("a"), folder.path().join("victim"));
        fs::write(&victim, "precious").unwrap();
        let (_, next) = create_beside(&path).unwrap();
        let number: u64 = Unfinished::of(next.clone()).map(number_of).unwrap();
        for n in number..number + 8 {
            let name = format!("a.{}.{n}.tmp", claim::own_name());
            let _ = std::os::unix::fs::symlink(&victim, folder.path().join(name));
        }
        std::os::unix::fs::symlink(&victim, folder.path().join("a.tmp")).unwrap();
        write_atomically(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
    }

    #[cfg(unix)]
    fn number_of(file: Unfinished) -> u64 {
        let name = file.path.file_stem().unwrap().to_str().unwrap().to_owned();
        name.rsplit_once('.').unwrap().1.parse().unwrap()
    }

    #[test]
    fn the_unfinished_files_of_others_are_removed_and_those_of_the_dead_are_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.parquet");
        let own = NewFile::create(&path, &Token::unclaimed()).unwrap();
        let other = folder.path().join("runs.parquet.000000000000-7-7.3.tmp");
        let foreign = folder.path().join("mine.tmp");
        fs::write(&other, "").unwrap();
        fs::write(&foreign, "").unwrap();
        let all = Unfinished::all(folder.path()).unwrap();
        assert!(all.iter().all(|file| file.file() == "runs.parquet"));
        assert!(all.iter().all(|file| !file.is_abandoned()));
        assert_eq!(all.iter().filter(|file| file.is_own()).count(), 1);
        remove_unfinished(folder.path()).unwrap();
        assert!(!other.exists() && foreign.exists());
        own.commit(&path).unwrap();
        assert!(
            Unfinished::all(&folder.path().join("none"))
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn who_was_taken_over_gives_no_file_its_name() {
        use crate::claim::{Attempt, Claims, is_taken_over};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let claims = Claims::new(1.0);
        let Attempt::Held(claim) = claims.attempt(folder.path()).unwrap() else {
            panic!("nobody else is there");
        };
        write_claimed(&path, b"mine", claim.token()).unwrap();
        let sleeper = NewFile::create(&path, claim.token()).unwrap();
        // As whoever takes over does.
        for entry in fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap().path();
            if entry != path {
                fs::remove_file(entry).unwrap();
            }
        }
        let error = sleeper.commit(&path).unwrap_err();
        assert!(is_taken_over(&error), "{error}");
        let error = write_claimed(&path, b"late", claim.token()).unwrap_err();
        assert!(is_taken_over(&error), "{error}");
        assert!(claim.token().is_lost());
        assert_eq!(fs::read(&path).unwrap(), b"mine");
    }
}
