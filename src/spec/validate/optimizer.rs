//! `[optimizer]` and its schedule.

use super::check::Check;
use super::choice::Chosen;
use super::training::monitor;
use crate::spec::problem::Problem;
use crate::spec::types::{Optimizer, Schedule, Spec, Table};
use crate::spec::values::Weights;

pub(super) fn check(spec: &Spec, check: &mut Check) {
    let optimizer = &spec.optimizer;
    let method = &optimizer.name.row().choice;
    let options = &optimizer.options;
    let chosen = Chosen::named(method, Optimizer::TAG, method.name);
    check.choice("optimizer", &chosen, options, Optimizer::choices());
    if let Some(mistake) = (optimizer.name.mistake)(options) {
        check.problems.push(Problem::in_table("optimizer", mistake));
    }
    if optimizer.l2_sp.is_some() && spec.backbone.weights == Weights::Random {
        let message = "`optimizer.l2_sp` draws weights to the pretrained ones, and `backbone.weights = \"random\"` are none";
        check.problem_with_help(
            "optimizer.l2_sp",
            message,
            "remove it, or name pretrained weights",
        );
    }
    schedule(spec, check);
}

fn schedule(spec: &Spec, check: &mut Check) {
    let table = "optimizer.schedule";
    let schedule = &spec.optimizer.schedule;
    let kind = &schedule.kind.row().choice;
    let chosen = Chosen::named(kind, Schedule::TAG, format!("the {} schedule", kind.name));
    check.choice(table, &chosen, &schedule.options, Schedule::choices());
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
