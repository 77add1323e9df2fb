//! Killing the real binary, and comparing what is left after resuming, with an uninterrupted run.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use polars::prelude::*;
use runner::rng::Stream;
use tempfile::TempDir;

use super::write;

/// Columns that differ from start to start.
pub const TIMES: [&str; 4] = ["seconds", "images_per_second", "peak_memory_mib", "started"];

/// An experiment in a folder of its own.
pub struct Experiment {
    /// Removed with it.
    outer: TempDir,
    folder: PathBuf,
}

impl Experiment {
    pub fn new(spec: &str) -> Self {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("project");
        fs::create_dir(&folder).unwrap();
        write(&folder, "e.toml", spec);
        Experiment { outer, folder }
    }

    /// The same project under another name.
    pub fn moved_to(self, name: &str) -> Self {
        let folder = self.outer.path().join(name);
        fs::rename(&self.folder, &folder).unwrap();
        Experiment { folder, ..self }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// One that ran from start to end, and how long that took.
    pub fn uninterrupted(spec: &str) -> (Self, Duration) {
        let (experiment, start) = (Experiment::new(spec), Instant::now());
        experiment.finish();
        (experiment, start.elapsed())
    }

    pub fn results(&self) -> PathBuf {
        self.folder.join("results/e")
    }

    /// The folders of its runs, by name.
    pub fn runs(&self) -> Vec<PathBuf> {
        entries(&self.results().join("runs"))
    }

    /// The checkpoints of the run that has some, from the oldest.
    pub fn checkpoints(&self) -> Vec<PathBuf> {
        let all = self.runs().into_iter();
        all.flat_map(|run| entries(&run.join("checkpoint")))
            .filter(|path| path.extension().is_some_and(|e| e == "safetensors"))
            .collect()
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_runner"));
        command
            .current_dir(&self.folder)
            .env("RUNNER_CACHE", self.folder.join("cache"))
            .env("NO_COLOR", "1")
            .arg("e.toml")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Starts it and waits for its end.
    pub fn run(&self) -> Output {
        self.command().output().unwrap()
    }

    /// Runs it to its end; gives what it says.
    pub fn finish(&self) -> String {
        let output = self.run();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        said
    }

    /// What the only run's log says.
    pub fn log(&self) -> String {
        let log = |run: PathBuf| fs::read_to_string(run.join("log.jsonl")).unwrap_or_default();
        self.runs().into_iter().next().map_or(String::new(), log)
    }

    /// Starts it and waits until `ready`.
    pub fn start_until(&self, ready: impl Fn(&Experiment) -> bool) -> Child {
        let mut child = self.command().spawn().unwrap();
        while !ready(self) {
            assert!(child.try_wait().unwrap().is_none(), "it ended before");
            std::thread::sleep(Duration::from_millis(1));
        }
        child
    }

    /// Starts it with a fail point, which must be reached.
    pub fn die_at(&self, point: &str) {
        let output = self.command().env("RUNNER_FAIL_POINT", point).output();
        let output = output.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(was_killed(output.status), "{point} was not reached: {said}");
    }

    /// Starts it and kills it after a time, unless it ends before; gives how it ended.
    pub fn kill_after(&self, time: Duration) -> ExitStatus {
        self.kill_after_with(&[], time)
    }

    /// The same, with more arguments.
    pub fn kill_after_with(&self, arguments: &[&str], time: Duration) -> ExitStatus {
        let mut command = self.command();
        command.args(arguments).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let end = Instant::now() + time;
        wait_until(&mut child, end).unwrap_or_else(|| {
            child.kill().unwrap();
            child.wait().unwrap()
        })
    }

    /// Forgets everything but the cache.
    pub fn start_over(&self) {
        let _ = fs::remove_dir_all(self.results());
    }
}

/// How a process ends until then.
fn wait_until(child: &mut Child, end: Instant) -> Option<ExitStatus> {
    while Instant::now() < end {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    None
}

pub fn was_killed(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    status.signal().is_some()
}

/// Kills an experiment at `kills` random moments, resuming after each; where it comes to its end, it must have
/// left what the uninterrupted one did, and starts over.
pub fn survives(spec: &str, kills: usize, moments: &mut Stream) {
    survives_as(spec, kills, moments, assert_same);
}

/// [`survives`], where something else tells what must have been left.
pub fn survives_as(
    spec: &str,
    kills: usize,
    moments: &mut Stream,
    assert_same: fn(&Experiment, &Experiment),
) {
    let (whole, time) = Experiment::uninterrupted(spec);
    let experiment = Experiment::new(spec);
    let mut killed = 0;
    while killed < kills {
        let moment = time.mul_f32(moments.uniform());
        if was_killed(experiment.kill_after(moment)) {
            killed += 1;
        } else {
            assert_same(&experiment, &whole);
            experiment.start_over();
        }
    }
    experiment.finish();
    assert_same(&experiment, &whole);
}

/// Checks that both have the same models, byte for byte, the same tables but for times, and nothing unfinished.
pub fn assert_same(found: &Experiment, expected: &Experiment) {
    let names = |e: &Experiment| -> Vec<_> {
        let runs = e.runs().into_iter();
        runs.map(|run| run.file_name().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(found), names(expected));
    for (found, expected) in found.runs().iter().zip(expected.runs()) {
        let model = |run: &Path| fs::read(run.join("model.safetensors")).unwrap();
        assert!(model(found) == model(&expected), "{}", found.display());
        let splits = |run: &Path| fs::read(run.join("splits.parquet")).unwrap();
        assert!(splits(found) == splits(&expected), "{}", found.display());
        let log = fs::read_to_string(found.join("log.jsonl")).unwrap();
        for line in log.lines() {
            serde_json::from_str::<serde_json::Value>(line).unwrap();
        }
        let left: Vec<_> = entries(found).iter().map(|p| file_name(p)).collect();
        assert_eq!(
            left,
            [
                "log.jsonl",
                "metrics.parquet",
                "model.safetensors",
                "predictions.parquet",
                "runs.parquet",
                "spec.toml",
                "splits.parquet"
            ]
        );
    }
    for file in ["metrics.parquet", "runs.parquet", "predictions.parquet"] {
        let table = |e: &Experiment| table(&e.results().join(file));
        let (found, expected) = (table(found), table(expected));
        assert!(found.equals_missing(&expected), "{found}\n{expected}");
    }
    let left: Vec<_> = entries(&found.results())
        .iter()
        .map(|p| file_name(p))
        .collect();
    let expected = [
        "charts",
        "metrics.parquet",
        "plan.txt",
        "predictions.parquet",
        "report.html",
        "runs",
        "runs.parquet",
        "spec.toml",
    ];
    assert_eq!(left, expected);
}

/// A table without what no two starts have in common.
pub fn table(path: &Path) -> DataFrame {
    read_table(path).drop_many(TIMES)
}

/// A whole table.
pub fn read_table(path: &Path) -> DataFrame {
    let file = File::open(path).unwrap();
    ParquetReader::new(file).finish().unwrap()
}

/// A column of `runs.parquet`, empty where it is null.
pub fn column(experiment: &Experiment, name: &str) -> Vec<String> {
    let table = read_table(&experiment.results().join("runs.parquet"));
    let column = table.column(name).unwrap().str().unwrap();
    let text = |value: Option<&str>| value.unwrap_or("").to_owned();
    column.iter().map(text).collect()
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
