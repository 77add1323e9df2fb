//! On which images settings are chosen, and on which the chosen one is measured.

use super::error::Error;
use super::measure::{Images, Measure};
use super::recorded::{Recorded, Results};

/// The images that decide between settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Select {
    /// Those that no number of the answer is measured on.
    #[default]
    Validation,
    /// Those that the answer is measured on too, which flatters the chosen one.
    Test,
}

impl Select {
    fn images(self) -> Images {
        match self {
            Select::Validation => Images::Validation,
            Select::Test => Images::Test,
        }
    }
}

/// Why the number that is told of the best setting is too good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Optimistic {
    /// It was asked for that the test images decide.
    Asked,
    /// There are no validation images that could decide.
    NoValidation,
    /// There are no other images that it could be measured on.
    NoTest,
}

/// What decides between settings, and what is told of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    pub deciding: Measure,
    /// The same number on images that did not decide, where there is one; else the one that decides.
    pub reported: Measure,
    pub optimistic: Option<Optimistic>,
}

impl Choice {
    /// What a question's words mean for these results.
    ///
    /// # Errors
    /// A name that is none, or a measure that no run has; a measure on other images than those that are to decide.
    pub fn new(
        name: Option<&str>,
        select: Option<Select>,
        results: &Results,
    ) -> Result<Self, Error> {
        let deciding = Measure::named(name, select.unwrap_or_default().images(), results)?;
        if select == Some(Select::Validation) && deciding.on == Images::Test && name.is_none() {
            let why = "no run has validation images that could choose; without --select the test images do";
            return Err(Error::Nothing(why.into()));
        }
        let contradicts = select == Some(Select::Test) && deciding.on == Images::Validation
            || select == Some(Select::Validation) && name.is_some() && deciding.on == Images::Test;
        if contradicts {
            return Err(Error::Contradiction(deciding.name.to_owned()));
        }
        let on_test = deciding.elsewhere(Images::Test, results);
        let (reported, optimistic) = match (deciding.on, on_test) {
            (Images::Validation, Some(test)) => (test, None),
            (Images::Validation, None) => (deciding, Some(Optimistic::NoTest)),
            // The name of a metric alone, or none, means it on the validation images where there are such.
            (Images::Test, _) if select.is_none() && name != Some(deciding.name) => {
                (deciding, Some(Optimistic::NoValidation))
            }
            (Images::Test, _) => (deciding, Some(Optimistic::Asked)),
            (Images::None, _) => (deciding, None),
        };
        Ok(Choice {
            deciding,
            reported,
            optimistic,
        })
    }

    /// Equal for runs that can be ranked together: those that chose and were measured on the same images.
    pub fn images_of<'r>(&self, run: &'r Recorded) -> [&'r str; 2] {
        [self.deciding.images_of(run), self.reported.images_of(run)]
    }
}
