//! How many images the built-in datasets have by class, as published; known before they are downloaded.

use crate::spec::DatasetName;

/// Training and test images of each class, in the order of the labels; nothing for one's own images.
pub(super) fn counts(dataset: DatasetName) -> Option<(Vec<usize>, Vec<usize>)> {
    let balanced = |classes: usize, train: usize, test: usize| {
        Some((vec![train; classes], vec![test; classes]))
    };
    match dataset {
        DatasetName::Cifar10 => balanced(10, 5_000, 1_000),
        DatasetName::Cifar100 => balanced(100, 500, 100),
        DatasetName::FashionMnist => balanced(10, 6_000, 1_000),
        DatasetName::Mnist => Some((MNIST_TRAIN.to_vec(), MNIST_TEST.to_vec())),
        DatasetName::Digits | DatasetName::ImageFolder => None,
    }
}

/// `numpy.bincount` of the labels in the original files.
const MNIST_TRAIN: [usize; 10] = [
    5_923, 6_742, 5_958, 6_131, 5_842, 5_421, 5_918, 6_265, 5_851, 5_949,
];
const MNIST_TEST: [usize; 10] = [980, 1_135, 1_032, 1_010, 982, 892, 958, 1_028, 974, 1_009];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classes_add_up_to_the_whole() {
        for (dataset, train, test) in [
            (DatasetName::Cifar10, 50_000, 10_000),
            (DatasetName::Cifar100, 50_000, 10_000),
            (DatasetName::Mnist, 60_000, 10_000),
            (DatasetName::FashionMnist, 60_000, 10_000),
        ] {
            let (of_train, of_test) = counts(dataset).unwrap();
            let sums = (of_train.iter().sum(), of_test.iter().sum());
            assert_eq!(sums, (train, test), "{dataset}");
        }
    }
}
