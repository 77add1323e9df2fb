//! `runner submit`: an experiment's runs as tasks of an engine, and what has become of those.

mod reconcile;
mod said;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::error::Error;
use super::identity::{Network, Sources};
use super::prepared::{Prepared, prepare};
use crate::claim::Claims;
use crate::engine::{self, Command, Engine, Job, NewJob, Record};
use crate::fetch::Timeouts;
use crate::foreign;
use crate::progress::NoProgress;
use crate::run::{self, Need, PlannedRun};
use crate::sink::progress::Reporter;
use crate::spec::{Device, Experiment, Problem};
use crate::stop::Stop;
use crate::store::rfc3339;
use crate::sweep::{self, Size};
use crate::text::{about, counted, hex};
use reconcile::{Runs, is_done};
use said::named;

/// How much a task is given.
#[derive(Clone, Copy, Debug)]
pub enum Load {
    /// So many runs.
    Runs(usize),
    /// So many minutes on this machine, by an estimate; or one run that takes longer.
    Minutes(f64),
}

/// What is submitted, and how its tasks are started.
#[derive(Clone, Debug)]
pub struct Submission<'a> {
    pub spec: &'a Path,
    /// `--set KEY=VALUE`, the part behind `--set`.
    pub overrides: &'a [String],
    /// Ids of runs or beginnings of them; all where this is empty.
    pub only: &'a [String],
    /// The folder that has a folder for each experiment.
    pub results: &'a Path,
    pub load: Load,
    /// How the runner is called.
    pub program: &'a Path,
    /// Runs of a task that are done side by side, where that is said.
    pub jobs: Option<usize>,
}

/// A command for each task of what is left to be done, whatever has been submitted of it.
///
/// # Errors
/// A wrong spec, and a word that does not fit a command.
pub fn commands(what: &Submission<'_>, reporter: &dyn Reporter) -> Result<Vec<String>, Error> {
    let prepared = load(what, reporter)?;
    let plan = prepared.only(what.only)?;
    let plan = plan.as_ref().unwrap_or(&prepared.plan);
    let folder = what.results.join(&prepared.experiment.spec.name);
    let save = prepared.experiment.spec.training.save;
    let left: Vec<&PlannedRun> = plan
        .runs
        .iter()
        .filter(|planned| !is_done(&folder, &planned.run.id, save))
        .collect();
    let command = command(what, Role::Asked)?;
    Ok(tasks(&left, what.load, reporter)
        .iter()
        .map(|task| command.line(&ids(task)))
        .collect::<Result<_, _>>()?)
}

/// Submits what is neither done nor queued, first of the experiments that this one builds on; gives a line for each step.
///
/// # Errors
/// A wrong spec, and what the engine refuses.
pub fn submit(
    what: &Submission<'_>,
    (engine, options): (&dyn Engine, &[String]),
    reporter: &dyn Reporter,
) -> Result<String, Error> {
    let prepared = load(what, reporter)?;
    let chosen = prepared.only(what.only)?;
    let plan = chosen.as_ref().unwrap_or(&prepared.plan);
    let mut submitting = Submitting {
        what,
        engine,
        options,
        reporter,
        text: String::new(),
    };
    let runs = plan.runs.iter().map(|planned| planned.run.id.clone());
    submitting.experiment(&prepared, &runs.collect(), Role::Asked)?;
    Ok(submitting.text)
}

/// Stops every job of an experiment and of those that it builds on; gives a line for each experiment.
///
/// # Errors
/// A wrong spec, and what the engine refuses.
pub fn cancel(what: &Submission<'_>, engine: &dyn Engine) -> Result<String, Error> {
    let sources = Sources {
        network: Network::Unused,
        progress: &NoProgress,
        results: what.results,
    };
    let prepared = prepare(what.spec, what.overrides, sources)?;
    let mut text = String::new();
    cancel_all(&prepared, (what, engine), &mut text)?;
    Ok(text)
}

fn cancel_all(
    prepared: &Prepared,
    (what, engine): (&Submission<'_>, &dyn Engine),
    text: &mut String,
) -> Result<(), Error> {
    let name = &prepared.experiment.spec.name;
    let record = recorded(&what.results.join(name), engine)?;
    let living = engine.living(&record.ids())?;
    let jobs = record.ids().into_iter();
    let jobs: Vec<&str> = jobs
        .filter(|id| living.keys().any(|(job, _)| job == id))
        .collect();
    engine.cancel(&jobs)?;
    let name = foreign::one_line(name);
    *text += &match jobs.as_slice() {
        [] => format!("{name}: nothing to cancel\n"),
        jobs => format!("{name}: cancelled {}\n", named(engine, jobs)),
    };
    for (_, upstream) in prepared.chain.direct() {
        cancel_all(upstream, (what, engine), text)?;
    }
    Ok(())
}

/// The plan under the names that its runs will have, with what that takes of the network.
fn load(what: &Submission<'_>, reporter: &dyn Reporter) -> Result<Prepared, Error> {
    let sources = |network| Sources {
        network,
        progress: reporter,
        results: what.results,
    };
    let prepared = prepare(what.spec, what.overrides, sources(Network::Unused))?;
    for warning in prepared.experiment.warnings() {
        reporter.warn(warning);
    }
    let prepared = match prepared.is_preliminary() {
        true => prepare(what.spec, what.overrides, sources(Network::Used))?,
        false => prepared,
    };
    if prepared.experiment.is_searched() && what.only.is_empty() {
        let strategy = &prepared.experiment.sweep.strategy;
        let message = format!(
            "with strategy = \"{strategy}\" results decide what is run next, so that the runs cannot be divided into tasks \
             beforehand"
        );
        let help = "start the runner itself, with the same --results, in as many jobs as wished: they share one search";
        let problem = Problem::new("sweep.strategy", message).help(help);
        return Err(Error::Spec(
            prepared.experiment.problem(None, &problem).into(),
        ));
    }
    match prepared.nameless() {
        Some(why) => Err(Error::Nameless(why.to_owned())),
        None => Ok(prepared),
    }
}

/// What an experiment is to a submission.
#[derive(Clone, Copy)]
enum Role<'a> {
    /// It was asked for.
    Asked,
    /// Another builds on it; its spec.
    Upstream(&'a Path),
}

/// The words that the tasks of an experiment have in common.
fn command(what: &Submission<'_>, role: Role<'_>) -> Result<Command, Error> {
    let variables = Experiment::variables()?;
    let mut command = Command::new();
    if !variables.is_empty() {
        // Variables are for the experiment that was asked for.
        command = command.words(["env"]);
        for (name, value) in &variables {
            command = match role {
                Role::Asked => command.words([&*format!("{name}={value}")]),
                Role::Upstream(_) => command.words(["-u", name]),
            };
        }
    }
    command = command.path(what.program)?;
    command = match role {
        Role::Asked => {
            let set = what.overrides.iter().flat_map(|set| ["--set", set]);
            command.path(what.spec)?.words(set)
        }
        Role::Upstream(spec) => command.path(spec)?,
    };
    let jobs = what.jobs.map(|jobs| format!("--jobs={jobs}"));
    let command = command.words(["--results"]).path(what.results)?;
    Ok(command.words(jobs.as_deref()))
}

fn ids(task: &[&PlannedRun]) -> Vec<String> {
    task.iter().map(|planned| planned.run.id.clone()).collect()
}

/// The most memory that a task takes, as many of its runs as are wished side by side.
fn memory(task: &[&PlannedRun], jobs: Option<usize>) -> u64 {
    let of_run = |planned: &&PlannedRun| {
        let batch_size = planned.run.spec.training.batch_size;
        Need::planned(planned, batch_size).peak()
    };
    let count = jobs.unwrap_or(1).min(task.len()) as u64;
    count.saturating_mul(task.iter().map(of_run).max().unwrap_or_default())
}

/// The runs in tasks; how large they are is said.
fn tasks<'a>(
    runs: &[&'a PlannedRun],
    load: Load,
    reporter: &dyn Reporter,
) -> Vec<Vec<&'a PlannedRun>> {
    let Load::Minutes(minutes) = load else {
        let Load::Runs(count) = load else {
            return Vec::new();
        };
        return sweep::pack(runs, Size::Runs(count));
    };
    let Some(speed) = run::speed(runs) else {
        if runs.len() > 1 {
            reporter.note(
                "how long the runs take cannot be told here: a task for each (see --runs-per-task)",
            );
        }
        return sweep::pack(runs, Size::Runs(1));
    };
    let seconds = sweep::seconds(runs, speed);
    let work: f64 = sweep::efforts(runs).iter().map(|(_, work)| work).sum();
    let of_a_task = work / seconds.max(f64::EPSILON) * minutes * 60.0;
    let tasks = sweep::pack(runs, Size::Work(of_a_task));
    if !tasks.is_empty() {
        let each = about(seconds / tasks.len() as f64);
        let (runs, count) = (counted(runs.len(), "run"), counted(tasks.len(), "task"));
        reporter.note(&format!(
            "{runs} in {count}, each {each} by this machine's speed"
        ));
    }
    tasks
}

/// What was submitted of an experiment to this engine.
fn recorded(folder: &Path, engine: &dyn Engine) -> Result<Record, Error> {
    let record = Record::read(folder)?;
    if record.engine == engine.label() || record.jobs.is_empty() {
        return Ok(record);
    }
    Err(engine::Error::Other {
        path: Record::path(folder),
        there: record.engine,
    }
    .into())
}

struct Submitting<'a> {
    what: &'a Submission<'a>,
    engine: &'a dyn Engine,
    options: &'a [String],
    reporter: &'a dyn Reporter,
    /// What has been done, a line each.
    text: String,
}

impl Submitting<'_> {
    /// Submits what is left of these runs of an experiment, after what they build on; gives the jobs that do some of them.
    fn experiment(
        &mut self,
        prepared: &Prepared,
        wanted: &BTreeSet<String>,
        role: Role<'_>,
    ) -> Result<Vec<String>, Error> {
        let experiment = &prepared.experiment;
        let folder = self.what.results.join(&experiment.spec.name);
        let logs = absolute(&folder.join(self.engine.name()))?;
        let made = fs::create_dir_all(&logs);
        made.map_err(|source| file(&logs, source))?;
        // Of two that submit at once, the second sees what the first has submitted.
        let patience = Timeouts::factor().map_err(run::Error::from)?;
        let claims = Claims::new(patience);
        let lock = claims.lock(&logs, &Stop::default());
        let _lock = lock.map_err(|source| file(&logs, source))?;
        let mut record = recorded(&folder, self.engine)?;
        let before = record.clone();
        if matches!(role, Role::Asked) && !self.what.only.is_empty() {
            // Whoever names them wishes them to be tried.
            record.failures.retain(|run, _| !wanted.contains(run));
        }
        let save = experiment.spec.training.save;
        let runs = Runs::of((&folder, &logs), (wanted, save), &record, self.engine)?;
        let name = foreign::one_line(&experiment.spec.name);
        self.text += &format!("{name}: {}\n", runs.text());
        if let [first, ..] = runs.given_up().as_slice() {
            self.text += &format!(
                "{name}: what is given up failed {} times and is not submitted again; what was said lies in {}, \
                 --only {first},… submits it all the same\n",
                self.engine.most_failures().unwrap_or_default() + 1,
                foreign::path(&logs),
            );
        }
        let plan = prepared.plan.only(&runs.left());
        let mut after = Vec::new();
        for (path, upstream) in prepared.chain.direct() {
            let needed = prepared.chain.needed(path, &plan);
            if !needed.is_empty() {
                after.extend(self.experiment(upstream, &needed, Role::Upstream(path))?);
            }
        }
        record.jobs.retain(|job| runs.jobs().contains(&job.id));
        record.failures.clone_from(runs.failures());
        record.waiting = runs.waiting();
        let left: Vec<&PlannedRun> = plan.runs.iter().collect();
        let tasks = tasks(&left, self.what.load, self.reporter);
        let command = command(self.what, role)?;
        let most = match tasks.is_empty() {
            true => 1,
            false => self.engine.most_tasks()?.max(1),
        };
        let digest = hex(Sha256::digest(experiment.to_toml()));
        let gpus = left.iter().map(|planned| &planned.run.spec.training.device);
        let gpus = usize::from(
            gpus.into_iter()
                .any(|device| matches!(device, Device::Cuda(_))),
        );
        let mut submitted = Vec::new();
        for tasks in tasks.chunks(most) {
            let memory = tasks.iter().map(|task| memory(task, self.what.jobs));
            let memory = memory.max().unwrap_or_default();
            let tasks: Vec<Vec<String>> = tasks.iter().map(|task| ids(task)).collect();
            let commands = tasks.iter().map(|task| command.line(task));
            let job = NewJob {
                name: &experiment.spec.name,
                folder: &absolute(Path::new("."))?,
                logs: &logs,
                commands: &commands.collect::<Result<Vec<_>, _>>()?,
                runs: &tasks,
                after: &after,
                options: self.options,
                cpus: self.what.jobs.unwrap_or(1),
                gpus,
                memory,
            };
            let id = self.engine.submit(&job)?;
            let runs = tasks.iter().map(Vec::len).sum();
            submitted.push((id.clone(), runs, tasks.len()));
            record.engine = self.engine.label();
            record.spec.clone_from(&digest);
            record.jobs.push(Job {
                id,
                submitted: rfc3339(SystemTime::now()),
                spec: digest.clone(),
                tasks: tasks.into_iter().enumerate().collect(),
            });
            record.write(&folder)?;
        }
        if submitted.is_empty() && record != before {
            record.write(&folder)?;
        }
        self.text += &said::submitted(&name, self.engine, &submitted);
        Ok(record.jobs.into_iter().map(|job| job.id).collect())
    }
}

fn file(path: &Path, source: std::io::Error) -> Error {
    let path = path.to_owned();
    engine::Error::File { path, source }.into()
}

fn absolute(path: &Path) -> Result<PathBuf, Error> {
    let found = match path == Path::new(".") {
        true => std::env::current_dir(),
        false => std::path::absolute(path),
    };
    found.map_err(|source| file(path, source))
}
