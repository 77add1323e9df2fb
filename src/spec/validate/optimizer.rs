//! `[optimizer]` and its schedule.

use super::Check;
use super::training::monitor;
use crate::choice::{Choice, Options, owners};
use crate::spec::types::{Optimizer, Schedule, Spec};

pub(super) fn check(spec: &Spec, check: &mut Check) {
    let optimizer = &spec.optimizer;
    let method = &optimizer.name.choice;
    let options = &optimizer.options;
    check.choice(
        ("optimizer", method.name),
        method,
        options,
        Optimizer::choices(),
    );
    if let Some(mistake) = (optimizer.name.mistake)(options) {
        let key = format!("optimizer.{}", mistake.option);
        check.problem_with_help(&key, mistake.message, mistake.help);
    }
    schedule(spec, check);
}

fn schedule(spec: &Spec, check: &mut Check) {
    let table = "optimizer.schedule";
    let schedule = &spec.optimizer.schedule;
    let kind = &schedule.kind.choice;
    let chosen = format!("the {} schedule", kind.name);
    check.choice(
        (table, &chosen),
        kind,
        &schedule.options,
        Schedule::choices(),
    );
    let rate = spec.optimizer.learning_rate();
    if schedule.minimum > rate && rate > 0.0 {
        let message = format!(
            "the learning rate {rate} begins below its minimum {}",
            schedule.minimum
        );
        check.problem("optimizer.schedule.minimum", message);
    }
    if let Some(watched) = schedule.monitor() {
        monitor(spec, "optimizer.schedule.monitor", &watched, check);
    }
}

impl Check {
    /// Refuses options of another choice than the one of a table, and that one without what it needs.
    ///
    /// `chosen` is the choice in words, and `all` are those it was chosen from.
    fn choice(
        &mut self,
        (table, chosen): (&str, &str),
        choice: &Choice,
        options: &Options,
        all: impl Iterator<Item = &'static Choice> + Clone,
    ) {
        let taken: Vec<&str> = choice.options.iter().map(|option| option.name).collect();
        let set: Vec<(&str, bool)> = options.set().map(|(name, _)| (name, true)).collect();
        let owners = |option: &str| owners(all.clone(), option).join(" and ");
        self.options(table, chosen, &set, &taken, &owners);
        for option in choice.options {
            let example = option.takes.example().filter(|_| !options.has(option));
            if let Some(example) = example {
                let (name, about) = (option.name, option.about);
                self.problem_with_help(
                    table,
                    format!("{chosen} needs `{name}`"),
                    format!("add e.g. `{name} = {example}`: {about}"),
                );
            }
        }
    }
}
