//! How one run is done: data, network, training, test, saved model.
//!
//! Several may be done at a time. What they share — the dataset in memory, the frozen part's outputs, downloads — is
//! prepared for one after the other, on all threads; each trains on its own.

use std::any::Any;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use candle_core::Device;
use rayon::ThreadPool;

use super::error::Error;
use super::event::{Event, Tell};
use super::images;
use super::memory::Memory;
use super::need::Need;
use super::planned::PlannedRun;
use super::predictions::{Answers, PartPredictions, predicted_part};
use super::remarks;
use super::start::{self, Upstream};
use crate::claim::Token;
use crate::data::{self, Batches, Data, Loaded, Normalizer, Resizing, Wanted};
use crate::features::{OfRun, Split, Store};
use crate::fetch::{self, Cache, Hub};
use crate::foreign::one_line;
use crate::machine;
use crate::metric::Metrics;
use crate::model::{Blueprint, Network, weights};
use crate::ops;
use crate::progress::Progress;
use crate::spec::{DatasetName, Spec};
use crate::stop::Stop;
use crate::train::{Fit, Inputs, Keeper, Outcome, checkpoint, class_weights, evaluate_each};

/// What a finished run leaves beside its model.
#[derive(Clone, Debug)]
pub struct Finished {
    pub outcome: Outcome,
    /// Absent where the dataset has no test images.
    pub test: Option<Metrics>,
    /// What was predicted for the test images, or for the validation images where there are no test images.
    pub predictions: PartPredictions,
    /// Images of the dataset that do not decode and were left out.
    pub skipped_images: usize,
    /// Wall time of the run.
    pub seconds: f64,
}

/// Does runs and keeps what they share.
pub struct Executor<'a> {
    cache: Cache,
    hub: Hub,
    pub(super) upstream: Upstream,
    progress: &'a dyn Progress,
    stop: Stop,
    memory: Memory,
    shared: Mutex<Shared>,
    /// What was said of runs' data, once for all of them.
    said: Mutex<HashSet<String>>,
    /// Runs that cannot be done, by their ids: why.
    unavailable: HashMap<String, String>,
}

/// What runs share, for one at a time.
pub(super) struct Shared {
    /// The last dataset read, by what decides what is read.
    loaded: Option<(String, Loaded)>,
    features: Store,
}

/// Where and with what a run is done.
#[derive(Clone, Copy, Debug)]
pub struct Workspace<'a> {
    /// Gets the checkpoints, and the model as `model.safetensors`.
    pub folder: &'a Path,
    /// Set to end at the next good place.
    pub stop: &'a Stop,
    /// Shows that the folder is still this process's.
    pub token: &'a Token,
    /// The threads to train with; all where there are none.
    pub threads: Option<&'a ThreadPool>,
}

/// Gets a dataset's files from the network.
pub struct Downloads<'a>(pub &'a Cache, pub &'a Hub, pub &'a dyn Progress);

impl data::Source for Downloads<'_> {
    fn files(
        &self,
        dataset: DatasetName,
    ) -> Result<PathBuf, Box<dyn std::error::Error + Send + Sync>> {
        Ok(fetch::dataset(self.0, self.1, dataset, self.2)?)
    }
}

impl<'a> Executor<'a> {
    /// An executor with the user's cache and hub, which prepares nothing further once `stop` is wished.
    ///
    /// # Errors
    /// `RUNNER_PATIENCE` that is no number.
    pub fn new(upstream: Upstream, stop: Stop, progress: &'a dyn Progress) -> Result<Self, Error> {
        let (cache, hub) = (Cache::from_env()?, Hub::from_env());
        Ok(Executor {
            shared: Mutex::new(Shared {
                loaded: None,
                features: Store::new(&cache, stop.clone()),
            }),
            memory: Memory::new(machine::memory()),
            said: Mutex::default(),
            stop,
            cache,
            hub,
            upstream,
            progress,
            unavailable: HashMap::new(),
        })
    }

    /// The same executor, which fails these runs, by their ids, with what is said of each.
    pub fn without(self, unavailable: HashMap<String, String>) -> Self {
        Executor {
            unavailable,
            ..self
        }
    }

    /// Does a run, from its checkpoint where there is one, and tells what happens.
    ///
    /// # Errors
    /// Whatever stops the run, a panic too.
    pub fn run(
        &self,
        planned: &PlannedRun,
        place: Workspace<'_>,
        tell: Tell<'_>,
    ) -> Result<Finished, Error> {
        // What is shared by runs is replaced as a whole, never left half changed.
        let attempt = AssertUnwindSafe(|| self.try_run(planned, place, tell));
        catch_unwind(attempt).unwrap_or_else(|panic| Err(Error::Panic(text(&*panic))))
    }

    fn try_run(
        &self,
        planned: &PlannedRun,
        Workspace {
            folder,
            stop,
            token,
            threads,
        }: Workspace<'_>,
        tell: Tell<'_>,
    ) -> Result<Finished, Error> {
        let start = Instant::now();
        let PlannedRun {
            run,
            blueprint,
            classes,
            device,
            notes,
            ..
        } = planned;
        if let Some(why) = self.unavailable.get(&run.id) {
            return Err(Error::Unavailable(why.clone()));
        }
        let (spec, device) = (&run.spec, &device.device);
        tell(Event::Started);
        if device.is_cpu() {
            self.memory.check(Need::planned(planned, 1))?;
        }
        let services = (&self.cache, &self.hub);
        let initial = self.prepare(|_| {
            let upstream = &self.upstream;
            start::weights(spec, &run.id, blueprint, upstream, services, self.progress)
        })?;
        if let Some(download) = &initial.download {
            tell(Event::Weights(download));
        }
        let initial = initial.weights;
        let preparation = start::preparation(spec, &run.id, &self.upstream)?;
        let resizing = preparation.resizing;
        let data = self.prepare(|shared| self.data(shared, planned, resizing))?;
        // What the plan could not see, as the files were not there or some of them do not decode.
        let new = data.notes.iter().filter(|note| !notes.contains(note));
        new.for_each(|note| tracing::warn!("{}", one_line(note)));
        stop.check()?;
        tell(Event::Divided(&data));
        if data.classes.len() != classes.len() {
            return Err(Error::ClassesChanged {
                found: data.classes.len(),
                planned: classes.len(),
            });
        }
        for part in [Split::Validation, Split::Test] {
            let remark = remarks::unseen(&spec.training, classes, part, part.of(&data));
            remark.into_iter().for_each(|remark| self.say_once(remark));
        }
        remarks::cropped(spec, &data.train)
            .into_iter()
            .for_each(|remark| self.say_once(remark));
        let need = device.is_cpu().then(|| Need::of(planned, &data));
        let _room = need.map(|need| self.memory.room(need, stop)).transpose()?;
        let network = Network::new(Blueprint::clone(blueprint), &initial, spec.seed, device)?
            .computing_in(spec.training.precision);
        drop(initial);
        let normalizer = preparation.normalizer(spec, &data.train)?;
        let images = (resizing, &normalizer);
        let features = OfRun::new(spec, &network, &data, images)?;
        let inputs = |split: Split| -> Result<Inputs<'_>, Error> {
            let batches = batches(spec, &data, split, images, device);
            let features =
                self.prepare(|shared| features.get(&mut shared.features, split, self.progress))?;
            Ok(Inputs::new(batches).with_features(features))
        };
        let sets = data.train.label_sets().cloned();
        let fit = Fit {
            spec,
            network: &network,
            train: inputs(Split::Training)?,
            validation: inputs(Split::Validation)?,
            classes: classes.len(),
            class_weights: class_weights(
                &spec.training.class_weights,
                classes,
                data.train.labels(),
                sets.as_deref(),
            ),
            label_sets: sets.clone(),
        };
        let mut keeper = Keeper::new(
            folder.join(checkpoint::FOLDER),
            spec.training.checkpoint_minutes,
            stop.clone(),
            token.clone(),
        );
        ops::give_back_freed_memory();
        let outcome = on(threads, || {
            fit.run(&mut |event| tell(Event::Training(event)), &mut keeper)
        })?;
        let part = predicted_part(&data);
        let test = (part == Split::Test)
            .then(|| inputs(Split::Test))
            .transpose()?;
        let mut answers = Answers::new(part.of(&data).len(), classes.len())
            .of_sets(sets.clone(), spec.training.threshold);
        let scores = on(threads, || {
            let mut keep = |row: &[f32], label| answers.add(row, label, blueprint.output);
            evaluate_each(
                &network,
                test.as_ref().unwrap_or(&fit.validation),
                &spec.training,
                (classes.len(), sets.as_ref()),
                stop,
                &mut keep,
            )
        })?;
        if let Some(remark) = remarks::unpredicted(&spec.training, classes, part, &answers.each) {
            tracing::warn!("{}: {remark}", one_line(&run.id));
        }
        if let Some(remark) = remarks::thinned(part, &answers.probabilities) {
            self.say_once(remark);
        }
        let metadata = metadata(planned, images);
        ops::give_back_freed_memory();
        let weights = blueprint.named_for_file(network.weights()?);
        let model = folder.join("model.safetensors");
        weights::save_claimed(&model, &weights, &metadata, token)?;
        Ok(Finished {
            outcome,
            test: scores.filter(|_| part == Split::Test),
            predictions: PartPredictions::new(
                part,
                answers,
                part.of(&data),
                spec.dataset.images_folder().as_deref(),
            ),
            skipped_images: data.skipped,
            seconds: start.elapsed().as_secs_f64(),
        })
    }

    /// Does work on what is shared, once no other run does.
    pub(super) fn prepare<T, E>(
        &self,
        work: impl FnOnce(&mut Shared) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut shared)
    }

    /// Warns of something, unless another run has.
    fn say_once(&self, remark: String) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if !said.contains(&remark) {
            tracing::warn!("{remark}");
            said.insert(remark);
        }
    }

    /// The dataset of a spec; what was read last is kept for the runs that share it.
    pub(super) fn data(
        &self,
        shared: &mut Shared,
        planned: &PlannedRun,
        resizing: Resizing,
    ) -> Result<Data, Error> {
        let spec = &planned.run.spec;
        let (dataset, seed, budget) = (&spec.dataset, spec.seed, images::budget(planned));
        let key = data::reading_key(dataset, resizing, seed);
        if let Some((kept, loaded)) = &shared.loaded
            && *kept == key
            && loaded.bytes() <= budget.memory
        {
            return Ok(loaded.arrange(dataset, seed)?);
        }
        self.stop.check()?;
        shared.loaded = None;
        let downloads = Downloads(&self.cache, &self.hub, self.progress);
        let input = (resizing, seed);
        let wanted = (Wanted::All, &budget);
        let loaded = data::read(dataset, input, wanted, &downloads, self.progress)?;
        let data = loaded.arrange(dataset, seed)?;
        shared.loaded = Some((key, loaded));
        Ok(data)
    }
}

/// Computes on these threads.
fn on<T: Send>(threads: Option<&ThreadPool>, work: impl FnOnce() -> T + Send) -> T {
    match threads {
        Some(threads) => threads.install(work),
        None => work(),
    }
}

/// What a panic says.
fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it panicked".into())
}

fn batches<'a>(
    spec: &'a Spec,
    data: &'a Data,
    split: Split,
    (resizing, normalizer): (Resizing, &'a Normalizer),
    device: &'a Device,
) -> Batches<'a> {
    let augmented = split == Split::Training && spec.augmentation.is_active();
    Batches::new(
        split.of(data),
        normalizer,
        resizing,
        augmented.then_some((&spec.augmentation, spec.seed)),
        device,
    )
}

/// What makes a saved model usable alone.
fn metadata(
    planned: &PlannedRun,
    (resizing, normalizer): (Resizing, &Normalizer),
) -> BTreeMap<String, String> {
    let spec = &planned.run.spec;
    let json = |value: serde_json::Result<String>| value.unwrap_or_default();
    BTreeMap::from([
        ("format".to_owned(), "pt".to_owned()),
        ("runner_version".into(), env!("CARGO_PKG_VERSION").into()),
        ("architecture".into(), spec.backbone.arch.to_string()),
        ("input_size".into(), spec.backbone.input_size.to_string()),
        ("include_top".into(), spec.backbone.include_top.to_string()),
        (
            "classes".into(),
            json(serde_json::to_string(&*planned.classes)),
        ),
        (
            "normalization".into(),
            json(serde_json::to_string(normalizer)),
        ),
        ("resize".into(), json(serde_json::to_string(&resizing))),
        ("head".into(), json(serde_json::to_string(&spec.head))),
        ("spec".into(), spec.without_logistics().to_json()),
    ])
}
