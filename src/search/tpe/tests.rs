use super::*;
use crate::choice::Value;
use crate::search::range::{self, Scale};
use crate::search::space::{Place, Values, listed};

fn options(samples: usize, lag: usize) -> Options {
    let options = Options::default().with(&SAMPLES, Value::Count(samples));
    options.with(&LAG, Value::Count(lag))
}

/// A learning rate and a place with five values.
fn space(seed: u64) -> Space {
    let mut space = listed(&[5, 1]);
    space.axes[1].values = Values::Range(range::Range {
        min: 1e-5,
        max: 1.0,
        scale: Scale::Log,
        is_whole: false,
    });
    space.seed = seed;
    space
}

/// How good a point is: best at the third value and a rate of 0.001.
fn value(point: &Point) -> f64 {
    match point.as_slice() {
        [Place::Listed(at), Place::Drawn(rate)] => {
            let off = (rate.log10() + 3.0) / 5.0;
            -off * off - 0.1 * at.abs_diff(2) as f64
        }
        _ => f64::NEG_INFINITY,
    }
}

fn answer(question: &Question) -> Option<f64> {
    Some(value(&question.points[0]))
}

fn best(asked: &Asked) -> f64 {
    let values = asked.questions.iter().filter_map(answer);
    values.fold(f64::NEG_INFINITY, f64::max)
}

#[test]
fn it_comes_nearer_to_the_best_than_drawing() {
    let mut better = 0;
    for seed in 0..20 {
        let space = space(seed);
        let asked = ask(&options(50, 1), &space, &answer).unwrap();
        assert_eq!(asked.questions.len(), 50);
        let drawn = draw(&SAMPLES, 50, &space).unwrap();
        let random = drawn.iter().map(value).fold(f64::NEG_INFINITY, f64::max);
        better += usize::from(best(&asked) >= random);
    }
    assert!(better >= 16, "in {better} of 20");
}

#[test]
fn a_question_sees_no_answer_to_those_less_than_the_lag_before_it() {
    let space = space(1);
    let asked = |answer: &Answers<'_>| ask(&options(16, 4), &space, answer).unwrap();
    let all = asked(&answer).questions;
    // Up to question 14, which sees those up to question 10, numbered from 0.
    let others = |question: &Question| {
        let at = all.iter().position(|other| other == question)?;
        Some(if at > 10 {
            -answer(question)?
        } else {
            answer(question)?
        })
    };
    let found = asked(&others).questions;
    assert_eq!(found[..15], all[..15]);
    let missing = |question: &Question| {
        let at = all.iter().position(|other| other == question)?;
        (at < 10).then(|| answer(question))?
    };
    let found = asked(&missing);
    assert_eq!(
        (found.questions.as_slice(), found.is_over),
        (&all[..14], false)
    );
}

#[test]
fn a_small_space_is_asked_for_every_point_once() {
    let mut space = listed(&[3, 4, 2]);
    space.axes[2].repeats = true;
    let asked = ask(&options(12, 2), &space, &|_| Some(0.0)).unwrap();
    let all: BTreeSet<Point> = asked
        .questions
        .iter()
        .flat_map(|q| q.points.clone())
        .collect();
    assert_eq!((asked.questions.len(), all.len()), (12, 24));
    assert_eq!(
        ask(&options(13, 2), &space, &answer).unwrap_err().key,
        "samples"
    );
}
