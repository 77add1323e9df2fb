//! What Ray says of a job.

use serde_json::Value;

use crate::engine::interface::Stage;

/// Stopped with a checkpoint, to be started again.
const STOPPED: i64 = 75;
/// Ray gives up jobs that wait for longer than its head is told to let them.
const WAITED_TOO_LONG: &str = "JOB_SUPERVISOR_ACTOR_START_TIMEOUT";

/// A job as Ray describes it (`JobDetails` of its interface).
#[derive(Clone, Debug, Default)]
pub(super) struct Job {
    pub id: String,
    /// `PENDING`, `RUNNING`, `STOPPED`, `SUCCEEDED` or `FAILED`.
    status: String,
    /// Why it failed, in one word of Ray's.
    error: String,
    exit: Option<i64>,
}

impl Job {
    pub fn of(value: &Value) -> Self {
        let text = |key| value.get(key).and_then(Value::as_str).unwrap_or_default();
        Job {
            id: text("submission_id").to_owned(),
            status: text("status").to_owned(),
            error: text("error_type").to_owned(),
            exit: value.get("driver_exit_code").and_then(Value::as_i64),
        }
    }

    /// How far it is; none where it has ended.
    pub fn stage(&self) -> Option<Stage> {
        match &*self.status {
            "PENDING" => Some(Stage::Queued(None)),
            "RUNNING" => Some(Stage::Running),
            _ => None,
        }
    }

    /// How it ended.
    pub fn how(&self) -> String {
        match (self.exit, &*self.error) {
            (Some(exit), _) if exit != 0 => format!("{}, exit status {exit}", self.status),
            (_, WAITED_TOO_LONG) => format!(
                "{}: it waited for longer than RAY_JOB_START_TIMEOUT_SECONDS of Ray's head",
                self.status
            ),
            (_, "") => self.status.clone(),
            (_, error) => format!("{}: {error}", self.status),
        }
    }

    /// Whether it was started and failed.
    pub fn is_failure(&self) -> bool {
        let is_failed = self.status == "FAILED";
        is_failed && self.exit != Some(STOPPED) && self.error != WAITED_TOO_LONG
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_stopped_or_never_started_has_not_failed() {
        let job = |status: &str, error: &str, exit: Option<i64>| {
            Job::of(
                &json!({ "submission_id": "a", "status": status, "error_type": error, "driver_exit_code": exit }),
            )
        };
        let command = "JOB_ENTRYPOINT_COMMAND_ERROR";
        for (job, how, is_failure) in [
            (job("STOPPED", "", None), "STOPPED", false),
            (
                job("FAILED", command, Some(75)),
                "FAILED, exit status 75",
                false,
            ),
            (
                job("FAILED", command, Some(-9)),
                "FAILED, exit status -9",
                true,
            ),
            (
                job("FAILED", "JOB_SUPERVISOR_ACTOR_DIED", None),
                "FAILED: JOB_SUPERVISOR_ACTOR_DIED",
                true,
            ),
            (
                job("FAILED", WAITED_TOO_LONG, None),
                "FAILED: it waited for longer than RAY_JOB_START_TIMEOUT_SECONDS of Ray's head",
                false,
            ),
        ] {
            assert_eq!((&*job.how(), job.is_failure()), (how, is_failure));
            assert_eq!(job.stage(), None);
        }
        assert_eq!(job("PENDING", "", None).stage(), Some(Stage::Queued(None)));
        assert_eq!(Job::of(&json!("nonsense")).stage(), None);
    }
}
