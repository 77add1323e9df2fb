//! Different points, drawn by the seed.

use std::collections::BTreeSet;

use super::strategy::{MOST_RUNS, Point, Points, Strategy, count, point};
use crate::choice::{Choice, Mistake, Opt, Options, Range, Takes, Unset};
use crate::rng::{Purpose, Stream};

pub static RANDOM: Strategy = Strategy {
    choice: Choice {
        name: "random",
        options: &[SAMPLES],
    },
    points,
};

const SAMPLES: Opt = Opt {
    name: "samples",
    about: "how many points to draw",
    takes: Takes::Count {
        unset: Unset::Needed(10),
        range: Range::Whole(1, MOST_RUNS),
    },
};

fn points(options: &Options, lengths: &[usize], seed: u64) -> Points {
    let samples = options.count(&SAMPLES);
    if lengths.is_empty() {
        let message = "a random sweep needs [sweep.axes] to draw from";
        return Err(Mistake::new("strategy", message));
    }
    match count(lengths) {
        Some(all) if samples > all => {
            let message = format!("there are only {all} different points to draw, not {samples}");
            let help = "lower `samples`, or use `strategy = \"grid\"` for all of them";
            Err(Mistake::new(SAMPLES.name, message).help(help))
        }
        _ => Ok(draw(samples, lengths, seed)),
    }
}

/// `samples` different points; there are at least as many.
fn draw(samples: usize, lengths: &[usize], seed: u64) -> Vec<Point> {
    let mut stream = Stream::new(seed, Purpose::Sweep, 0, 0);
    if let Some(all) = count(lengths).filter(|all| *all <= 2 * MOST_RUNS) {
        let mut order: Vec<usize> = (0..all).collect();
        stream.shuffle(&mut order);
        let drawn = order.iter().take(samples);
        return drawn.map(|n| point(*n, lengths)).collect();
    }
    let mut seen = BTreeSet::new();
    let mut points = Vec::with_capacity(samples);
    while points.len() < samples {
        let length = |n: &usize| stream.below(u32::try_from(*n).unwrap_or(u32::MAX)) as usize;
        let point: Point = lengths.iter().map(length).collect();
        if seen.insert(point.clone()) {
            points.push(point);
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::Value;

    fn drawn(samples: usize, lengths: &[usize], seed: u64) -> Points {
        let options = Options::default().with(&SAMPLES, Value::Count(samples));
        points(&options, lengths, seed)
    }

    #[test]
    fn points_differ_and_depend_on_the_seed_alone() {
        for lengths in [vec![3, 4], vec![1000, 1000, 1000]] {
            let points = drawn(12, &lengths, 5).unwrap();
            let distinct: BTreeSet<_> = points.iter().collect();
            assert_eq!(distinct.len(), 12);
            assert_eq!(points, drawn(12, &lengths, 5).unwrap());
            assert_ne!(points, drawn(12, &lengths, 6).unwrap());
            let in_range = |p: &Point| p.iter().zip(&lengths).all(|(i, n)| i < n);
            assert!(points.iter().all(in_range));
        }
    }

    #[test]
    fn more_points_than_there_are_and_none_to_draw_from_are_refused() {
        assert_eq!(drawn(7, &[2, 3], 0).unwrap_err().key, "samples");
        assert_eq!(drawn(1, &[], 0).unwrap_err().key, "strategy");
    }
}
