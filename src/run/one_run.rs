//! How one run is done: data, network, training, test, saved model.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Instant;

use rayon::ThreadPool;

use super::error::Error;
use super::event::{Event, Tell};
use super::executor::Executor;
use super::memory;
use super::need::Need;
use super::networks::Made;
use super::planned::PlannedRun;
use super::predictions::{Answers, PartPredictions, predicted_part};
use super::remarks;
use super::start;
use super::training::{Job, Trained, on};
use crate::claim::Token;
use crate::data::{Normalizer, Resizing};
use crate::features::{OfRun, Split};
use crate::foreign::one_line;
use crate::metric::Metrics;
use crate::model::weights;
use crate::spec::Save;
use crate::stop::Stop;
use crate::train::{Keeper, Outcome, checkpoint, evaluate_each};

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

/// Where and with what a run is done.
#[derive(Clone, Copy, Debug)]
pub struct Workspace<'a> {
    /// Gets the checkpoints, and the model as `model.safetensors` where it is kept.
    pub folder: &'a Path,
    /// Gets what several runs' models have, where they share it.
    pub shared: &'a Path,
    /// Set to end at the next good place.
    pub stop: &'a Stop,
    /// Shows that the folder is still this process's.
    pub token: &'a Token,
    /// The threads to train with; all where there are none.
    pub threads: Option<&'a ThreadPool>,
}

impl Executor<'_> {
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
            shared,
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
        let left = self.networks.take(planned);
        let initial = match &left {
            Some(made) => made.start(),
            None => self.prepare(|_| self.start(spec, &run.id, blueprint))?,
        };
        if let Some(download) = &initial.download {
            tell(Event::Weights(download));
        }
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
        let normalizer = preparation.normalizer(spec, &data.train)?;
        let images = (resizing, &normalizer);
        let sets = data.train.label_sets().cloned();
        let mut keeper = Keeper::new(
            folder.join(checkpoint::FOLDER),
            spec.training.checkpoint_minutes,
            stop.clone(),
            token.clone(),
        )
        .until(planned.until);
        let job = Job {
            planned,
            data: &data,
            images,
            threads,
        };
        let Trained {
            made,
            outcome,
            stage,
        } = self.train(&job, (initial, left), &mut keeper, tell)?;
        let network = &made.network;
        let part = predicted_part(&data);
        let features = OfRun::new(&stage.spec, (network, &made.constant), &data, images)?;
        let predicted = self.inputs(&job, stage, &features, part)?;
        let mut answers = Answers::new(part.of(&data).len(), classes.len())
            .of_sets(sets.clone(), spec.training.threshold);
        let scores = on(threads, || {
            let mut keep = |row: &[f32], label| answers.add(row, label, blueprint.output);
            evaluate_each(
                network,
                &predicted,
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
        drop((predicted, features));
        memory::give_back_freed();
        save(planned, &made, (folder, shared), &metadata, token)?;
        self.networks.leave(made);
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
}

/// Writes a run's model into its folder, as its spec wants it; what several models have goes into the `shared` one.
fn save(
    planned: &PlannedRun,
    made: &Made,
    (folder, shared): (&Path, &Path),
    metadata: &BTreeMap<String, String>,
    token: &Token,
) -> Result<(), Error> {
    let model = folder.join("model.safetensors");
    let (network, blueprint) = (&made.network, &planned.blueprint);
    let all = || Ok::<_, candle_core::Error>(blueprint.named_for_file(network.weights()?));
    match planned.run.spec.training.save {
        Save::None => {}
        Save::All | Save::Best => weights::save_claimed(&model, &all()?, metadata, token)?,
        Save::Shared => {
            let own = blueprint.named_for_file(network.learned()?);
            let names: BTreeSet<String> = own.keys().cloned().collect();
            let frozen = || -> Result<_, Error> {
                let mut frozen = all()?;
                frozen.retain(|name, _| !names.contains(name));
                Ok(frozen)
            };
            let frozen = weights::Frozen {
                tensors: &frozen,
                digest: &made.frozen,
            };
            weights::save_shared(&model, shared, (own, frozen), metadata, token)?;
        }
    }
    Ok(())
}

/// What a panic says.
fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it panicked".into())
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
