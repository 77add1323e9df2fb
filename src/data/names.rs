//! The class names of the known datasets, in the order of their labels.

use crate::spec::DatasetName;

const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// The order of `batches.meta.txt` in the official archive.
const CIFAR10: [&str; 10] = [
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
];

/// From the table in Fashion-MNIST's README.
const FASHION_MNIST: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];

/// The order of `fine_label_names.txt` in the official archive.
#[rustfmt::skip]
const CIFAR100: [&str; 100] = [
    "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle",
    "bowl", "boy", "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle",
    "chair", "chimpanzee", "clock", "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur",
    "dolphin", "elephant", "flatfish", "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard",
    "lamp", "lawn_mower", "leopard", "lion", "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain",
    "mouse", "mushroom", "oak_tree", "orange", "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree",
    "plain", "plate", "poppy", "porcupine", "possum", "rabbit", "raccoon", "ray", "road", "rocket",
    "rose", "sea", "seal", "shark", "shrew", "skunk", "skyscraper", "snail", "snake", "spider",
    "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank", "telephone", "television", "tiger", "tractor",
    "train", "trout", "tulip", "turtle", "wardrobe", "whale", "willow_tree", "wolf", "woman", "worm",
];

/// The classes of a dataset that always has the same ones.
pub(super) fn known(dataset: DatasetName) -> Option<&'static [&'static str]> {
    match dataset {
        DatasetName::Digits | DatasetName::Mnist => Some(&DIGITS),
        DatasetName::Cifar10 => Some(&CIFAR10),
        DatasetName::Cifar100 => Some(&CIFAR100),
        DatasetName::FashionMnist => Some(&FASHION_MNIST),
        DatasetName::ImageFolder => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cifar100_names_are_in_alphabetical_order_as_in_the_archive() {
        assert!(CIFAR100.is_sorted());
    }
}
