//! Which files a dataset consists of, and where they are.

use std::path::PathBuf;

use super::{Cache, Error, Hub, Remote};
use crate::progress::Progress;
use crate::spec::DatasetName;

/// One file of a dataset: its name, its length in bytes and its SHA-256.
struct File(&'static str, u64, &'static str);

/// Where a dataset's files are.
enum Source {
    /// In a folder of a dataset repository of the hub, at a fixed revision.
    Hub {
        repository: &'static str,
        revision: &'static str,
        folder: &'static str,
    },
    /// Below this address, which ends in a slash.
    Web(&'static str),
}

/// The hub's Parquet edition of CIFAR-10; its images are the original ones as PNG.
const CIFAR10: (Source, [File; 2]) = (
    Source::Hub {
        repository: "uoft-cs/cifar10",
        revision: "0b2714987fa478483af9968de7c934580d0bb9a2",
        folder: "plain_text",
    },
    [
        File(
            "train-00000-of-00001.parquet",
            119_705_255,
            "8428b53a88a11ac374111006708df51469e315a22ac6d66470afd9c78d2ae883",
        ),
        File(
            "test-00000-of-00001.parquet",
            23_940_850,
            "841389e6f2d64f28bf17310e430aebac20ec3ba611a3c5e231dc93c645ce84de",
        ),
    ],
);

/// The hub's Parquet edition of CIFAR-100.
const CIFAR100: (Source, [File; 2]) = (
    Source::Hub {
        repository: "uoft-cs/cifar100",
        revision: "aadb3af77e9048adbea6b47c21a81e47dd092ae5",
        folder: "cifar100",
    },
    [
        File(
            "train-00000-of-00001.parquet",
            118_518_617,
            "694865d6b990e234804f01268586c41e88bcbbb75e20858432c05ad4081aca23",
        ),
        File(
            "test-00000-of-00001.parquet",
            23_772_751,
            "98776c529bb146a9c791229df74a5cf076be9b43d82dbbd334b6a7788d73dc68",
        ),
    ],
);

/// The original gzipped IDX files at torchvision's mirror; lengths and SHA-256 as in TensorFlow Datasets'
/// `url_checksums/mnist.txt`.
const MNIST: (Source, [File; 4]) = (
    Source::Web("https://ossci-datasets.s3.amazonaws.com/mnist/"),
    [
        File(
            "train-images-idx3-ubyte.gz",
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        File(
            "train-labels-idx1-ubyte.gz",
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        ),
        File(
            "t10k-images-idx3-ubyte.gz",
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        ),
        File(
            "t10k-labels-idx1-ubyte.gz",
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    ],
);

/// Zalando's own files, which have no https address; lengths and SHA-256 as in TensorFlow Datasets'
/// `url_checksums/fashion_mnist.txt`.
const FASHION_MNIST: (Source, [File; 4]) = (
    Source::Web("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"),
    [
        File(
            "train-images-idx3-ubyte.gz",
            26_421_880,
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        ),
        File(
            "train-labels-idx1-ubyte.gz",
            29_515,
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        ),
        File(
            "t10k-images-idx3-ubyte.gz",
            4_422_102,
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        ),
        File(
            "t10k-labels-idx1-ubyte.gz",
            5_148,
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    ],
);

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
    let (source, files): (&Source, &[File]) = match name {
        DatasetName::Cifar10 => (&CIFAR10.0, &CIFAR10.1),
        DatasetName::Cifar100 => (&CIFAR100.0, &CIFAR100.1),
        DatasetName::Mnist => (&MNIST.0, &MNIST.1),
        DatasetName::FashionMnist => (&FASHION_MNIST.0, &FASHION_MNIST.1),
        DatasetName::Digits | DatasetName::ImageFolder => return Err(Error::NotDownloaded(name)),
    };
    let remote = |File(file, size, sha256): &File| {
        let (url, token) = match source {
            Source::Hub {
                repository,
                revision,
                folder,
            } => (
                hub.dataset(repository, revision, &format!("{folder}/{file}")),
                hub.token(),
            ),
            Source::Web(base) => (format!("{base}{file}"), None),
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
            urls(DatasetName::Cifar10)[1],
            "https://hub.example/datasets/uoft-cs/cifar10/resolve/0b2714987fa478483af9968de7c934580d0bb9a2/\
             plain_text/test-00000-of-00001.parquet"
        );
        assert_eq!(
            urls(DatasetName::Cifar100)[0],
            "https://hub.example/datasets/uoft-cs/cifar100/resolve/aadb3af77e9048adbea6b47c21a81e47dd092ae5/\
             cifar100/train-00000-of-00001.parquet"
        );
    }

    #[test]
    fn the_mnists_come_as_four_idx_files() {
        for name in [DatasetName::Mnist, DatasetName::FashionMnist] {
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
        for name in [DatasetName::Digits, DatasetName::ImageFolder] {
            let error = remotes(&hub, name, "").unwrap_err();
            assert!(error.to_string().contains("dataset.path"), "{error}");
        }
    }
}
