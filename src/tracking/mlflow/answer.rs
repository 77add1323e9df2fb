//! What the server answers.

use serde_json::Value;

use crate::rest::Failure;

/// Artifacts that are stored through the server itself.
const PROXIED: &str = "mlflow-artifacts:/";

/// A run as the server has it.
pub(super) struct Logged {
    pub id: String,
    artifacts: String,
    /// Epochs that it has.
    pub epochs: usize,
    /// Whether it was finished by this process.
    pub finished: bool,
    /// Whether a request failed whose end is not known.
    pub unsure: bool,
}

impl Logged {
    /// What an answer says of a run.
    pub fn read(run: &Value) -> Self {
        let metrics = run.pointer("/data/metrics").and_then(Value::as_array);
        let is_loss = |metric: &&Value| metric.get("key").and_then(Value::as_str) == Some("loss");
        let loss = metrics.into_iter().flatten().find(is_loss);
        let step = loss.and_then(|loss| whole(loss.get("step")?));
        Logged {
            id: text(run, "/info/run_id"),
            artifacts: text(run, "/info/artifact_uri"),
            epochs: step.unwrap_or(0),
            finished: false,
            unsure: false,
        }
    }

    /// Where the server stores its files.
    pub fn path(&self) -> Result<&str, Failure> {
        let path = self.artifacts.strip_prefix(PROXIED);
        path.map(|path| path.trim_matches('/')).ok_or_else(|| {
            Failure::refused(
                "the server does not take files, so models and charts are not stored there; \
                     `mlflow server --serve-artifacts` does",
            )
        })
    }
}

/// A whole number, which Protocol Buffers' JSON may have as text.
fn whole(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => text.parse().ok(),
        value => usize::try_from(value.as_u64()?).ok(),
    }
}

/// The text at `pointer`, empty where there is none.
pub(super) fn text(value: &Value, pointer: &str) -> String {
    let text = value.pointer(pointer).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_server_says_of_a_run_is_read() {
        let run = json!({
            "info": { "run_id": "a", "artifact_uri": "mlflow-artifacts:/0/a/artifacts" },
            "data": { "metrics": [
                { "key": "accuracy", "step": 7, "value": 0.5 },
                { "key": "loss", "step": "3", "value": 0.5 },
            ] },
        });
        let read = Logged::read(&run);
        assert_eq!((read.id.as_str(), read.epochs), ("a", 3));
        assert_eq!(Logged::read(&Value::Null).epochs, 0);
    }
}
