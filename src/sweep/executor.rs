//! How one run is done: data, network, training, test, saved model.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use candle_core::Device;

use super::error::Error;
use super::memory::Need;
use super::plan::PlannedRun;
use super::predictions::TestPredictions;
use super::sink::{About, Sink};
use super::start::{self, Upstream};
use crate::data::{self, Batches, Data, Normalizer};
use crate::device;
use crate::features::{Split, Store};
use crate::fetch::{self, Cache, Hub, Progress};
use crate::model::{Network, weights};
use crate::spec::{DatasetName, Spec, Validation};
use crate::stop::Stop;
use crate::train::{Fit, Inputs, Keeper, Metrics, Outcome, Prediction, checkpoint, evaluate_each};

/// What a finished run leaves beside its model.
#[derive(Clone, Debug)]
pub struct Finished {
    pub outcome: Outcome,
    /// Absent where the dataset has no test images.
    pub test: Option<Metrics>,
    /// What was predicted for the test images.
    pub predictions: TestPredictions,
    /// Images of the dataset that do not decode and were left out.
    pub skipped_images: usize,
    /// Wall time of the run.
    pub seconds: f64,
}

/// Does runs one after another and keeps what they share.
pub struct Executor<'a> {
    cache: Cache,
    hub: Hub,
    upstream: Upstream,
    progress: &'a dyn Progress,
    stop: Stop,
    data: Option<(String, Rc<Data>)>,
    features: Store,
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
    /// An executor with the user's cache and hub, whose run ends at its next good place once `stop` is wished.
    ///
    /// # Errors
    /// A cache folder that cannot be told.
    pub fn new(upstream: Upstream, stop: Stop, progress: &'a dyn Progress) -> Result<Self, Error> {
        let (cache, hub) = (Cache::from_env()?, Hub::from_env());
        Ok(Executor {
            features: Store::new(&cache, stop.clone()),
            stop,
            cache,
            hub,
            upstream,
            progress,
            data: None,
        })
    }

    /// Does a run, from its checkpoint in `folder` where there is one, and saves its model there as
    /// `model.safetensors`.
    ///
    /// # Errors
    /// Whatever stops the run, a panic too; `sink` has been told.
    pub fn run(
        &mut self,
        planned: &PlannedRun,
        folder: &Path,
        sink: &mut dyn Sink,
    ) -> Result<Finished, Error> {
        // What is shared by runs is replaced as a whole, never left half changed.
        let attempt = AssertUnwindSafe(|| self.try_run(planned, folder, sink));
        let result = catch_unwind(attempt).unwrap_or_else(|panic| Err(Error::Panic(text(&*panic))));
        sink.run_ended(planned, result.as_ref());
        result
    }

    fn try_run(
        &mut self,
        planned: &PlannedRun,
        folder: &Path,
        sink: &mut dyn Sink,
    ) -> Result<Finished, Error> {
        let start = Instant::now();
        let PlannedRun {
            run,
            blueprint,
            classes,
        } = planned;
        let spec = &run.spec;
        let (device, device_name) = device::open(spec.training.device)?;
        sink.run_started(
            planned,
            &About {
                device: device_name,
            },
        );
        let services = (&self.cache, &self.hub);
        let initial = start::weights(
            spec,
            &run.id,
            blueprint,
            &self.upstream,
            services,
            self.progress,
        )?;
        let data = self.data(spec)?;
        self.stop.check()?;
        if data.classes.len() != classes.len() {
            return Err(Error::ClassesChanged {
                found: data.classes.len(),
                planned: classes.len(),
            });
        }
        if device.is_cpu() {
            Need::of(planned, &data).check()?;
        }
        let network = Network::new(blueprint.clone(), &initial, spec.seed, &device)?;
        drop(initial);
        let normalizer = Normalizer::new(&spec.normalization, &data.train);
        let mut features = self.features.of_run(spec, &network, &data, &normalizer)?;
        let mut inputs = |split: Split| -> Result<Inputs<'_>, Error> {
            let batches = batches(spec, &data, split, &normalizer, &device);
            let features = features.get(split, &batches, self.progress)?;
            Ok(Inputs::new(batches).with_features(features))
        };
        let fit = Fit {
            spec,
            network: &network,
            train: inputs(Split::Training)?,
            validation: inputs(Split::Validation)?,
            classes: classes.len(),
        };
        let mut keeper = Keeper::new(
            folder.join(checkpoint::FOLDER),
            spec.training.checkpoint_minutes,
            self.stop.clone(),
        );
        let outcome = fit.run(sink, &mut keeper)?;
        let mut predictions = Vec::new();
        let test = evaluate_each(
            &network,
            &inputs(Split::Test)?,
            &spec.training,
            classes.len(),
            &self.stop,
            &mut |row, label| predictions.push(Prediction::new(row, label, blueprint.output)),
        )?;
        let metadata = metadata(planned, &normalizer);
        weights::save(
            &folder.join("model.safetensors"),
            &network.weights()?,
            &metadata,
        )?;
        Ok(Finished {
            outcome,
            test,
            predictions: TestPredictions::new(predictions, &data.test),
            skipped_images: data.skipped,
            seconds: start.elapsed().as_secs_f64(),
        })
    }

    /// The dataset of a spec; the last one is kept for the runs that share it.
    fn data(&mut self, spec: &Spec) -> Result<Rc<Data>, Error> {
        let key = data_key(spec);
        if let Some((kept, data)) = &self.data
            && *kept == key
        {
            return Ok(Rc::clone(data));
        }
        self.data = None;
        let downloads = Downloads(&self.cache, &self.hub, self.progress);
        let size = spec.backbone.input_size;
        let data = Rc::new(data::load(
            &spec.dataset,
            size,
            spec.seed,
            &downloads,
            self.progress,
        )?);
        self.data = Some((key, Rc::clone(&data)));
        Ok(data)
    }
}

/// What a panic says.
fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it panicked".into())
}

/// Everything that decides a dataset's images and their order.
fn data_key(spec: &Spec) -> String {
    let by_seed = spec.dataset.validation != Validation::Tail
        || spec.dataset.name == DatasetName::ImageFolder;
    let seed = by_seed.then_some(spec.seed);
    format!("{:?} {} {seed:?}", spec.dataset, spec.backbone.input_size)
}

fn batches<'a>(
    spec: &'a Spec,
    data: &'a Data,
    split: Split,
    normalizer: &'a Normalizer,
    device: &'a Device,
) -> Batches<'a> {
    let augmented = split == Split::Training && spec.augmentation.is_active();
    Batches::new(
        split.of(data),
        normalizer,
        spec.backbone.input_size,
        augmented.then_some((&spec.augmentation, spec.seed)),
        device,
    )
}

/// What makes a saved model usable alone.
fn metadata(planned: &PlannedRun, normalizer: &Normalizer) -> BTreeMap<String, String> {
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
            json(serde_json::to_string(&planned.classes)),
        ),
        (
            "normalization".into(),
            json(serde_json::to_string(normalizer)),
        ),
        ("head".into(), json(serde_json::to_string(&spec.head))),
        ("spec".into(), spec.without_logistics().to_json()),
    ])
}
