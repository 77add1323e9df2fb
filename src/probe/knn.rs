//! The nearest neighbours among the training images by the cosine of the angle between features; the number of neighbours
//! by the validation images. The first of the classes that most of them have, as scikit-learn's `KNeighborsClassifier`.

use candle_core::{Result, Tensor};
use rayon::prelude::*;

use super::matrix::Matrix;
use super::method::{Fitted, Parts, Probe, accuracy};
use crate::ops::read;

/// The numbers of neighbours that are tried.
const NEIGHBOURS: [usize; 5] = [1, 5, 10, 20, 50];
/// Images that are compared at once.
const AT_ONCE: usize = 512;

pub(super) struct NearestNeighbours;

impl Probe for NearestNeighbours {
    fn name(&self) -> &'static str {
        "knn"
    }

    fn is_linear(&self) -> bool {
        false
    }

    fn fit(&self, parts: &Parts) -> Result<Fitted> {
        let labels = &parts.training.labels;
        let counts: Vec<usize> = NEIGHBOURS
            .into_iter()
            .filter(|count| *count == 1 || *count <= labels.len())
            .collect();
        let known = of_length_one(&parts.training.features).into_tensor()?;
        let known = (known.t()?, labels.as_slice());
        let answers = answers(&known, &parts.validation.features, &counts, parts.classes)?;
        let share = |answers: &Vec<u32>| accuracy(answers, &parts.validation.labels);
        let mut best = 0;
        for (place, found) in answers.iter().enumerate() {
            if share(found) > share(&answers[best]) {
                best = place;
            }
        }
        let chosen = &counts[best..=best];
        let mut test = self::answers(&known, &parts.test.features, chosen, parts.classes)?;
        Ok(Fitted {
            validation: answers[best].clone(),
            test: test.pop().unwrap_or_default(),
        })
    }
}

fn of_length_one(features: &Matrix<f32>) -> Matrix<f32> {
    let mut scaled = features.clone();
    for row in scaled.values.chunks_mut(features.columns.max(1)) {
        let length = row
            .iter()
            .map(|x| f64::from(*x).powi(2))
            .sum::<f64>()
            .sqrt();
        if length > 0.0 {
            row.iter_mut()
                .for_each(|x| *x = (f64::from(*x) / length) as f32);
        }
    }
    scaled
}

/// For each of the `counts` the classes of images by so many neighbours of those that are known, features `[columns, images]`
/// with their classes.
fn answers(
    (known, labels): &(Tensor, &[u32]),
    features: &Matrix<f32>,
    counts: &[usize],
    classes: usize,
) -> Result<Vec<Vec<u32>>> {
    let most = counts.iter().max().copied().unwrap_or(1);
    let mut found = vec![Vec::with_capacity(features.rows); counts.len()];
    for start in (0..features.rows).step_by(AT_ONCE) {
        let rows = AT_ONCE.min(features.rows - start);
        let values = &features.values[start * features.columns..(start + rows) * features.columns];
        let images = Matrix::new(rows, features.columns, values.to_vec());
        // Their lengths change no order.
        let cosines = images.into_tensor()?.matmul(known)?;
        let nearest: Vec<Vec<u32>> = read([&cosines], |[cosines]| {
            let rows = cosines.par_chunks(labels.len().max(1));
            rows.map(|row| nearest(row, most, labels)).collect()
        })?;
        for (count, found) in counts.iter().zip(&mut found) {
            found.extend(
                nearest
                    .iter()
                    .map(|labels| majority(labels, *count, classes)),
            );
        }
    }
    Ok(found)
}

/// The classes of the `most` nearest, the nearest first; of equally near ones the earlier in the dataset.
fn nearest(cosines: &[f32], most: usize, labels: &[u32]) -> Vec<u32> {
    let mut found: Vec<u64> = Vec::with_capacity(2 * most);
    // What is not before it is none of the nearest.
    let mut bound = u64::MAX;
    for (at, cosine) in cosines.iter().enumerate() {
        let place = place(*cosine, at as u32);
        if place < bound {
            found.push(place);
            if found.len() == 2 * most {
                bound = *found.select_nth_unstable(most - 1).1;
                found.truncate(most);
            }
        }
    }
    found.sort_unstable();
    let nearest = found.iter().take(most).map(|place| *place as u32);
    nearest.map(|at| labels[at as usize]).collect()
}

/// A number that is smaller the larger the cosine and then the smaller `at`, which its lower half is.
fn place(cosine: f32, at: u32) -> u64 {
    let bits = cosine.to_bits();
    // As `f32::total_cmp` orders them: of negative ones more bits are less.
    let rising = match cosine.is_sign_negative() {
        true => !bits,
        false => bits | 1 << 31,
    };
    u64::from(!rising) << 32 | u64::from(at)
}

fn majority(labels: &[u32], count: usize, classes: usize) -> u32 {
    let mut votes = vec![0usize; classes];
    for label in labels.iter().take(count) {
        votes[*label as usize] += 1;
    }
    let mut best = 0;
    for (class, count) in votes.iter().enumerate() {
        if *count > votes[best] {
            best = class;
        }
    }
    best as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_come_first_and_of_equal_ones_the_earlier() {
        let cosines = [0.5f32, -1.0, 0.0, 1.0, -0.25, 0.5, -0.0, f32::MIN_POSITIVE];
        let labels: Vec<u32> = (0..cosines.len() as u32).collect();
        let mut wanted = labels.clone();
        wanted.sort_by(|a, b| cosines[*b as usize].total_cmp(&cosines[*a as usize]));
        assert_eq!(wanted, [3, 0, 5, 7, 2, 6, 4, 1]);
        for most in 0..10 {
            let found = nearest(&cosines, most, &labels);
            assert_eq!(found, wanted[..most.min(wanted.len())]);
        }
    }
}
