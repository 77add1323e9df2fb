//! What an MLflow server is asked for, through its REST interface.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::access;
use super::answer::{Logged, text};
use super::job::{Begun, Ended, Job, Numbers};
use super::kept::Kept;
use crate::foreign;
use crate::model::weights::FROZEN_FILE;
use crate::rest::{Client, Failure};
use crate::store::Status;
use crate::tracking::outbox::Server;
use crate::tracking::trouble::Trouble;

/// Where the interface is.
const API: &str = "api/2.0/mlflow";
/// Where files are stored.
const ARTIFACTS: &str = "api/2.0/mlflow-artifacts/artifacts";
const MODEL: &str = "model.safetensors";
/// MLflow takes no more in a request.
const MOST_PARAMETERS: usize = 100;
const MOST_METRICS: usize = 1000;
/// What every version of MLflow takes for the length of a value and of a key.
const LONGEST_VALUE: usize = 500;
const LONGEST_KEY: usize = 250;
/// MLflow's word for what is not there.
const MISSING: &str = "RESOURCE_DOES_NOT_EXIST";

/// A server, and what it knows of the runs.
pub(super) struct MlflowServer {
    client: Client,
    experiment: String,
    experiment_id: Option<String>,
    /// By the ids that they have here; those that the server refused are missing.
    runs: HashMap<String, Logged>,
    trouble: Trouble,
}

impl Server for MlflowServer {
    type Message = Job;
    const NAME: &'static str = "MLflow";

    fn address(&self) -> &str {
        self.client.address()
    }

    fn tell(&mut self, job: &Job) -> Result<(), Failure> {
        match job {
            Job::Begun(begun) => self.begin(begun),
            Job::Epoch(numbers) => self.log_epoch(numbers),
            Job::Ended(ended) => self.end(ended),
            Job::Charts(folder) => self.store_charts(folder),
        }
    }
}

impl MlflowServer {
    /// The server at an address, for the runs of an experiment; it has `patience` times the usual time to answer.
    pub fn new(experiment: &str, address: &str, patience: f64, trouble: Trouble) -> Self {
        let client = Client::new(Self::NAME, address, access::from_env(), patience);
        let server = MlflowServer {
            client,
            experiment: experiment.to_owned(),
            experiment_id: None,
            runs: HashMap::new(),
            trouble,
        };
        if let Some(warning) = server.client.warning() {
            server.note(&warning);
        }
        server
    }

    fn note(&self, text: &str) {
        let (name, address) = (Self::NAME, self.client.address());
        self.trouble.note(|| format!("{name} at {address}: {text}"));
    }

    /// Asks for something, e.g. `runs/get`, with one value for the query.
    fn ask(&self, what: &str, key: &str, value: &str) -> Result<Value, Failure> {
        self.client
            .get(&format!("{API}/{what}"), Some((key, value)))
    }

    /// Has something done, e.g. `runs/create`.
    fn have(&self, what: &str, body: &Value) -> Result<Value, Failure> {
        self.client.post(&format!("{API}/{what}"), body)
    }

    /// Stores a file under a path of the server's artifacts.
    fn store(&self, path: &str, file: &Path) -> Result<(), Failure> {
        self.client.put(&format!("{ARTIFACTS}/{path}"), file)
    }

    fn begin(&mut self, begun: &Begun) -> Result<(), Failure> {
        let run = match self.earlier(begun)? {
            Some(run) => run,
            None => self.create(begun)?,
        };
        let logged = Logged::read(&run);
        let known = run.pointer("/data/params").and_then(Value::as_array);
        let is_known = |key: &str| {
            let mut known = known.into_iter().flatten();
            known.any(|known| known.get("key").and_then(Value::as_str) == Some(key))
        };
        let parameters = begun.parameters.iter();
        let parameters = parameters.map(|(key, value)| (cut(key, LONGEST_KEY), value));
        let parameters: Vec<Value> = parameters
            .filter(|(key, _)| !is_known(key))
            .map(|(key, value)| json!({ "key": key, "value": cut(value, LONGEST_VALUE) }))
            .collect();
        for parameters in parameters.chunks(MOST_PARAMETERS) {
            let batch = json!({ "run_id": logged.id, "params": parameters });
            self.have("runs/log-batch", &batch)?;
        }
        self.runs.insert(begun.run.clone(), logged);
        Ok(())
    }

    /// The run that an earlier start has logged to, running again.
    fn earlier(&self, begun: &Begun) -> Result<Option<Value>, Failure> {
        let Some(id) = Kept::read(&begun.folder, self.client.address()) else {
            return Ok(None);
        };
        match self.get(&id) {
            Ok(run) => {
                let running = json!({ "run_id": id, "status": "RUNNING" });
                self.have("runs/update", &running)?;
                Ok(Some(run))
            }
            Err(Failure::Refused { code, .. }) if code == MISSING => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    fn get(&self, id: &str) -> Result<Value, Failure> {
        let mut answer = self.ask("runs/get", "run_id", id)?;
        Ok(answer["run"].take())
    }

    fn create(&mut self, begun: &Begun) -> Result<Value, Failure> {
        let experiment = self.experiment_id()?;
        let tags = [
            ("mlflow.source.name", "runner"),
            ("mlflow.source.type", "LOCAL"),
            ("runner.version", env!("CARGO_PKG_VERSION")),
        ];
        let tags = tags.map(|(key, value)| json!({ "key": key, "value": value }));
        let body = json!({
            "experiment_id": experiment,
            "run_name": begun.run,
            "start_time": begun.time,
            "tags": tags,
        });
        let mut answer = self.have("runs/create", &body)?;
        let run = answer["run"].take();
        let kept = Kept {
            server: self.client.address().to_owned(),
            run_id: Logged::read(&run).id,
        };
        if let Err(error) = kept.write(&begun.folder) {
            let folder = foreign::path(&begun.folder);
            self.note(&format!("{folder} cannot be written: {error}"));
        }
        Ok(run)
    }

    /// The server's experiment of this name; it is made where it is missing.
    fn experiment_id(&mut self) -> Result<String, Failure> {
        if let Some(id) = &self.experiment_id {
            return Ok(id.clone());
        }
        let name = &self.experiment;
        let find = || {
            let answer = self.ask("experiments/get-by-name", "experiment_name", name);
            answer.map(|answer| text(&answer, "/experiment/experiment_id"))
        };
        let id = match find() {
            Err(Failure::Refused { code, .. }) if code == MISSING => {
                match self.have("experiments/create", &json!({ "name": name })) {
                    Ok(answer) => text(&answer, "/experiment_id"),
                    // Another process made it just now.
                    Err(Failure::Refused { code, .. }) if code == "RESOURCE_ALREADY_EXISTS" => {
                        find()?
                    }
                    Err(failure) => return Err(failure),
                }
            }
            found => found?,
        };
        Ok(self.experiment_id.insert(id).clone())
    }

    fn log_epoch(&mut self, numbers: &Numbers) -> Result<(), Failure> {
        let Some(run) = self.runs.get(&numbers.run) else {
            return Ok(());
        };
        let mut epochs = run.epochs;
        if run.unsure {
            epochs = Logged::read(&self.get(&run.id)?).epochs;
        }
        let result = match numbers.step > epochs {
            true => self.log(&run.id, numbers),
            false => Ok(()),
        };
        if let Some(run) = self.runs.get_mut(&numbers.run) {
            run.unsure = result.is_err();
            run.epochs = match result {
                Ok(()) => epochs.max(numbers.step),
                Err(_) => epochs,
            };
        }
        result
    }

    /// Logs the numbers of a step, `loss` last: with it, all are there.
    fn log(&self, id: &str, numbers: &Numbers) -> Result<(), Failure> {
        for scalars in numbers.scalars.chunks(MOST_METRICS).rev() {
            let metric = |(name, value): &(String, f64)| json!({ "key": name, "value": value, "timestamp": numbers.time, "step": numbers.step });
            let metrics: Vec<Value> = scalars.iter().map(metric).collect();
            let batch = json!({ "run_id": id, "metrics": metrics });
            self.have("runs/log-batch", &batch)?;
        }
        Ok(())
    }

    fn end(&mut self, ended: &Ended) -> Result<(), Failure> {
        let Some(run) = self.runs.get(&ended.numbers.run) else {
            return Ok(());
        };
        self.log(&run.id, &ended.numbers)?;
        if let Some(error) = &ended.error {
            let tag =
                json!({ "run_id": run.id, "key": "error", "value": cut(error, LONGEST_VALUE) });
            self.have("runs/set-tag", &tag)?;
        }
        let status = match ended.status {
            Status::Finished => "FINISHED",
            Status::Failed => "FAILED",
            Status::Interrupted | Status::Paused | Status::Elsewhere => "KILLED",
        };
        let time = ended.numbers.time;
        let update = json!({ "run_id": run.id, "status": status, "end_time": time });
        self.have("runs/update", &update)?;
        if ended.status == Status::Finished {
            let path = run.path()?;
            for name in ["spec.toml", MODEL, FROZEN_FILE] {
                let file = ended.folder.join(name);
                if name != "spec.toml" && !file.is_file() {
                    // `training.save` decides.
                    continue;
                }
                self.store(&format!("{path}/{name}"), &file)?;
            }
            if let Some(run) = self.runs.get_mut(&ended.numbers.run) {
                run.finished = true;
            }
        }
        Ok(())
    }

    /// Stores the experiment's charts with every run that was finished.
    fn store_charts(&self, folder: &Path) -> Result<(), Failure> {
        let charts = files(folder);
        for run in self.runs.values().filter(|run| run.finished) {
            let path = run.path()?;
            for chart in &charts {
                let name = chart.file_name().unwrap_or_default().to_string_lossy();
                self.store(&format!("{path}/charts/{name}"), chart)?;
            }
        }
        Ok(())
    }
}

/// The beginning of a text, `length` characters at most.
fn cut(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    let begin = text.chars().take(length.saturating_sub(1));
    begin.chain(['…']).collect()
}

/// The SVG files in a folder, by name.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let mut paths: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "svg"))
        .collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_cut_between_characters() {
        assert_eq!(cut("größe", 5), "größe");
        assert_eq!(cut("größer", 5), "größ…");
    }
}
