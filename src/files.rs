//! Reading files that somebody else names: only regular ones are opened.
//!
//! A pipe, a device or a socket where a file is expected would wait for ever or never end. Every file that a spec, a
//! command line or a folder names is opened here.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// Opens a regular file for reading; links are followed.
///
/// # Errors
/// Whatever else lies there, said as what it is; what the system reports.
pub fn open_regular(path: &Path) -> io::Result<File> {
    // Looked at first, as some devices do something when they are opened; again after it, as it may have changed.
    check(&fs::metadata(path)?)?;
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // Opening a pipe would wait for its other end; a regular file does not mind.
        options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    }
    let file = options.open(path)?;
    check(&file.metadata()?)?;
    Ok(file)
}

/// What a regular file holds, as long as that is no more than `limit` bytes.
///
/// # Errors
/// As [`open_regular`]; a longer file.
pub fn read_regular(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = open_regular(path)?;
    // Not made as large as the system says: what it says of some files is wrong.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        let message = format!("is larger than {limit} bytes, the most that is read here");
        return Err(io::Error::new(ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}

fn check(about: &Metadata) -> io::Result<()> {
    match kind(about) {
        None => Ok(()),
        Some("a folder") => Err(io::Error::new(
            ErrorKind::IsADirectory,
            "is a folder, expected a file",
        )),
        Some(kind) => Err(io::Error::new(
            ErrorKind::InvalidInput,
            format!("is {kind}, expected a regular file"),
        )),
    }
}

/// What something in a file system is, where it is no regular file: `a named pipe`.
pub fn kind(about: &Metadata) -> Option<&'static str> {
    let kind = about.file_type();
    if kind.is_file() {
        return None;
    }
    if kind.is_dir() {
        return Some("a folder");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return Some("a pipe");
        }
        if kind.is_socket() {
            return Some("a socket");
        }
        if kind.is_char_device() || kind.is_block_device() {
            return Some("a device");
        }
    }
    Some("no file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regular_file_is_read_also_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&file, "twelve bytes").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(&file, &link).unwrap();
        #[cfg(not(unix))]
        fs::copy(&file, &link).unwrap();
        assert_eq!(read_regular(&link, 12).unwrap(), b"twelve bytes");
        let error = read_regular(&file, 11).unwrap_err().to_string();
        assert!(error.contains("larger than 11 bytes"), "{error}");
    }

    #[test]
    fn a_folder_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = open_regular(folder.path()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::IsADirectory);
        let missing = open_regular(&folder.path().join("none")).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
    }

    #[cfg(unix)]
    #[test]
    fn pipes_sockets_and_devices_are_refused_at_once() {
        use std::ffi::CString;
        use std::os::unix::ffi::OsStrExt;
        use std::os::unix::net::UnixListener;

        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let name = CString::new(pipe.as_os_str().as_bytes()).unwrap();
        // SAFETY: the name is a string that ends in zero and lives until the call is over.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        let socket = folder.path().join("socket");
        let _listener = UnixListener::bind(&socket).unwrap();
        for (path, what) in [
            (pipe.as_path(), "is a pipe"),
            (&socket, "is a socket"),
            (Path::new("/dev/zero"), "is a device"),
        ] {
            let error = open_regular(path).unwrap_err().to_string();
            assert!(error.contains(what), "{}: {error}", path.display());
        }
    }
}
