//! Options of what was chosen, and of what was not.

use super::Check;
use crate::choice::{Choice, Options, owners};
use crate::spec::experiment::Problem;

/// What a table names, in words of messages.
pub(super) struct Chosen {
    pub choice: &'static Choice,
    /// The key of the table that names it.
    pub tag: &'static str,
    /// Behind "is no option of".
    pub name: String,
    /// Before "needs".
    pub subject: String,
}

impl Chosen {
    /// The same words everywhere.
    pub fn named(choice: &'static Choice, tag: &'static str, name: impl Into<String>) -> Self {
        let name = name.into();
        Chosen {
            choice,
            tag,
            subject: name.clone(),
            name,
        }
    }
}

impl Check {
    /// Refuses options of another choice than the one of a table, and that one without what it needs; `all` are those it
    /// was chosen from.
    pub(super) fn choice(
        &mut self,
        table: &str,
        chosen: &Chosen,
        options: &Options,
        all: impl Iterator<Item = &'static Choice> + Clone,
    ) {
        let taken: Vec<&str> = chosen
            .choice
            .options
            .iter()
            .map(|option| option.name)
            .collect();
        let set: Vec<(&str, bool)> = options.set().map(|(name, _)| (name, true)).collect();
        let owners = |option: &str| owners(all.clone(), option).join(" and ");
        self.options(table, &chosen.name, &set, &taken, &owners);
        for option in chosen.choice.missing(options) {
            let (name, about) = (option.name, option.about);
            let example = option.takes.example().map(|value| value.to_string());
            let problem = Problem::new(table, format!("{} needs `{name}`", chosen.subject))
                .chosen_by(format!("{table}.{}", chosen.tag))
                .help(format!(
                    "add e.g. `{name} = {}`: {about}",
                    example.unwrap_or_default()
                ));
            self.problems.push(problem);
        }
    }
}
