//! Tensors that several models have, kept once.
//!
//! A model can leave its frozen tensors to a file beside it, `frozen.safetensors`, which is one with those of other runs: a
//! hard link to `tensors/<sha256>.safetensors`, named by what is in it. Its own file says in its metadata which it needs.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::codec::{Codec, Shapes, Trouble};
use super::safetensors::Safetensors;
use super::save::{save_claimed, write};
use super::{Error, Weights};
use crate::atomic::name_beside;
use crate::claim::Token;
use crate::fetch::{Layout, Unreadable, sha256};
use crate::files::open_regular;
use crate::foreign;
use crate::text::hex;

/// The file of the frozen tensors, beside a model.
pub const FROZEN_FILE: &str = "frozen.safetensors";
/// The folder of all of them, in that of the experiment.
pub const FOLDER: &str = "tensors";
/// Where a model's metadata says the checksum of the tensors that are beside it.
const KEY: &str = "frozen_sha256";
/// How often a link is tried whose file others make and remove meanwhile.
const TRIES: usize = 4;
/// Of so many files it is kept in mind that they were sound.
const SOUND_FILES: usize = 256;

/// The frozen tensors of a model.
pub struct Frozen<'a, E> {
    /// They themselves; asked for only where no other model has left them.
    pub tensors: &'a dyn Fn() -> Result<Weights, E>,
    /// Their checksum, once it is known.
    pub digest: &'a OnceLock<String>,
}

/// Saves a model of which `own` are in its file, and `frozen` in one that is kept in `folder`, an experiment's, once for all
/// models that have the same. Where the disk has no hard links, everything is in the model's own file.
///
/// # Errors
/// The disk's, a claim that another process has taken over, and what keeps the frozen tensors from being had.
pub fn save_shared<E: From<Error>>(
    path: &Path,
    folder: &Path,
    (own, frozen): (Weights, Frozen<'_, E>),
    metadata: &BTreeMap<String, String>,
    token: &Token,
) -> Result<(), E> {
    let place = path.with_file_name(FROZEN_FILE);
    let digest = match frozen.digest.get() {
        Some(digest) => digest,
        None => {
            let tensors = (frozen.tensors)()?;
            if tensors.is_empty() {
                return Ok(save_claimed(path, &own, metadata, token)?);
            }
            let digest = digest_of(&tensors).map_err(|source| Error::Io {
                path: place.clone(),
                source,
            })?;
            frozen.digest.get_or_init(|| digest)
        }
    };
    let kept = folder.join(FOLDER).join(format!("{digest}.safetensors"));
    match link(&kept, &place, (&frozen, digest), token)? {
        Ok(()) => {
            let mut metadata = metadata.clone();
            metadata.insert(KEY.to_owned(), digest.clone());
            Ok(save_claimed(path, &own, &metadata, token)?)
        }
        Err(Error::Io { source, .. }) if has_no_links(&source) => {
            tracing::warn!(
                "{}: the disk has no hard links ({source}); the model has all tensors itself",
                foreign::path(path)
            );
            let all: Weights = own.into_iter().chain((frozen.tensors)()?).collect();
            Ok(save_claimed(path, &all, metadata, token)?)
        }
        Err(error) => Err(error.into()),
    }
}

/// The checksum of what a file of these tensors holds.
fn digest_of(tensors: &Weights) -> io::Result<String> {
    struct Sum(Sha256);
    impl io::Write for Sum {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut sum = Sum(Sha256::new());
    let tensors = tensors.iter().map(|(name, tensor)| (name.clone(), tensor));
    write(&mut sum, &tensors.collect(), &BTreeMap::new())?;
    Ok(hex(sum.0.finalize()))
}

/// Makes `place` a link to the file `kept`, which is written where it is not there; of many who want it so, one writes
/// what all have. Gives what the disk says.
///
/// # Errors
/// What keeps the tensors from being had.
fn link<E: From<Error>>(
    kept: &Path,
    place: &Path,
    (frozen, digest): (&Frozen<'_, E>, &str),
    token: &Token,
) -> Result<Result<(), Error>, E> {
    let new = name_beside(place);
    let mut linked = try_link(kept, &new, digest, None);
    for _ in 0..TRIES {
        if !matches!(linked, Ok(false)) {
            break;
        }
        linked = try_link(kept, &new, digest, Some(&(frozen.tensors)()?));
    }
    let wrong = |source| Error::Io {
        path: place.to_owned(),
        source,
    };
    let renamed = linked.and_then(|is_linked| {
        let is_linked = match is_linked {
            true => token.check(),
            false => Err(ErrorKind::NotFound.into()),
        };
        let renamed = is_linked.and_then(|()| fs::rename(&new, place));
        renamed.map_err(wrong)
    });
    // A rename between two names of one file does nothing.
    let _ = fs::remove_file(&new);
    Ok(renamed)
}

/// Makes `new` another name of `kept`, which is written where it is not there and the tensors are given; gives whether that
/// was done: another process may make it or remove it in between.
fn try_link(
    kept: &Path,
    new: &Path,
    digest: &str,
    tensors: Option<&Weights>,
) -> Result<bool, Error> {
    let wrong = |source| Error::Io {
        path: kept.to_owned(),
        source,
    };
    remove_damaged(kept, digest).map_err(wrong)?;
    match fs::hard_link(kept, new) {
        Ok(()) => return Ok(true),
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(wrong(error)),
        Err(_) => {}
    }
    let Some(tensors) = tensors else {
        return Ok(false);
    };
    if let Some(folder) = kept.parent() {
        fs::create_dir_all(folder).map_err(wrong)?;
    }
    save_claimed(new, tensors, &BTreeMap::new(), &Token::unclaimed())?;
    match fs::hard_link(new, kept) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            fs::remove_file(new).map_err(wrong)?;
            Ok(false)
        }
        Err(error) => Err(wrong(error)),
    }
}

/// Removes the file `kept` where it does not hold what it is named by. It is read once, and again where it was written
/// since: a sweep's runs need not all read it.
fn remove_damaged(kept: &Path, digest: &str) -> io::Result<()> {
    static SOUND: Mutex<BTreeMap<PathBuf, Written>> = Mutex::new(BTreeMap::new());
    let Some(written) = written(kept) else {
        return Ok(());
    };
    let sound = || SOUND.lock().unwrap_or_else(PoisonError::into_inner);
    if sound().get(kept) == Some(&written) {
        return Ok(());
    }
    match sha256(kept) {
        // Others, who found the same, may have written it anew since.
        Ok(found) if found != digest && self::written(kept) == Some(written) => {
            tracing::warn!(
                "{} is damaged; it is written anew, and models that were saved with it before cannot be opened: --fresh makes them again",
                foreign::path(kept)
            );
            match fs::remove_file(kept) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                removed => removed,
            }
        }
        Ok(found) if found != digest => Ok(()),
        Ok(_) => {
            let mut sound = sound();
            if sound.len() >= SOUND_FILES {
                sound.clear();
            }
            sound.insert(kept.to_owned(), written);
            Ok(())
        }
        Err(_) => Ok(()),
    }
}

/// A file's length, when its contents were written, and its number in the file system, which links to it leave as they are.
type Written = (u64, Option<SystemTime>, u64);

fn written(path: &Path) -> Option<Written> {
    let about = fs::metadata(path).ok()?;
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&about);
    #[cfg(not(unix))]
    let inode = 0;
    Some((about.len(), about.modified().ok(), inode))
}

fn has_no_links(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unsupported
            | ErrorKind::PermissionDenied
            | ErrorKind::TooManyLinks
            | ErrorKind::CrossesDevices
    )
}

/// Whether a model's frozen tensors are where it needs them.
pub fn has_frozen(model: &Path) -> bool {
    let needs = || {
        let metadata = opened(model).ok().map(|model| model.metadata());
        metadata.is_some_and(|metadata| metadata.contains_key(KEY))
    };
    model.with_file_name(FROZEN_FILE).is_file() || !needs()
}

/// A model's file together with the one beside it.
pub(super) struct Joined {
    own: Safetensors,
    frozen: Safetensors,
}

impl Joined {
    /// The file together with that of its frozen tensors, where it needs one.
    ///
    /// # Errors
    /// One that is missing, or another model's.
    pub fn of(path: &Path, own: Safetensors) -> Result<Box<dyn Codec>, Trouble> {
        let metadata = own.metadata();
        let Some(digest) = metadata.get(KEY) else {
            return Ok(Box::new(own));
        };
        let place = path.with_file_name(FROZEN_FILE);
        let wrong = |why: &str| {
            let name = foreign::path(&place);
            Trouble::Wrong(format!(
                "its frozen tensors are kept beside it (training.save = \"shared\"), and {name} {why}"
            ))
        };
        let frozen = opened(&place).map_err(|trouble| match trouble {
            Trouble::Io(error) if error.kind() == ErrorKind::NotFound => {
                wrong(&format!(
                    "is not there: copy it, too; it is {FOLDER}/{digest}.safetensors of the experiment's results"
                ))
            }
            Trouble::Io(error) => Trouble::Io(error),
            _ => wrong("is damaged"),
        })?;
        match sha256(&place)? == *digest {
            true => Ok(Box::new(Joined { own, frozen })),
            false => Err(wrong("is another model's, or damaged")),
        }
    }
}

fn opened(path: &Path) -> Result<Safetensors, Trouble> {
    let mut file = open_regular(path)?;
    match Layout::read(&mut file) {
        Ok((layout, start)) => Ok(Safetensors::new(file, layout, start)),
        Err(Unreadable::Io(source)) => Err(Trouble::Io(source)),
        Err(Unreadable::Wrong(reason)) => Err(Trouble::Wrong(reason)),
    }
}

impl Codec for Joined {
    fn shapes(&self) -> Shapes {
        let mut shapes = self.frozen.shapes();
        shapes.extend(self.own.shapes());
        shapes
    }

    fn values(&mut self, name: &str) -> Result<Option<Vec<f32>>, Trouble> {
        match self.own.values(name)? {
            None => self.frozen.values(name),
            found => Ok(found),
        }
    }

    fn metadata(&self) -> BTreeMap<String, String> {
        let mut metadata = self.own.metadata();
        metadata.remove(KEY);
        metadata
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::weights::HostTensor;

    /// All find it damaged at about the same time, and each removes it or writes it anew.
    #[test]
    fn many_that_find_a_file_damaged_write_it_anew_together() {
        let folder = tempfile::tempdir().unwrap();
        let tensor = HostTensor {
            shape: vec![1000],
            data: (0..1000).map(|i| i as f32).collect(),
        };
        let tensors = Weights::from([("weight".to_owned(), tensor)]);
        let digest = digest_of(&tensors).unwrap();
        let kept = folder.path().join(FOLDER).join("kept.safetensors");
        let (kept, tensors, digest) = (&kept, &tensors, digest.as_str());
        fs::create_dir_all(kept.parent().unwrap()).unwrap();
        for round in 0..50 {
            let _ = fs::remove_file(kept);
            fs::write(kept, format!("damaged {round}")).unwrap();
            std::thread::scope(|scope| {
                for run in 0..4 {
                    let place = folder.path().join(format!("{round}.{run}.safetensors"));
                    scope.spawn(move || {
                        let frozen = Frozen {
                            tensors: &|| Ok::<_, Error>(tensors.clone()),
                            digest: &OnceLock::new(),
                        };
                        let linked = link(kept, &place, (&frozen, digest), &Token::unclaimed());
                        linked.unwrap().unwrap();
                        assert_eq!(sha256(&place).unwrap(), digest);
                    });
                }
            });
        }
    }
}
