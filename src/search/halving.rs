//! Successive halving (Jamieson and Talwalkar, 2016), synchronous: every configuration is trained a little, the best part
//! of them further, and so on; a run continues from its checkpoint, so that no epoch is done twice.

use super::draw::draw;
use super::space::{MOST_RUNS, Point, Space};
use super::strategy::{Answers, Asked, Question, Strategy};
use crate::choice::{Choice, Mistake, Opt, Options, Range, Takes, Unset};
use crate::text::counted;

pub static HALVING: Strategy = Strategy {
    choice: Choice {
        name: "halving",
        options: &[METRIC, REDUCTION, MIN_EPOCHS, SAMPLES],
    },
    ask,
    metric: Some(&METRIC),
};

pub(super) const METRIC: Opt = Opt {
    name: "metric",
    about: "what configurations are compared by, a column of `metrics.parquet`",
    takes: Takes::Monitor {
        default: "val_accuracy",
    },
};

const REDUCTION: Opt = Opt {
    name: "reduction",
    about: "one of so many configurations continues, with so many times the epochs",
    takes: Takes::Count {
        unset: Unset::Default(3),
        range: Range::Whole(2, 100),
    },
};

const MIN_EPOCHS: Opt = Opt {
    name: "min_epochs",
    about: "the fewest epochs after which configurations are compared",
    takes: Takes::Count {
        unset: Unset::Default(1),
        range: Range::Whole(1, crate::choice::MOST),
    },
};

const SAMPLES: Opt = Opt {
    name: "samples",
    about: "how many configurations to draw; all of them where it is not set",
    takes: Takes::Count {
        unset: Unset::Optional,
        range: Range::Whole(1, MOST_RUNS),
    },
};

fn ask(options: &Options, space: &Space, answer: &Answers<'_>) -> Result<Asked, Mistake> {
    let (own, repeated) = space.divided();
    let instead = "say how many to draw with `samples`";
    let configurations = match options.has(&SAMPLES) {
        true => draw(&SAMPLES, options.count(&SAMPLES), &own)?,
        false => own.all(instead)?,
    };
    let repetitions = repeated.all("give fewer seeds or folds")?;
    let all: Vec<Vec<Point>> = configurations
        .iter()
        .map(|configuration| space.joined(configuration, &repetitions))
        .collect();
    let reduction = options.count(&REDUCTION).max(2);
    let most = space.epochs / options.count(&MIN_EPOCHS).max(1);
    if all.len() > 1 && divisors(all.len(), reduction, most).count() == 1 {
        let message = format!(
            "{} cannot be divided by {reduction} so that {} or more are left: there would be one round, in which all are \
             trained to the end",
            counted(space.epochs, "epoch"),
            options.count(&MIN_EPOCHS)
        );
        let help = "raise training.epochs, or lower `min_epochs` or `reduction`";
        return Err(Mistake::new(MIN_EPOCHS.name, message).help(help));
    }
    let mut questions = Vec::new();
    let mut going: Vec<usize> = (0..all.len()).collect();
    for (round, divisor) in divisors(all.len(), reduction, most).enumerate() {
        let question = |at: &usize| Question {
            points: all[*at].clone(),
            divisor,
            round: round + 1,
        };
        let asked: Vec<Question> = going.iter().map(question).collect();
        let answers: Option<Vec<f64>> = asked.iter().map(answer).collect();
        questions.extend(asked);
        if divisor == 1 {
            break;
        }
        let Some(answers) = answers else {
            return Ok(Asked {
                questions,
                is_over: false,
            });
        };
        going = best(&going, &answers, (going.len() / reduction).max(1));
    }
    Ok(Asked {
        questions,
        is_over: true,
    })
}

/// Of how many parts of their epochs configurations do one in each round, down to 1: as many rounds as leave one
/// configuration, and as the epochs allow that are to be divided into `most` parts at most.
fn divisors(configurations: usize, reduction: usize, most: usize) -> impl Iterator<Item = usize> {
    let mut divisors = vec![1usize];
    let mut left = configurations;
    while left > 1 {
        let next = divisors[divisors.len() - 1].saturating_mul(reduction);
        if next > most {
            break;
        }
        divisors.push(next);
        left = left.div_ceil(reduction);
    }
    divisors.into_iter().rev()
}

/// The `count` of largest answer in their order; the earlier of equal ones, and none whose runs failed.
fn best(going: &[usize], answers: &[f64], count: usize) -> Vec<usize> {
    let mut ranked: Vec<(usize, f64)> =
        going.iter().copied().zip(answers.iter().copied()).collect();
    ranked.retain(|(_, answer)| *answer > f64::NEG_INFINITY);
    ranked.sort_by(|(a, x), (b, y)| y.total_cmp(x).then(a.cmp(b)));
    let mut best: Vec<usize> = ranked.into_iter().take(count).map(|(at, _)| at).collect();
    best.sort_unstable();
    best
}

#[cfg(test)]
mod tests {
    use super::super::space::{Place, listed};
    use super::*;

    /// The value on the first axis of a question's first point.
    fn first(question: &Question) -> usize {
        match question.points[0][0] {
            Place::Listed(index) => index,
            Place::Drawn(_) => unreachable!(),
        }
    }

    /// For each round, after how many of 27 epochs which values of the first axis are looked at, where the larger are the
    /// better.
    fn rounds(space: &Space, known: usize) -> (Vec<(usize, Vec<usize>)>, bool) {
        let answer =
            |question: &Question| (question.round <= known).then(|| first(question) as f64);
        let asked = ask(&Options::default(), space, &answer).unwrap();
        let mut rounds: Vec<(usize, Vec<usize>)> = Vec::new();
        for question in &asked.questions {
            if rounds.len() < question.round {
                rounds.push((27usize.div_ceil(question.divisor), Vec::new()));
            }
            rounds[question.round - 1].1.push(first(question));
        }
        (rounds, asked.is_over)
    }

    fn space(lengths: &[usize]) -> Space {
        Space {
            epochs: 27,
            ..listed(lengths)
        }
    }

    #[test]
    fn a_third_goes_on_with_three_times_the_epochs() {
        let all = (0..9).collect::<Vec<_>>();
        let (expected, nine) = ((3, all), space(&[9]));
        assert_eq!(rounds(&nine, 0), (vec![expected.clone()], false));
        let two = vec![expected.clone(), (9, vec![6, 7, 8])];
        assert_eq!(rounds(&nine, 1), (two.clone(), false));
        let three = [two, vec![(27, vec![8])]].concat();
        assert_eq!(rounds(&nine, 2), (three.clone(), true));
        assert_eq!(rounds(&nine, 3), (three, true));
    }

    #[test]
    fn repetitions_go_on_together() {
        let mut seeds = space(&[4, 2]);
        seeds.axes[1].repeats = true;
        let asked = ask(&Options::default(), &seeds, &|q| Some(first(q) as f64)).unwrap();
        assert!(
            asked
                .questions
                .iter()
                .all(|question| question.points.len() == 2)
        );
        let last = asked.questions.last().unwrap();
        assert_eq!((first(last), last.divisor), (3, 1));
    }

    #[test]
    fn what_failed_does_not_go_on_and_of_equal_ones_the_earlier_does() {
        assert_eq!(best(&[0, 1, 2, 3], &[0.5, 0.9, 0.5, 0.1], 2), [0, 1]);
        let failed = f64::NEG_INFINITY;
        assert_eq!(best(&[4, 5, 6], &[failed, 0.1, failed], 2), [5]);
        assert!(best(&[4], &[failed], 1).is_empty());
    }

    #[test]
    fn rounds_are_as_many_as_runs_and_epochs_allow() {
        let found = |runs, most| divisors(runs, 3, most).collect::<Vec<_>>();
        assert_eq!(found(9, 27), [9, 3, 1]);
        assert_eq!(found(100, 10), [9, 3, 1]);
        assert_eq!(found(4, 27), [9, 3, 1]);
        assert_eq!(found(2, 27), [3, 1]);
        assert_eq!(found(1, 27), [1]);
        assert_eq!(found(9, 2), [1]);
    }
}
