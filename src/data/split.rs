//! Which training images are held out for validation.

use super::Part;
use crate::rng::{Purpose, Stream};
use crate::spec::Validation;

/// How many of `n` images stay for training: `floor(n * (1 - split))` in float64.
///
/// As `train_validation_split` in Keras 3's `data_adapter_utils.py`.
pub fn training_count(n: usize, split: f64) -> usize {
    ((n as f64 * (1.0 - split)).floor().max(0.0) as usize).min(n)
}

/// Takes the validation part out of `train`.
///
/// Both parts keep the order of the images. All methods hold out the same number of images; `stratified` shares it
/// among the classes by their size (largest remainders first, lower classes first among equals).
pub(super) fn split(train: &mut Part, method: Validation, split: f64, seed: u64) -> Part {
    let n = train.len();
    let kept = training_count(n, split);
    let mut held_out = match method {
        Validation::Tail => return train.split_off(kept),
        Validation::Random => shuffled((0..n).collect(), seed, 0).split_off(kept),
        Validation::Stratified => stratified(&train.labels, n - kept, seed),
    };
    if held_out.is_empty() {
        return train.split_off(n);
    }
    held_out.sort_unstable();
    let mut is_held_out = vec![false; n];
    held_out.iter().for_each(|&i| is_held_out[i] = true);
    let rest: Vec<usize> = (0..n).filter(|&i| !is_held_out[i]).collect();
    let validation = train.take(&held_out);
    *train = train.take(&rest);
    validation
}

fn shuffled(mut indices: Vec<usize>, seed: u64, index: u64) -> Vec<usize> {
    Stream::new(seed, Purpose::Split, 0, index).shuffle(&mut indices);
    indices
}

/// `count` indices, of each class its share.
fn stratified(labels: &[u32], count: usize, seed: u64) -> Vec<usize> {
    let classes = labels.iter().max().map_or(0, |&last| last as usize + 1);
    let mut by_class = vec![Vec::new(); classes];
    for (i, &label) in labels.iter().enumerate() {
        by_class[label as usize].push(i);
    }
    let sizes: Vec<usize> = by_class.iter().map(Vec::len).collect();
    let shares = shares(&sizes, count);
    let chosen = by_class.into_iter().zip(shares).enumerate();
    chosen
        .flat_map(|(class, (images, share))| {
            let mut images = shuffled(images, seed, class as u64);
            images.truncate(share);
            images
        })
        .collect()
}

/// `count` shared in proportion to `sizes`, in whole numbers, by the method of largest remainders.
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
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Images;

    /// A part whose image `i` is the single pixel `i`, with these labels.
    fn part(labels: Vec<u32>) -> Part {
        let n = labels.len();
        Part {
            images: Images {
                data: (0..n as u8).collect(),
                count: n,
                ..Images::empty(1, 1, 1)
            },
            labels,
            files: Some((0..n).map(|i| i.to_string()).collect()),
        }
    }

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
        let mut train = part(vec![0, 1, 0, 1, 0]);
        let validation = split(&mut train, Validation::Tail, 0.4, 0);
        assert_eq!((train.images.data, train.images.count), (vec![0, 1, 2], 3));
        assert_eq!(
            (validation.images.data, validation.images.count),
            (vec![3, 4], 2)
        );
        assert_eq!(
            (train.labels, validation.labels),
            (vec![0, 1, 0], vec![1, 0])
        );
        assert_eq!(validation.files, Some(vec!["3".into(), "4".into()]));
    }

    #[test]
    fn random_depends_on_the_seed_alone_and_keeps_every_image_once() {
        let all = part((0..100).map(|i| i % 3).collect());
        let run = |seed| {
            let mut train = all.clone();
            let validation = split(&mut train, Validation::Random, 0.25, seed);
            (train, validation)
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        let (train, validation) = run(1);
        assert_eq!((train.len(), validation.len()), (75, 25));
        assert!(train.images.data.is_sorted() && validation.images.data.is_sorted());
        let mut together = [train.images.data, validation.images.data].concat();
        together.sort_unstable();
        assert_eq!(together, all.images.data);
    }

    #[test]
    fn stratified_holds_out_the_same_share_of_every_class() {
        let mut train = part([vec![0; 60], vec![1; 30], vec![2; 10]].concat());
        let validation = split(&mut train, Validation::Stratified, 0.1, 7);
        let of = |class| validation.labels.iter().filter(|&&l| l == class).count();
        assert_eq!([of(0), of(1), of(2)], [6, 3, 1]);
        assert_eq!(train.len(), 90);
    }

    #[test]
    fn a_split_of_zero_holds_out_nothing() {
        for method in Validation::ALL {
            let mut train = part(vec![0, 1]);
            assert!(split(&mut train, *method, 0.0, 0).is_empty());
            assert_eq!(train.len(), 2);
        }
    }

    #[test]
    fn shares_add_up_and_favour_the_largest_remainders() {
        assert_eq!(shares(&[5, 5, 5], 4), [2, 1, 1]);
        assert_eq!(shares(&[1, 9], 1), [0, 1]);
        assert_eq!(shares(&[], 0), Vec::<usize>::new());
    }
}
