//! `[[stage]]`.

use super::check::Check;
use crate::spec::problem::Problem;
use crate::spec::stages::place;
use crate::spec::types::Spec;

/// More epochs than this are no training.
const MOST_EPOCHS: usize = 1_000_000;

/// Stages, each as a spec of its own by `validate`.
pub(super) fn check(spec: &Spec, check: &mut Check, validate: fn(&Spec) -> Vec<Problem>) {
    for (i, stage) in spec.stage.iter().enumerate() {
        let name = &stage.name;
        let is_taken = spec.stage[..i].iter().any(|other| other.name == *name);
        if name.is_empty() || name.chars().any(char::is_control) {
            let message = "the name of a stage is a word or some, such as \"head\"";
            check.problem(&place(i, "name"), message);
        } else if is_taken {
            check.problem(
                &place(i, "name"),
                format!("two stages are named \"{name}\""),
            );
        }
        if !(1..=MOST_EPOCHS).contains(&stage.epochs) {
            let message = format!("a stage has 1 to 1,000,000 epochs, not {}", stage.epochs);
            check.problem(&place(i, "epochs"), message);
        }
    }
    match spec.stages() {
        Err(problem) => check.problems.push(problem),
        Ok(_) if spec.stage.is_empty() => {}
        Ok(stages) => {
            for (i, stage) in stages.iter().enumerate() {
                // Its epochs were looked at above.
                let is_new = |problem: &Problem| {
                    problem.key != "training.epochs" && !check.problems.contains(problem)
                };
                let problems = validate(&stage.spec);
                let found: Vec<Problem> = problems
                    .into_iter()
                    .filter(is_new)
                    .map(|problem| spec.in_stage(i, problem))
                    .collect();
                check.problems.extend(found);
            }
        }
    }
}
