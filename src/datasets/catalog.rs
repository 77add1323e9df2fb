//! The datasets that the runner knows. To add one is to add a row; one whose files nobody reads yet has a format too, and
//! its reader in `data/sources`.

use super::classes;
use super::download::{Download, File, Server};
use super::entry::{Entry, Format, ImageSize, PartsOf, PathUse, PerClass, Published};
use super::own::{HUB, IMAGE_FOLDER, TABLE, WEBDATASET};
use crate::choice::Choice;

/// Every dataset.
pub static DATASETS: [&Entry; 9] = [
    &CIFAR10,
    &CIFAR100,
    &MNIST,
    &FASHION_MNIST,
    &DIGITS,
    &IMAGE_FOLDER,
    &TABLE,
    &HUB,
    &WEBDATASET,
];

/// Its files are the hub's Parquet edition, whose images are the original ones as PNG.
pub static CIFAR10: Entry = Entry {
    choice: Choice::plain("cifar10"),
    about: "32×32 colour images",
    format: Format::Cifar10,
    path: PathUse::Optional,
    parts: PartsOf::Published,
    classes: Some(&classes::CIFAR10),
    label_columns: &["label"],
    image: Some(ImageSize::square(32, 3)),
    published: Some(Published {
        train: PerClass::Same(5_000),
        test: PerClass::Same(1_000),
    }),
    download: Some(Download {
        server: Server::Hub {
            repository: "uoft-cs/cifar10",
            revision: "0b2714987fa478483af9968de7c934580d0bb9a2",
            folder: "plain_text",
        },
        files: &[
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
    }),
};

/// Its files are the hub's Parquet edition.
pub static CIFAR100: Entry = Entry {
    choice: Choice::plain("cifar100"),
    about: "32×32 colour images",
    format: Format::Cifar100,
    path: PathUse::Optional,
    parts: PartsOf::Published,
    classes: Some(&classes::CIFAR100),
    label_columns: &["fine_label", "label"],
    image: Some(ImageSize::square(32, 3)),
    published: Some(Published {
        train: PerClass::Same(500),
        test: PerClass::Same(100),
    }),
    download: Some(Download {
        server: Server::Hub {
            repository: "uoft-cs/cifar100",
            revision: "aadb3af77e9048adbea6b47c21a81e47dd092ae5",
            folder: "cifar100",
        },
        files: &[
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
    }),
};

/// Its files are the original gzipped IDX files at torchvision's mirror; lengths and SHA-256 as in TensorFlow Datasets'
/// `url_checksums/mnist.txt`.
pub static MNIST: Entry = Entry {
    choice: Choice::plain("mnist"),
    about: "28×28 grey images of digits",
    format: Format::Idx,
    path: PathUse::Optional,
    parts: PartsOf::Published,
    classes: Some(&classes::DIGITS),
    label_columns: &[],
    image: Some(ImageSize::square(28, 1)),
    published: Some(Published {
        // `numpy.bincount` of the labels in the original files.
        train: PerClass::Each(&[
            5_923, 6_742, 5_958, 6_131, 5_842, 5_421, 5_918, 6_265, 5_851, 5_949,
        ]),
        test: PerClass::Each(&[980, 1_135, 1_032, 1_010, 982, 892, 958, 1_028, 974, 1_009]),
    }),
    download: Some(Download {
        server: Server::Web("https://ossci-datasets.s3.amazonaws.com/mnist/"),
        files: &[
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
    }),
};

/// Its files are Zalando's own, which have no https address; lengths and SHA-256 as in TensorFlow Datasets'
/// `url_checksums/fashion_mnist.txt`.
pub static FASHION_MNIST: Entry = Entry {
    choice: Choice::plain("fashion_mnist"),
    about: "28×28 grey images of clothes",
    format: Format::Idx,
    path: PathUse::Optional,
    parts: PartsOf::Published,
    classes: Some(&classes::FASHION_MNIST),
    label_columns: &[],
    image: Some(ImageSize::square(28, 1)),
    published: Some(Published {
        train: PerClass::Same(6_000),
        test: PerClass::Same(1_000),
    }),
    download: Some(Download {
        server: Server::Web("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"),
        files: &[
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
    }),
};

pub static DIGITS: Entry = Entry {
    choice: Choice::plain("digits"),
    about: "UCI's handwritten digits, 8×8, built into the program",
    format: Format::Digits,
    path: PathUse::BuiltIn,
    parts: PartsOf::Published,
    classes: Some(&classes::DIGITS),
    label_columns: &[],
    image: Some(ImageSize::square(8, 1)),
    published: None,
    download: None,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classes_add_up_to_the_whole() {
        for (entry, train, test) in [
            (&CIFAR10, 50_000, 10_000),
            (&CIFAR100, 50_000, 10_000),
            (&MNIST, 60_000, 10_000),
            (&FASHION_MNIST, 60_000, 10_000),
        ] {
            let published = entry.published.unwrap();
            let classes = 0..entry.classes.unwrap().len();
            let sum = |counts: PerClass| -> usize { classes.clone().map(|c| counts.of(c)).sum() };
            let sums = (sum(published.train), sum(published.test));
            assert_eq!(sums, (train, test), "{}", entry.choice.name);
        }
    }
}
