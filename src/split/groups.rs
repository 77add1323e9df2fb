//! Images that have something in common, such as a patient or a camera, and are held out together.

use super::shuffle::shuffled;

/// The places of about `count` images that are held out of those with these labels and groups: groups as whole as they are.
///
/// The groups are looked at in a random order; one is held out where that brings the images held out of each class nearer to
/// the class's share of `count`, each class in parts of its own size. Where no group does, the one is that keeps nearest. A
/// group stays for training whatever `count` is; with fewer than two groups, nothing is held out.
pub fn grouped(labels: &[u32], groups: &[u32], count: usize, stream: (u64, u64)) -> Vec<usize> {
    let all = Groups::new(labels, groups);
    if count == 0 || all.ids.len() < 2 {
        return Vec::new();
    }
    let order = shuffled((0..all.ids.len()).collect(), stream, 0);
    let mut aim = Aim::new(&all, count);
    let mut chosen: Vec<usize> = Vec::new();
    for &group in &order {
        let is_last = chosen.len() + 1 == all.ids.len();
        if !is_last && aim.is_nearer_with(&all.counts[group]) {
            aim.hold_out(&all.counts[group]);
            chosen.push(group);
        }
    }
    if chosen.is_empty() {
        let distance = |group: &&usize| aim.distance_with(&all.counts[**group]);
        let nearest = order
            .iter()
            .min_by(|a, b| distance(a).total_cmp(&distance(b)));
        chosen.extend(nearest);
    }
    let mut is_held_out = vec![false; all.ids.len()];
    chosen
        .into_iter()
        .for_each(|group| is_held_out[group] = true);
    all.places(groups, |group| is_held_out[group])
}

/// The places of the images in one of `folds` parts of those with these labels and groups: whole groups.
///
/// The groups are put into parts one after another, those with the most images first and in a random order among equals:
/// each into the part that then leaves the parts most alike in images of each class, each class in parts of its own size, as
/// scikit-learn's `StratifiedGroupKFold`; among equals into the part with the fewest images.
pub fn fold_of_groups(
    labels: &[u32],
    groups: &[u32],
    (fold, folds): (usize, usize),
    stream: (u64, u64),
) -> Vec<usize> {
    let all = Groups::new(labels, groups);
    let mut order = shuffled((0..all.ids.len()).collect(), stream, 0);
    let images = |group: usize| all.counts[group].iter().sum::<f64>();
    order.sort_by(|&a, &b| images(b).total_cmp(&images(a)));
    let mut aims: Vec<Aim> = (0..folds).map(|_| Aim::of_part(&all, folds)).collect();
    let mut fold_of = vec![0; all.ids.len()];
    for group in order {
        let counts = &all.counts[group];
        let worse = |aim: &Aim| aim.distance_with(counts) - aim.distance_with(&[]);
        let best = (0..folds).min_by(|&a, &b| {
            let (a, b) = (&aims[a], &aims[b]);
            let by_distance = worse(a).total_cmp(&worse(b));
            by_distance.then(b.images_left().total_cmp(&a.images_left()))
        });
        let best = best.unwrap_or(0);
        aims[best].hold_out(counts);
        fold_of[group] = best;
    }
    all.places(groups, |group| fold_of[group] == fold)
}

/// How many groups there are.
pub fn number(groups: impl Iterator<Item = u32>) -> usize {
    distinct(groups).len()
}

fn distinct(groups: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut ids: Vec<u32> = groups.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The groups, with how many images of each class they have.
struct Groups {
    /// Ascending.
    ids: Vec<u32>,
    counts: Vec<Vec<f64>>,
    /// Images of each class.
    sizes: Vec<f64>,
}

impl Groups {
    fn new(labels: &[u32], groups: &[u32]) -> Self {
        let ids = distinct(groups.iter().copied());
        let classes = labels.iter().max().map_or(0, |&last| last as usize + 1);
        let mut all = Groups {
            counts: vec![vec![0.0; classes]; ids.len()],
            sizes: vec![0.0; classes],
            ids,
        };
        for (&label, group) in labels.iter().zip(groups) {
            if let Ok(at) = all.ids.binary_search(group) {
                all.counts[at][label as usize] += 1.0;
                all.sizes[label as usize] += 1.0;
            }
        }
        all
    }

    /// The places of the images whose group, by its place in `ids`, is wanted.
    fn places(&self, groups: &[u32], is_wanted: impl Fn(usize) -> bool) -> Vec<usize> {
        let is_in = |group: &u32| self.ids.binary_search(group).is_ok_and(&is_wanted);
        let places = groups.iter().enumerate().filter(|(_, group)| is_in(group));
        places.map(|(place, _)| place).collect()
    }
}

/// What is still to be held out of each class.
struct Aim<'a> {
    left: Vec<f64>,
    sizes: &'a [f64],
}

impl<'a> Aim<'a> {
    fn new(groups: &'a Groups, count: usize) -> Self {
        let all = groups.sizes.iter().sum::<f64>().max(1.0);
        Aim::of(groups, count as f64 / all)
    }

    /// A part as large as each of so many.
    fn of_part(groups: &'a Groups, parts: usize) -> Self {
        Aim::of(groups, 1.0 / parts as f64)
    }

    fn of(groups: &'a Groups, part: f64) -> Self {
        let sizes = &groups.sizes;
        Aim {
            left: sizes.iter().map(|size| size * part).collect(),
            sizes,
        }
    }

    fn images_left(&self) -> f64 {
        self.left.iter().sum()
    }

    fn hold_out(&mut self, counts: &[f64]) {
        for (left, count) in self.left.iter_mut().zip(counts) {
            *left -= count;
        }
    }

    fn is_nearer_with(&self, counts: &[f64]) -> bool {
        self.distance_with(counts) < self.distance_with(&[])
    }

    /// How far the aim is once a group with these images is held out, too.
    fn distance_with(&self, counts: &[f64]) -> f64 {
        let counts = counts.iter().copied().chain(std::iter::repeat(0.0));
        let classes = self.left.iter().zip(self.sizes).zip(counts);
        classes
            .filter(|((_, size), _)| **size > 0.0)
            .map(|((left, size), count)| ((left - count) / size).powi(2))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 60 images of 12 groups of 2 to 8, two classes.
    fn images() -> (Vec<u32>, Vec<u32>) {
        let sizes = [2, 8, 5, 5, 3, 7, 4, 6, 5, 5, 2, 8];
        let groups: Vec<u32> = (0..12).flat_map(|g| vec![g; sizes[g as usize]]).collect();
        let labels = groups.iter().map(|group| group % 2).collect();
        (labels, groups)
    }

    #[test]
    fn a_group_is_on_one_side_and_the_classes_are_kept() {
        let (labels, groups) = images();
        for seed in 0..20 {
            let held_out = grouped(&labels, &groups, 15, (seed, 0));
            let is_out = |i: usize| held_out.binary_search(&i).is_ok();
            for i in 0..groups.len() {
                let first = groups.iter().position(|g| *g == groups[i]).unwrap();
                assert_eq!(is_out(i), is_out(first), "group {}", groups[i]);
            }
            let of = |class| held_out.iter().filter(|&&i| labels[i] == class).count();
            // A quarter of 21 and of 39.
            assert!((2..=9).contains(&of(0)), "{} of class 0", of(0));
            assert!((6..=14).contains(&of(1)), "{} of class 1", of(1));
        }
    }

    #[test]
    fn folds_divide_the_groups_and_keep_the_classes() {
        let (labels, groups) = images();
        let folds: Vec<Vec<usize>> = (0..3)
            .map(|fold| fold_of_groups(&labels, &groups, (fold, 3), (7, 0)))
            .collect();
        let mut all = folds.concat();
        all.sort_unstable();
        assert_eq!(all, (0..60).collect::<Vec<_>>());
        for held_out in &folds {
            let of = |class| held_out.iter().filter(|&&i| labels[i] == class).count();
            // A third of 21 and of 39.
            assert!((5..=9).contains(&of(0)), "{} of class 0", of(0));
            assert!((10..=16).contains(&of(1)), "{} of class 1", of(1));
        }
        let group_of = |i: usize| groups[i];
        let is_apart = |a: &[usize], b: &[usize]| {
            a.iter()
                .all(|&i| b.iter().all(|&j| group_of(i) != group_of(j)))
        };
        assert!(is_apart(&folds[0], &folds[1]) && is_apart(&folds[1], &folds[2]));
    }

    #[test]
    fn which_groups_is_the_seeds() {
        let (labels, groups) = images();
        let run = |seed| grouped(&labels, &groups, 15, (seed, 0));
        assert_eq!(run(1), run(1));
        assert!((2..9).any(|seed| run(seed) != run(1)));
    }

    #[test]
    fn one_of_two_groups_is_held_out_whatever_their_sizes() {
        let labels = [0, 1, 0, 1, 0, 1];
        assert_eq!(grouped(&labels, &[0, 0, 0, 0, 1, 1], 1, (0, 0)), [4, 5]);
        assert!(grouped(&labels, &[7; 6], 1, (0, 0)).is_empty());
    }
}
