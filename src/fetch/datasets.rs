//! Which files a dataset consists of, and where they are.

use std::path::PathBuf;

use super::cache::Cache;
use super::error::Error;
use super::hub::Hub;
use super::remote::Remote;
use crate::datasets::{Download, File, Server};
use crate::progress::Progress;
use crate::spec::DatasetName;

/// The folder with the files of a dataset, downloading those that are not in the cache yet.
///
/// It holds the files under the names they have where they come from: `train-00000-of-00001.parquet` and
/// `test-00000-of-00001.parquet` (cifar10, cifar100), `train-images-idx3-ubyte.gz` and so on (mnist, fashion_mnist).
///
/// # Errors
/// [`Error::NotDownloaded`] for `digits` and `image_folder`; otherwise as [`Cache::file`].
pub fn dataset(
    cache: &Cache,
    hub: &Hub,
    name: DatasetName,
    progress: &dyn Progress,
) -> Result<PathBuf, Error> {
    let folder = format!("datasets/{name}");
    for remote in remotes(hub, name, &folder)? {
        cache.file(&remote, progress)?;
    }
    cache.path(&folder)
}

fn remotes(hub: &Hub, name: DatasetName, folder: &str) -> Result<Vec<Remote>, Error> {
    let Download { server, files } = name.download.ok_or(Error::NotDownloaded(name))?;
    let remote = |File(file, size, sha256): &File| {
        let (url, token) = match server {
            Server::Hub {
                repository,
                revision,
                folder,
            } => (
                hub.dataset(repository, revision, &format!("{folder}/{file}")),
                hub.token(),
            ),
            Server::Web(base) => (format!("{base}{file}"), None),
        };
        Remote {
            url,
            path_in_cache: format!("{folder}/{file}"),
            size: Some(*size),
            sha256: Some((*sha256).to_string()),
            token,
            key: "dataset.path",
        }
    };
    Ok(files.iter().map(remote).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datasets;

    fn urls(name: DatasetName) -> Vec<String> {
        let hub = Hub::at("https://hub.example", Some("secret"));
        let remotes = remotes(&hub, name, "datasets/x").unwrap();
        assert!(
            remotes
                .iter()
                .all(|r| r.sha256.as_ref().unwrap().len() == 64)
        );
        remotes.into_iter().map(|r| r.url).collect()
    }

    #[test]
    fn the_cifars_come_from_the_hub_at_a_fixed_revision() {
        assert_eq!(
            urls(DatasetName::of(&datasets::CIFAR10))[1],
            "https://hub.example/datasets/uoft-cs/cifar10/resolve/0b2714987fa478483af9968de7c934580d0bb9a2/\
             plain_text/test-00000-of-00001.parquet"
        );
        assert_eq!(
            urls(DatasetName::of(&datasets::CIFAR100))[0],
            "https://hub.example/datasets/uoft-cs/cifar100/resolve/aadb3af77e9048adbea6b47c21a81e47dd092ae5/\
             cifar100/train-00000-of-00001.parquet"
        );
    }

    #[test]
    fn the_mnists_come_as_four_idx_files() {
        for name in [
            DatasetName::of(&datasets::MNIST),
            DatasetName::of(&datasets::FASHION_MNIST),
        ] {
            let urls = urls(name);
            assert_eq!(urls.len(), 4);
            assert!(
                urls.iter().all(|url| url.ends_with("-ubyte.gz")),
                "{urls:?}"
            );
        }
    }

    #[test]
    fn what_is_built_in_or_the_users_own_is_not_downloaded() {
        let hub = Hub::at("https://hub.example", None);
        for name in [
            DatasetName::of(&datasets::DIGITS),
            DatasetName::of(&datasets::IMAGE_FOLDER),
        ] {
            let error = remotes(&hub, name, "").unwrap_err();
            assert!(error.to_string().contains("dataset.path"), "{error}");
        }
    }
}
