//! What is in a tar file, by sample, and where.

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use tar::{Archive, EntryType};

use crate::data::error::Error;
use crate::file_kind;
use crate::foreign::{self, one_line};
use crate::spec::Problem;

/// What members and end marks of tar files are made of, in bytes.
const BLOCK: u64 = 512;

/// The files with one name up to its first dot.
#[derive(Debug, PartialEq)]
pub(super) struct Sample {
    /// The name, with its folders.
    pub key: String,
    pub members: Vec<Member>,
}

/// A file in a tar file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Member {
    /// What its name has behind the first dot, in lower case.
    pub ending: Arc<str>,
    /// Where its bytes begin, and how many they are.
    pub offset: u64,
    pub length: u64,
}

impl Sample {
    pub fn member(&self, ending: &str) -> Option<&Member> {
        let mut members = self.members.iter();
        members.find(|member| &*member.ending == ending)
    }
}

/// The samples in the order of the file; only the heads of its members are read.
///
/// # Errors
/// What is no tar file, cut off, or packed; files of a sample that do not lie together, or have the same ending.
pub(super) fn read(path: &Path, file: &mut File) -> Result<Vec<Sample>, Error> {
    refuse_others(path, file)?;
    file.rewind().map_err(Error::io(path))?;
    let length = file.metadata().map_err(Error::io(path))?.len();
    let mut samples: Vec<Sample> = Vec::new();
    let mut endings: HashSet<Arc<str>> = HashSet::new();
    let mut end = 0;
    let damaged = |after: usize, why: &str| {
        let message =
            format!("is damaged or cut off after {after} files: {why}; copy or download it again");
        Error::file(path, message)
    };
    let mut archive = Archive::new(file);
    let wrong = |error: std::io::Error| damaged(0, &error.to_string());
    for (files, entry) in archive.entries_with_seek().map_err(wrong)?.enumerate() {
        let entry = entry.map_err(|error| damaged(files, &error.to_string()))?;
        let (offset, size) = (entry.raw_file_position(), entry.size());
        if offset.checked_add(size).is_none_or(|end| end > length) {
            return Err(damaged(files, "the file ends before its last member does"));
        }
        end = (offset + size).next_multiple_of(BLOCK);
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let named = named(&name);
        let (key, ending) = match (entry.header().entry_type(), named) {
            (EntryType::Regular | EntryType::Continuous, Some(named)) => named,
            (EntryType::GNUSparse, Some(_)) => {
                let message = format!("{} is sparse, which is not read", one_line(&name));
                return Err(Error::file(path, message));
            }
            _ => continue,
        };
        let ending = match endings.get(&*ending) {
            Some(known) => known.clone(),
            None => {
                let new: Arc<str> = ending.into();
                endings.insert(new.clone());
                new
            }
        };
        let member = Member {
            ending,
            offset,
            length: size,
        };
        match samples.last_mut().filter(|sample| sample.key == key) {
            Some(sample) if sample.member(&member.ending).is_some() => {
                let message = format!("has {} twice", one_line(&name));
                return Err(Error::file(path, message));
            }
            Some(sample) => sample.members.push(member),
            None => samples.push(Sample {
                key: key.to_owned(),
                members: vec![member],
            }),
        }
    }
    check_end(path, archive.into_inner(), end)?;
    refuse_scattered(path, &samples)?;
    Ok(samples)
}

/// Refuses a file that ends without its mark, a block of zeros, as one that was cut off between two members, and one that
/// has more behind it.
fn check_end(path: &Path, file: &mut File, end: u64) -> Result<(), Error> {
    let refused = |message: &str, help: &str| {
        let message = format!("{}: {message}", foreign::path(path));
        Err(Problem::new("dataset.path", message).help(help).into())
    };
    file.seek(SeekFrom::Start(end)).map_err(Error::io(path))?;
    let mut block = vec![0; 1 << 16];
    let mut zeros = 0;
    loop {
        let read = file.read(&mut block).map_err(Error::io(path))?;
        if block[..read].iter().any(|byte| *byte != 0) {
            return refused(
                "has files behind its end mark, which no reader of tar files sees",
                "write it anew; what was put together with cat is to be unpacked first",
            );
        }
        zeros += read as u64;
        if read == 0 {
            break;
        }
    }
    match zeros < BLOCK {
        true => refused(
            "has no end mark: it may have been cut off between two of its files",
            "copy or download it again; if it is whole, `truncate -s +1024 FILE` adds the mark",
        ),
        false => Ok(()),
    }
}

/// The name up to the first dot behind its folders, and what is behind that dot, in lower case; none of what belongs to
/// no sample, as hidden files and those that the layout sets apart (`__index__`).
fn named(name: &str) -> Option<(&str, String)> {
    let base = name.rfind('/').map_or(0, |slash| slash + 1);
    let dot = name[base..].find('.')?;
    let is_apart = |part: &str| part.len() > 4 && part.starts_with("__") && part.ends_with("__");
    if dot == 0 || name.split('/').any(is_apart) {
        return None;
    }
    let (key, ending) = name.split_at(base + dot);
    let ending = ending[1..].to_lowercase();
    (!ending.is_empty()).then_some((key, ending))
}

fn refuse_scattered(path: &Path, samples: &[Sample]) -> Result<(), Error> {
    let mut seen = HashSet::new();
    match samples.iter().find(|sample| !seen.insert(&sample.key)) {
        None => Ok(()),
        Some(again) => {
            let message = format!(
                "the files of sample {} do not lie together; write them one after another, e.g. with tar --sort=name",
                one_line(&again.key)
            );
            Err(Error::file(path, message))
        }
    }
}

/// Whether a file is a tar file without members: nothing but its end mark.
fn is_empty(file: &mut File) -> std::io::Result<bool> {
    let mut start = Vec::new();
    file.rewind()?;
    file.take(2 * BLOCK).read_to_end(&mut start)?;
    Ok(start.len() as u64 == 2 * BLOCK && start.iter().all(|byte| *byte == 0))
}

/// Refuses what is no tar file, told by its first bytes.
fn refuse_others(path: &Path, file: &mut File) -> Result<(), Error> {
    let kind = file_kind::recognize(path, file).map_err(Error::io(path))?;
    let (message, help) = match kind {
        Some(file_kind::TAR) => return Ok(()),
        None if is_empty(file).map_err(Error::io(path))? => return Ok(()),
        Some(file_kind::GZIP) => (
            "is compressed; its images are read at their places".to_owned(),
            "unpack it: gunzip FILE (images do not shrink by it)",
        ),
        Some(kind) => (
            format!("a tar file is needed, and this is {}", kind.name),
            kind.for_anything
                .unwrap_or("set dataset.path to the folder that has the dataset's tar files"),
        ),
        None => (
            "is no tar file, whatever its name says".to_owned(),
            "copy or download it again",
        ),
    };
    let message = format!("{}: {message}", foreign::path(path));
    Err(Problem::new("dataset.path", message).help(help).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_divided_at_the_first_dot_behind_the_folders() {
        for (name, divided) in [
            ("a.jpg", Some(("a", "jpg"))),
            ("v1.0/a.seg.PNG", Some(("v1.0/a", "seg.png"))),
            ("./a.cls", Some(("./a", "cls"))),
            ("a", None),
            ("a.", None),
            ("._a.jpg", None),
            ("b/.hidden", None),
            ("__index__/a.json", None),
        ] {
            let found = named(name);
            let found = found.as_ref().map(|(key, ending)| (*key, ending.as_str()));
            assert_eq!(found, divided, "{name}");
        }
    }
}
