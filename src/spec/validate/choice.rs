//! Options of what was chosen, and of what was not.

use super::check::Check;
use crate::choice::{Choice, Options, Value, owners};
use crate::spec::problem::Problem;

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
        let is_taken = |name: &str| {
            chosen
                .choice
                .options
                .iter()
                .any(|option| option.name == name)
        };
        for (option, value) in options.set() {
            let key = format!("{table}.{option}");
            if !is_taken(option) {
                let owners = in_words(&owners(all.clone(), option));
                let name = &chosen.name;
                self.problem_with_help(
                    &key,
                    format!("`{option}` is no option of {name}; it belongs to {owners}"),
                    format!("remove `{option}`, or choose what it belongs to"),
                );
            }
            if let Value::List(list) = value
                && !matches!(list.len(), 1 | 3)
            {
                let count = list.len();
                let message =
                    format!("`{key}` must have 1 value, or 3 (red, green, blue), not {count}");
                self.problem(&key, message);
            }
        }
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

/// `a, b and c`.
fn in_words(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
