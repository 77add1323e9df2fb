//! What a strategy is: it asks what a point gives, and is told; what it asks next may follow from the answers.
//!
//! A strategy keeps nothing. It is asked from the beginning each time, with the answers that there are, so that a search
//! that was killed continues with the same question, whoever continues it.

use super::space::{Point, Space};
use crate::choice::{Choice, Mistake, Opt, Options};

/// A strategy that a spec can choose.
#[derive(Debug)]
pub struct Strategy {
    pub choice: Choice,
    /// What is asked with these options, as far as the answers so far decide it.
    pub ask: fn(&Options, &Space, &Answers<'_>) -> Result<Asked, Mistake>,
    /// The option that names the metric of the answers; none where they are not looked at.
    pub metric: Option<&'static Opt>,
}

/// What is known of a question: the larger the better, negative infinity where its runs failed; none before its runs have
/// come so far.
pub type Answers<'a> = dyn Fn(&Question) -> Option<f64> + 'a;

/// What some points give.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Those of one configuration: they repeat one another.
    pub points: Vec<Point>,
    /// Which part of their epochs the runs do until they are looked at: one of so many.
    pub divisor: usize,
    /// From 1. Questions of a round do not depend on each other's answers.
    pub round: usize,
}

impl Question {
    /// What a point gives in the end.
    pub fn whole(points: Vec<Point>, round: usize) -> Self {
        Question {
            points,
            divisor: 1,
            round,
        }
    }
}

/// Everything that was asked so far, and what can be asked now.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    pub questions: Vec<Question>,
    /// Whether nothing will be asked beyond.
    pub is_over: bool,
}

impl Asked {
    /// Every point on its own, whatever the others give.
    pub(super) fn each(points: Vec<Point>) -> Self {
        let questions = points.into_iter();
        Asked {
            questions: questions
                .map(|point| Question::whole(vec![point], 1))
                .collect(),
            is_over: true,
        }
    }
}

/// The answers where there are none yet.
#[cfg(test)]
pub(super) fn no_answers(_: &Question) -> Option<f64> {
    None
}
