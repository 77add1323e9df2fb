//! Which training images are held out for validation.

use super::groups::{fold_of_groups, grouped};
use super::shuffle::shuffled;
use crate::spec::Validation;

/// How many of `n` images stay for training: `floor(n * (1 - split))` in float64.
///
/// As `train_validation_split` in Keras 3's `data_adapter_utils.py`.
pub fn training_count(n: usize, split: f64) -> usize {
    ((n as f64 * (1.0 - split)).floor().max(0.0) as usize).min(n)
}

/// The places of `count` images that are held out of those with these labels and groups, ascending.
///
/// All methods but `group`, which see [`grouped`], hold out the same number of images. `stratified` shares it among the classes by their size (largest
/// remainders first, lower classes first among equals) and leaves one of every class, as far as `count` allows it.
/// `(seed, epoch)` name the stream of random values.
pub fn hold_out(
    (labels, groups): (&[u32], &[u32]),
    method: Validation,
    count: usize,
    stream: (u64, u64),
) -> Vec<usize> {
    let n = labels.len();
    let kept = n.saturating_sub(count);
    let mut held_out = match method {
        Validation::Tail => (kept..n).collect(),
        Validation::Random => shuffled((0..n).collect(), stream, 0).split_off(kept),
        Validation::Stratified => stratified(labels, count, stream),
        Validation::Group => grouped(labels, groups, count, stream),
    };
    held_out.sort_unstable();
    held_out
}

/// The places of the images in one of `folds` parts of those with these labels and groups, ascending.
///
/// The parts of `tail` lie one after another, the first at the end. Images in a random order are dealt out to the parts, by
/// `stratified` class by class; all parts of these methods have the same number of images but for one more in the first.
pub fn fold_of(
    (labels, groups): (&[u32], &[u32]),
    method: Validation,
    (fold, folds): (usize, usize),
    stream: (u64, u64),
) -> Vec<usize> {
    let n = labels.len();
    let dealt = |order: Vec<usize>| order.into_iter().skip(fold).step_by(folds.max(1)).collect();
    let mut held_out: Vec<usize> = match method {
        Validation::Tail => {
            let end = n
                - (0..fold)
                    .map(|before| fold_size(n, (before, folds)))
                    .sum::<usize>();
            (end - fold_size(n, (fold, folds))..end).collect()
        }
        Validation::Random => dealt(shuffled((0..n).collect(), stream, 0)),
        Validation::Stratified => dealt(class_by_class(labels, stream)),
        Validation::Group => fold_of_groups(labels, groups, (fold, folds), stream),
    };
    held_out.sort_unstable();
    held_out
}

/// How many of `n` images one of `folds` parts has, but for groups.
pub fn fold_size(n: usize, (fold, folds): (usize, usize)) -> usize {
    n / folds.max(1) + usize::from(fold < n % folds.max(1))
}

/// All indices, those of a class together and in a random order.
fn class_by_class(labels: &[u32], stream: (u64, u64)) -> Vec<usize> {
    let classes = by_class(labels).into_iter().enumerate();
    let mixed = classes.flat_map(|(class, images)| shuffled(images, stream, class as u64));
    mixed.collect()
}

fn by_class(labels: &[u32]) -> Vec<Vec<usize>> {
    let classes = labels.iter().max().map_or(0, |&last| last as usize + 1);
    let mut by_class = vec![Vec::new(); classes];
    for (i, &label) in labels.iter().enumerate() {
        by_class[label as usize].push(i);
    }
    by_class
}

/// `count` indices, of each class its share.
fn stratified(labels: &[u32], count: usize, stream: (u64, u64)) -> Vec<usize> {
    let by_class = by_class(labels);
    let sizes: Vec<usize> = by_class.iter().map(Vec::len).collect();
    let shares = shares(&sizes, count);
    let chosen = by_class.into_iter().zip(shares).enumerate();
    chosen
        .flat_map(|(class, (images, share))| {
            let mut images = shuffled(images, stream, class as u64);
            images.truncate(share);
            images
        })
        .collect()
}

/// `count` shared in proportion to `sizes`, in whole numbers, by the method of largest remainders.
///
/// A share that would take all there is leaves one; what that lacks comes from the classes that keep the most.
fn shares(sizes: &[usize], count: usize) -> Vec<usize> {
    let total = sizes.iter().sum::<usize>().max(1) as u128;
    let product = |size: usize| size as u128 * count as u128;
    let mut shares: Vec<usize> = sizes
        .iter()
        .map(|&s| (product(s) / total) as usize)
        .collect();
    let mut by_remainder: Vec<usize> = (0..sizes.len()).collect();
    by_remainder.sort_by_key(|&class| std::cmp::Reverse(product(sizes[class]) % total));
    let left = count.saturating_sub(shares.iter().sum());
    by_remainder
        .iter()
        .take(left)
        .for_each(|&class| shares[class] += 1);
    leave_one(sizes, shares)
}

/// Moves what shares take of the last images of classes to those that keep the most, lower classes first among equals.
fn leave_one(sizes: &[usize], mut shares: Vec<usize>) -> Vec<usize> {
    let mut moved = 0;
    for (share, &size) in shares.iter_mut().zip(sizes) {
        let most = size.saturating_sub(1);
        moved += share.saturating_sub(most);
        *share = (*share).min(most);
    }
    for _ in 0..moved {
        let kept = |class: &usize| sizes[*class] - shares[*class];
        let richest = (0..sizes.len()).rev().max_by_key(kept);
        // Where all keep one only, some lose it: the caller refuses that.
        if let Some(class) = richest {
            shares[class] += 1;
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn training_count_is_the_same_as_keras() {
        // python: [math.floor(n * (1.0 - s)) for n, s in ...], the line of Keras's train_validation_split
        for (n, split, expected) in [
            (50_000, 0.1, 45_000),
            (1437, 0.1, 1293),
            (10, 0.1, 9),
            (100, 0.29, 71),
            (70, 0.3, 49),
            (10, 0.9, 0),
            (3, 0.0, 3),
        ] {
            assert_eq!(training_count(n, split), expected, "{n} {split}");
        }
    }

    #[test]
    fn tail_holds_out_the_last_images() {
        let held_out = hold_out((&[0, 1, 0, 1, 0], &[]), Validation::Tail, 2, (0, 0));
        assert_eq!(held_out, [3, 4]);
    }

    #[test]
    fn random_depends_on_the_seed_alone_and_takes_no_image_twice() {
        let labels: Vec<u32> = (0..100).map(|i| i % 3).collect();
        let run = |seed| hold_out((&labels, &[]), Validation::Random, 25, (seed, 0));
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        assert_ne!(
            run(1),
            hold_out((&labels, &[]), Validation::Random, 25, (1, 3))
        );
        let mut held_out = run(1);
        assert!(held_out.is_sorted());
        held_out.dedup();
        assert_eq!(held_out.len(), 25);
    }

    #[test]
    fn stratified_holds_out_the_same_share_of_every_class() {
        let labels = [vec![0; 60], vec![1; 30], vec![2; 10]].concat();
        let held_out = hold_out((&labels, &[]), Validation::Stratified, 10, (7, 0));
        let of = |class| held_out.iter().filter(|&&i| labels[i] == class).count();
        assert_eq!([of(0), of(1), of(2)], [6, 3, 1]);
    }

    #[test]
    fn stratified_leaves_an_image_of_every_class_as_long_as_it_can() {
        assert_eq!(shares(&[20, 1, 1, 1, 1], 5), [5, 0, 0, 0, 0]);
        assert_eq!(shares(&[2, 2, 9], 9), [1, 1, 7]);
        assert_eq!(shares(&[3, 0, 3], 4), [2, 0, 2]);
        assert_eq!(shares(&[3, 3], 5).iter().sum::<usize>(), 5);
    }

    #[test]
    fn folds_divide_all_images_in_parts_of_one_size() {
        let labels: Vec<u32> = (0..53).map(|i| u32::from(i % 5 == 0)).collect();
        for method in [Validation::Tail, Validation::Random, Validation::Stratified] {
            let part = |fold| fold_of((&labels, &[]), method, (fold, 5), (3, 0));
            let folds: Vec<Vec<usize>> = (0..5).map(part).collect();
            let sizes = [11, 11, 11, 10, 10];
            for (fold, held_out) in folds.iter().enumerate() {
                assert_eq!(held_out.len(), sizes[fold]);
                assert_eq!(fold_size(53, (fold, 5)), sizes[fold]);
                let of_class = held_out.iter().filter(|&&i| labels[i] == 1).count();
                assert!(method != Validation::Stratified || (2..=3).contains(&of_class));
            }
            let mut all = folds.concat();
            all.sort_unstable();
            assert_eq!(all, (0..53).collect::<Vec<_>>(), "{method}");
        }
        let tail = fold_of((&labels, &[]), Validation::Tail, (0, 5), (3, 0));
        assert_eq!(tail, (42..53).collect::<Vec<_>>());
    }

    #[test]
    fn a_count_of_zero_holds_out_nothing() {
        for method in Validation::ALL {
            assert!(hold_out((&[0, 1], &[0, 1]), *method, 0, (0, 0)).is_empty());
        }
    }

    #[test]
    fn shares_add_up_and_favour_the_largest_remainders() {
        assert_eq!(shares(&[5, 5, 5], 4), [2, 1, 1]);
        assert_eq!(shares(&[1, 9], 1), [0, 1]);
        assert_eq!(shares(&[], 0), Vec::<usize>::new());
    }
}
