//! The datasets that the runner knows. To add one is to add a row; one whose files nobody reads yet has a format too, and
//! its reader in `data/sources`.

use super::classes;
use super::download::{Download, File, Server};
use super::options::{
    GROUP_COLUMN, HUB_IMAGE_COLUMN, HUB_LABEL_COLUMN, IMAGE_COLUMN, IMAGES, LABEL_COLUMN,
    LABEL_SEPARATOR, REPOSITORY, REVISION, SHARD_IMAGE_COLUMN, SHARD_LABEL_COLUMN, SPLIT_COLUMN,
    SUBSET, TEST_PART, TRAINING_PART, VALIDATION_PART,
};
use crate::choice::Choice;

/// What a spec can name as its dataset.
#[derive(Debug)]
pub struct Entry {
    /// Its name in a spec, and the keys that it takes beside those of all datasets.
    pub choice: Choice,
    /// What it is, as a part of a sentence.
    pub about: &'static str,
    /// How its files are read.
    pub format: Format,
    /// What `dataset.path` is to it.
    pub path: PathUse,
    /// Which parts it has.
    pub parts: PartsOf,
    /// The classes' names, in the order of the labels; none where the files say them.
    pub classes: Option<&'static [&'static str]>,
    /// The names that its column of labels may have, the first that is there; for tables.
    pub label_columns: &'static [&'static str],
    /// The size of every image; none where they differ, and are brought to the size that the network takes as they are
    /// read.
    pub image: Option<ImageSize>,
    /// How many images there are, known before they are downloaded.
    pub published: Option<Published>,
    /// Where it can be had.
    pub download: Option<Download>,
}

/// How files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Built into the program.
    Digits,
    /// Four IDX files.
    Idx,
    /// Parquet, or CIFAR-10's binary files.
    Cifar10,
    /// Parquet, or CIFAR-100's binary files.
    Cifar100,
    /// A folder per class.
    ImageFolder,
    /// A table with a row per image.
    Table,
    /// Parquet files in a repository of the hub.
    Hub,
    /// Tar files in WebDataset's layout.
    WebDataset,
}

/// What `dataset.path` is to a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathUse {
    /// It has none.
    BuiltIn,
    /// Where its files are, instead of being downloaded.
    Optional,
    /// A folder that must be said: what it is.
    Folder(&'static str),
    /// It has none: a repository is named, whose files are downloaded before anything is known of them.
    Repository,
    /// A file, a folder with files or a pattern of their names, that must be said: what it is.
    Files(&'static str),
}

/// Which parts a dataset has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartsOf {
    /// A training and a test part, each in its published order.
    Published,
    /// Those that the user's own files have, a validation part among them or no test part. Their order says nothing but
    /// perhaps the class, so that they are put into a random one.
    Found,
}

/// Height, width (pixels) and channels of an image, a byte each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageSize {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
}

impl ImageSize {
    /// Of a square one.
    pub const fn square(side: usize, channels: usize) -> Self {
        ImageSize {
            height: side,
            width: side,
            channels,
        }
    }

    /// How many bytes it takes.
    pub const fn bytes(self) -> usize {
        self.height * self.width * self.channels
    }
}

/// How many images of each class the parts have.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    pub train: PerClass,
    pub test: PerClass,
}

/// A number per class.
#[derive(Clone, Copy, Debug)]
pub enum PerClass {
    Same(usize),
    /// In the order of the labels.
    Each(&'static [usize]),
}

impl PerClass {
    /// Of the class with this label.
    pub fn of(self, label: usize) -> usize {
        match self {
            PerClass::Same(count) => count,
            PerClass::Each(counts) => counts.get(label).copied().unwrap_or_default(),
        }
    }
}

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

/// One's own images.
pub static IMAGE_FOLDER: Entry = Entry {
    choice: Choice::plain("image_folder"),
    about: "a folder per class, with images of any size",
    format: Format::ImageFolder,
    path: PathUse::Folder("the folder with one subfolder per class"),
    parts: PartsOf::Found,
    classes: None,
    label_columns: &[],
    image: None,
    published: None,
    download: None,
};

/// One's own images, with a table that says their labels.
pub static TABLE: Entry = Entry {
    choice: Choice {
        name: "table",
        options: &[
            IMAGE_COLUMN,
            IMAGES,
            LABEL_COLUMN,
            LABEL_SEPARATOR,
            SPLIT_COLUMN,
            GROUP_COLUMN,
        ],
    },
    about: "a CSV, TSV or Parquet table with a row per image",
    format: Format::Table,
    path: PathUse::Files("the table: a CSV, TSV or Parquet file"),
    parts: PartsOf::Found,
    classes: None,
    label_columns: &[],
    image: None,
    published: None,
    download: None,
};

/// Anyone's images on Hugging Face's hub.
pub static HUB: Entry = Entry {
    choice: Choice {
        name: "hub",
        options: &[
            REPOSITORY,
            REVISION,
            SUBSET,
            TRAINING_PART,
            VALIDATION_PART,
            TEST_PART,
            HUB_IMAGE_COLUMN,
            HUB_LABEL_COLUMN,
            LABEL_SEPARATOR,
            GROUP_COLUMN,
        ],
    },
    about: "a repository of Hugging Face's hub with Parquet files",
    format: Format::Hub,
    path: PathUse::Repository,
    parts: PartsOf::Found,
    classes: None,
    label_columns: &[],
    image: None,
    published: None,
    download: None,
};

/// One's own images in tar files.
pub static WEBDATASET: Entry = Entry {
    choice: Choice {
        name: "webdataset",
        options: &[
            SHARD_IMAGE_COLUMN,
            SHARD_LABEL_COLUMN,
            LABEL_SEPARATOR,
            SPLIT_COLUMN,
            GROUP_COLUMN,
        ],
    },
    about: "tar files in WebDataset's layout",
    format: Format::WebDataset,
    path: PathUse::Files("the tar files: one, a folder with them, or a pattern as train-*.tar"),
    parts: PartsOf::Found,
    classes: None,
    label_columns: &[],
    image: None,
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
