//! `[optimizer]` and its schedule.

use super::Check;
use super::training::monitor;
use crate::spec::types::{Optimizer, OptimizerName, Schedule, ScheduleKind, Spec};

pub(super) fn check(spec: &Spec, check: &mut Check) {
    let optimizer = &spec.optimizer;
    options(optimizer, check);
    check.positive("optimizer.learning_rate", optimizer.learning_rate());
    check.not_negative("optimizer.weight_decay", optimizer.weight_decay());
    check.part("optimizer.momentum", optimizer.momentum());
    check.part("optimizer.beta_1", optimizer.beta_1());
    check.part("optimizer.beta_2", optimizer.beta_2());
    check.part("optimizer.rho", optimizer.rho());
    check.positive("optimizer.epsilon", optimizer.epsilon());
    let takes_nesterov = optimizer.name == OptimizerName::Sgd;
    if takes_nesterov && optimizer.nesterov() && optimizer.momentum() == 0.0 {
        check.problem_with_help(
            "optimizer.nesterov",
            "`nesterov` needs a momentum greater than 0",
            "add e.g. `momentum = 0.9` to [optimizer]",
        );
    }
    schedule(spec, check);
}

fn options(optimizer: &Optimizer, check: &mut Check) {
    let set = [
        ("momentum", optimizer.momentum.is_some()),
        ("nesterov", optimizer.nesterov.is_some()),
        ("beta_1", optimizer.beta_1.is_some()),
        ("beta_2", optimizer.beta_2.is_some()),
        ("rho", optimizer.rho.is_some()),
        ("epsilon", optimizer.epsilon.is_some()),
    ];
    let owners = |option: &str| {
        let takes = |name: &&OptimizerName| Optimizer::options(**name).contains(&option);
        let owners = OptimizerName::ALL.iter().filter(takes);
        owners
            .map(|name| name.as_str())
            .collect::<Vec<_>>()
            .join(" and ")
    };
    let name = optimizer.name;
    check.options(
        "optimizer",
        name.as_str(),
        &set,
        Optimizer::options(name),
        &owners,
    );
}

fn schedule(spec: &Spec, check: &mut Check) {
    let table = "optimizer.schedule";
    let schedule = &spec.optimizer.schedule;
    let set = [
        ("step_epochs", schedule.step_epochs.is_some()),
        ("factor", schedule.factor.is_some()),
        ("monitor", schedule.monitor.is_some()),
        ("patience", schedule.patience.is_some()),
        ("min_delta", schedule.min_delta.is_some()),
    ];
    let owners = |option: &str| {
        let takes = |kind: &&ScheduleKind| Schedule::options(**kind).contains(&option);
        let owners = ScheduleKind::ALL.iter().filter(takes);
        owners
            .map(|kind| kind.as_str())
            .collect::<Vec<_>>()
            .join(" and ")
    };
    let chosen = format!("the {} schedule", schedule.kind);
    check.options(
        table,
        &chosen,
        &set,
        Schedule::options(schedule.kind),
        &owners,
    );

    check.not_negative("optimizer.schedule.warmup_epochs", schedule.warmup_epochs);
    check.not_negative("optimizer.schedule.minimum", schedule.minimum);
    let rate = spec.optimizer.learning_rate();
    if schedule.minimum > rate && rate > 0.0 {
        let message = format!(
            "the learning rate {rate} begins below its minimum {}",
            schedule.minimum
        );
        check.problem("optimizer.schedule.minimum", message);
    }
    let factor = schedule.factor();
    let falls = factor > 0.0 && factor < 1.0;
    check.number(
        "optimizer.schedule.factor",
        factor,
        falls,
        "greater than 0 and less than 1",
    );
    check.not_negative("optimizer.schedule.min_delta", schedule.min_delta());
    match (schedule.kind, schedule.step_epochs) {
        (ScheduleKind::Step, None) => check.problem_with_help(
            table,
            "the step schedule needs `step_epochs`",
            "add e.g. `step_epochs = 10`: the epochs between two drops",
        ),
        (_, Some(epochs)) => check.at_least_one("optimizer.schedule.step_epochs", epochs),
        _ => {}
    }
    if schedule.kind == ScheduleKind::Plateau {
        check.at_least_one("optimizer.schedule.patience", schedule.patience());
        monitor(
            spec,
            "optimizer.schedule.monitor",
            schedule.monitor(),
            check,
        );
    }
}
