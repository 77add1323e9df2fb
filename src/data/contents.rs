//! What files hold, as checksums; of large datasets kept in the cache folder, so that not every start reads them.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::error::Error;
use crate::atomic::write_atomically;
use crate::files::open_regular;
use crate::text::hex;

/// Read at once, in bytes, and hashed by one thread.
const READ: usize = 64 << 20;
const BLOCK: usize = 1 << 20;
/// Checksums of datasets from this size on are kept.
const LARGE: u64 = 64 << 20;
/// A file changed so shortly before may change again without another time.
const SETTLED: Duration = Duration::from_secs(2);

/// By path: what tells a file from what it was before, and its checksum.
type Kept = BTreeMap<PathBuf, (String, String)>;

/// The SHA-256 of the SHA-256s of a file's blocks, so that all cores can take part.
///
/// # Errors
/// A file that cannot be read.
pub fn digest(path: &Path) -> io::Result<String> {
    let mut file = open_regular(path)?;
    let mut all = Sha256::new();
    let mut piece = Vec::new();
    while file.by_ref().take(READ as u64).read_to_end(&mut piece)? > 0 {
        let blocks: Vec<_> = piece.par_chunks(BLOCK).map(Sha256::digest).collect();
        blocks.iter().for_each(|block| all.update(block));
        piece.clear();
    }
    Ok(hex(all.finalize()))
}

/// The checksums of a dataset's files; those that did not change since they were kept in `cache` are not read.
pub(super) fn digests(
    dataset: &Path,
    files: &[PathBuf],
    cache: Option<&Path>,
) -> Result<Vec<String>, Error> {
    let stamp = |path: &PathBuf| -> Result<(u64, Option<String>), Error> {
        let about = fs::metadata(path).map_err(Error::io(path))?;
        Ok((about.len(), stamp(&about)))
    };
    let stamps = files.iter().map(stamp);
    let stamps = stamps.collect::<Result<Vec<_>, Error>>()?;
    let is_large = stamps.iter().map(|(size, _)| size).sum::<u64>() >= LARGE;
    let cache = cache.filter(|_| is_large);
    let place = cache.map(|cache| place(cache, dataset));
    let kept = place.as_deref().and_then(read).unwrap_or_default();
    let digests: Vec<String> = files
        .par_iter()
        .zip(&stamps)
        .map(|(path, (_, stamp))| match kept.get(path) {
            Some((then, digest)) if Some(then) == stamp.as_ref() => Ok(digest.clone()),
            _ => digest(path).map_err(Error::io(path)),
        })
        .collect::<Result<_, _>>()?;
    if let Some(place) = place {
        let all = files.iter().zip(stamps).zip(&digests);
        let all = all.filter_map(|((path, (_, stamp)), digest)| {
            Some((path.clone(), (stamp?, digest.clone())))
        });
        keep(&place, &kept, all.collect());
    }
    Ok(digests)
}

/// What changes with a file: size, times, place on the disk; none of one that was changed just now.
fn stamp(about: &Metadata) -> Option<String> {
    let changed = about.modified().ok()?;
    let age = SystemTime::now().duration_since(changed).ok()?;
    let changed = changed.duration_since(UNIX_EPOCH).ok()?.as_nanos();
    #[cfg(unix)]
    let more = {
        use std::os::unix::fs::MetadataExt;
        // The time of the last change of any kind, which no program can set.
        format!("{} {} {}", about.ino(), about.ctime(), about.ctime_nsec())
    };
    #[cfg(not(unix))]
    let more = "";
    (age >= SETTLED).then(|| format!("{} {changed} {more}", about.len()))
}

fn place(cache: &Path, dataset: &Path) -> PathBuf {
    let dataset = std::path::absolute(dataset).unwrap_or_else(|_| dataset.to_owned());
    let name = hex(Sha256::digest(dataset.as_os_str().as_encoded_bytes()));
    cache.join("contents").join(format!("{name}.json"))
}

/// What was kept; nothing where that cannot be read.
fn read(place: &Path) -> Option<Kept> {
    serde_json::from_slice(&fs::read(place).ok()?).ok()
}

/// Keeps what is new. A cache that cannot be written only makes the next start slower.
fn keep(place: &Path, before: &Kept, now: Kept) {
    if *before != now
        && let Ok(text) = serde_json::to_vec(&now)
        && let Some(folder) = place.parent()
        && fs::create_dir_all(folder).is_ok()
    {
        let _ = write_atomically(place, &text);
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn a_large_file_is_read_once_until_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (data, cache) = (folder.path().join("data"), folder.path().join("cache"));
        let file = File::create(&data).unwrap();
        file.set_len(LARGE).unwrap();
        let an_hour_ago = SystemTime::now() - Duration::from_secs(3600);
        file.set_modified(an_hour_ago).unwrap();
        let digests = || digests(&data, std::slice::from_ref(&data), Some(&cache)).unwrap();
        let first = digests();
        assert_eq!(first, [digest(&data).unwrap()]);
        let place = place(&cache, &data);
        let mut kept = read(&place).unwrap();
        // What is kept is believed.
        kept.get_mut(&data).unwrap().1 = "kept".into();
        write_atomically(&place, &serde_json::to_vec(&kept).unwrap()).unwrap();
        assert_eq!(digests(), ["kept"]);
        // Written again, of the same size and time.
        fs::write(&data, vec![0; LARGE as usize]).unwrap();
        File::options()
            .write(true)
            .open(&data)
            .unwrap()
            .set_modified(an_hour_ago)
            .unwrap();
        assert_eq!(digests(), first);
    }
}
