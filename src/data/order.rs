//! The order in which an epoch goes through the training images.

use crate::rng::{Purpose, Stream};

/// The images of an epoch (from 1): each of `n` once, shuffled by the seed, or as they lie.
pub fn order(seed: u64, epoch: u64, n: u32, shuffle: bool) -> Vec<u32> {
    let mut order: Vec<u32> = (0..n).collect();
    if shuffle {
        Stream::new(seed, Purpose::Shuffle, epoch, 0).shuffle(&mut order);
    }
    order
}

/// As many images as there are labels, every class as often, up to one image; shuffled by the seed.
///
/// Of a class each image is drawn as often as the others, up to once.
pub fn balanced_order(seed: u64, epoch: u64, labels: &[u32]) -> Vec<u32> {
    let mut classes = by_class(labels);
    Stream::new(seed, Purpose::Sampler, epoch, 0).shuffle(&mut classes);
    let (each, more) = match classes.len() {
        0 => (0, 0),
        count => (labels.len() / count, labels.len() % count),
    };
    let mut order = Vec::with_capacity(labels.len());
    for (place, (class, mut images)) in classes.into_iter().enumerate() {
        let mut stream = Stream::new(seed, Purpose::Sampler, epoch, 1 + class);
        let mut left = each + usize::from(place < more);
        while left > 0 {
            stream.shuffle(&mut images);
            let drawn = left.min(images.len());
            order.extend_from_slice(&images[..drawn]);
            left -= drawn;
        }
    }
    Stream::new(seed, Purpose::Shuffle, epoch, 0).shuffle(&mut order);
    order
}

/// The images of each class that has some.
fn by_class(labels: &[u32]) -> Vec<(u64, Vec<u32>)> {
    let most = labels.iter().max().map_or(0, |label| *label as usize + 1);
    let mut classes = vec![Vec::new(); most];
    for (image, label) in (0..).zip(labels) {
        classes[*label as usize].push(image);
    }
    let classes = (0..).zip(classes);
    classes.filter(|(_, images)| !images.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_differ_by_epoch_and_shuffle_can_be_turned_off() {
        assert_eq!(order(1, 1, 50, true), order(1, 1, 50, true));
        assert_ne!(order(1, 1, 50, true), order(1, 2, 50, true));
        assert_ne!(order(1, 1, 50, true), order(2, 1, 50, true));
        assert_eq!(order(1, 1, 4, false), [0, 1, 2, 3]);
    }

    #[test]
    fn a_balanced_order_draws_every_class_and_every_image_of_it_as_often() {
        // 30 images of class 0, 3 of class 2, 1 of class 3.
        let labels: Vec<u32> = (0..34)
            .map(|i| [0, 2, 3][usize::from(i >= 30) + usize::from(i >= 33)])
            .collect();
        let mut given_more = [0; 4];
        for epoch in 1..20 {
            let order = balanced_order(7, epoch, &labels);
            assert_eq!(order.len(), 34);
            let drawn = |image: u32| order.iter().filter(|i| **i == image).count();
            let of_class =
                [0..30, 30..33, 33..34].map(|images| images.map(drawn).collect::<Vec<_>>());
            for (class, drawn) in of_class.iter().enumerate() {
                let all: usize = drawn.iter().sum();
                assert!([11, 12].contains(&all), "{drawn:?}");
                given_more[class] += all - 11;
                let (least, most) = (drawn.iter().min().unwrap(), drawn.iter().max().unwrap());
                assert!(most - least <= 1, "{drawn:?}");
            }
        }
        assert!(
            given_more[..3].iter().all(|epochs| *epochs > 0),
            "{given_more:?}"
        );
        assert_eq!(balanced_order(7, 1, &labels), balanced_order(7, 1, &labels));
        assert_ne!(balanced_order(7, 1, &labels), balanced_order(7, 2, &labels));
        assert!(balanced_order(7, 1, &[]).is_empty());
    }
}
