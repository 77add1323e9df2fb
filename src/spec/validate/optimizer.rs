//! `[optimizer]` and its schedule.

use super::Check;
use super::training::monitor;
use crate::spec::types::{Optimizer, OptimizerName, Schedule, ScheduleKind, Spec};

pub(super) fn check(spec: &Spec, check: &mut Check) {
    let optimizer = &spec.optimizer;
    options(optimizer, check);
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

    let rate = spec.optimizer.learning_rate();
    if schedule.minimum > rate && rate > 0.0 {
        let message = format!(
            "the learning rate {rate} begins below its minimum {}",
            schedule.minimum
        );
        check.problem("optimizer.schedule.minimum", message);
    }
    if schedule.kind == ScheduleKind::Step && schedule.step_epochs.is_none() {
        check.problem_with_help(
            table,
            "the step schedule needs `step_epochs`",
            "add e.g. `step_epochs = 10`: the epochs between two drops",
        );
    }
    if schedule.kind == ScheduleKind::Plateau {
        monitor(
            spec,
            "optimizer.schedule.monitor",
            schedule.monitor(),
            check,
        );
    }
}
