//! Different points, drawn by the seed.

use super::draw::draw;
use super::space::{MOST_RUNS, Space};
use super::strategy::{Answers, Asked, Strategy};
use crate::choice::{Choice, Mistake, Opt, Options, Range, Takes, Unset};

pub static RANDOM: Strategy = Strategy {
    choice: Choice {
        name: "random",
        options: &[SAMPLES],
    },
    ask,
    metric: None,
};

const SAMPLES: Opt = Opt {
    name: "samples",
    about: "how many points to draw",
    takes: Takes::Count {
        unset: Unset::Needed(10),
        range: Range::Whole(1, MOST_RUNS),
    },
};

fn ask(options: &Options, space: &Space, _: &Answers<'_>) -> Result<Asked, Mistake> {
    let points = draw(&SAMPLES, options.count(&SAMPLES), space)?;
    Ok(Asked::each(points))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::range::{self, Scale};
    use super::super::space::{Place, Point, Values, listed};
    use super::super::strategy::no_answers;
    use super::*;
    use crate::choice::Value;

    fn drawn(samples: usize, space: &Space) -> Result<Vec<Point>, Mistake> {
        let options = Options::default().with(&SAMPLES, Value::Count(samples));
        let asked = ask(&options, space, &no_answers)?;
        let questions = asked.questions.into_iter();
        Ok(questions.flat_map(|question| question.points).collect())
    }

    #[test]
    fn points_differ_and_depend_on_the_seed_alone() {
        for lengths in [vec![3, 4], vec![1000, 1000, 1000]] {
            let space = |seed| Space {
                seed,
                ..listed(&lengths)
            };
            let points = drawn(12, &space(5)).unwrap();
            let distinct: BTreeSet<_> = points.iter().collect();
            assert_eq!(distinct.len(), 12);
            assert_eq!(points, drawn(12, &space(5)).unwrap());
            assert_ne!(points, drawn(12, &space(6)).unwrap());
            let is_in = |(place, length): (&Place, &usize)| match place {
                Place::Listed(index) => index < length,
                Place::Drawn(_) => false,
            };
            let in_range = |point: &Point| point.iter().zip(&lengths).all(is_in);
            assert!(points.iter().all(in_range));
        }
    }

    #[test]
    fn ranges_are_drawn_from_between_their_bounds() {
        let mut space = listed(&[2, 1]);
        space.axes[1].values = Values::Range(range::Range {
            min: 1e-4,
            max: 1e-1,
            scale: Scale::Log,
            is_whole: false,
        });
        let points = drawn(400, &space).unwrap();
        let below = |bound: f64| {
            let is_below = |point: &&Point| matches!(point[1], Place::Drawn(rate) if rate < bound);
            points.iter().filter(is_below).count()
        };
        assert_eq!((below(1e-4), below(0.1 + 1e-9)), (0, 400));
        for (bound, expected) in [(1e-3, 133), (1e-2, 267)] {
            assert!(
                below(bound).abs_diff(expected) < 40,
                "{bound}: {}",
                below(bound)
            );
        }
    }

    #[test]
    fn more_points_than_there_are_and_none_to_draw_from_are_refused() {
        assert_eq!(drawn(7, &listed(&[2, 3])).unwrap_err().key, "samples");
        assert_eq!(drawn(1, &listed(&[])).unwrap_err().key, "strategy");
    }
}
