//! The runs of an experiment with their networks, checked before any data is read.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::data::{self, Counts, Survey};
use crate::device::{self, Chosen};
use crate::foreign::one_line;
use crate::model::Blueprint;
use crate::run::{
    Checked, DecodedImages, PlannedRun, PlannedStage, Preparation, check_disk, check_start,
};
use crate::spec::{self, Experiment, Precision, Problem, Run};
use crate::text::counted;

/// All runs of an experiment.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub runs: Vec<PlannedRun>,
    /// What is to be said of the files that the runs start from, each thing once.
    notes: BTreeSet<String>,
}

impl Plan {
    /// Plans every run.
    ///
    /// # Errors
    /// The first mistake, with the index of its run.
    pub fn new(experiment: &Experiment) -> Result<Plan, (usize, Problem)> {
        let mut plan = Plan::default();
        plan.extend(experiment, &mut Planner::default())?;
        Ok(plan)
    }

    /// Plans the runs that were added to the experiment since.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn extend(
        &mut self,
        experiment: &Experiment,
        planner: &mut Planner,
    ) -> Result<(), (usize, Problem)> {
        let watched = experiment.sweep.watched();
        for (i, run) in experiment.runs.iter().enumerate().skip(self.runs.len()) {
            let planned = planner.plan(run).map_err(|problem| (i, problem))?;
            check_monitors(watched.iter(), &run.spec, planned.images)
                .map_err(|problem| (i, problem))?;
            self.runs.push(planned);
        }
        self.notes.clone_from(&planner.notes);
        Ok(())
    }

    /// Of the runs at these places alone, each until it has done so many epochs, or to its end.
    pub fn until(&self, places: &BTreeMap<usize, Option<usize>>) -> Plan {
        let run = |(at, until): (&usize, &Option<usize>)| {
            let planned = self.runs.get(*at)?.clone();
            Some(PlannedRun {
                until: *until,
                ..planned
            })
        };
        Plan {
            runs: places.iter().filter_map(run).collect(),
            notes: self.notes.clone(),
        }
    }

    /// Of these runs alone, in the same order.
    pub fn only(&self, ids: &BTreeSet<String>) -> Plan {
        let runs = self.runs.iter();
        let chosen = runs.filter(|planned| ids.contains(&planned.run.id));
        Plan {
            runs: chosen.cloned().collect(),
            notes: self.notes.clone(),
        }
    }

    /// A line for each choice that the specs leave open: the device, how files are read that need an interpretation,
    /// and what a dataset's files are taken for.
    pub fn choices(&self) -> BTreeSet<Cow<'_, str>> {
        let devices = self.runs.iter().filter_map(|run| run.device.why.as_ref());
        let datasets = self.runs.iter().flat_map(|run| run.notes.iter());
        let all = devices.chain(&self.notes).chain(datasets);
        all.map(|line| one_line(line)).collect()
    }
}

/// What the runs share and is looked up once.
#[derive(Debug, Default)]
pub struct Planner {
    devices: Vec<((spec::Device, Precision), Chosen)>,
    /// By the dataset's keys.
    datasets: HashMap<String, Surveyed>,
    weights: Checked,
    notes: BTreeSet<String>,
    /// The datasets and sizes of images that are decoded onto the disk.
    decoded: HashSet<String>,
    /// By what they are made of.
    blueprints: HashMap<String, Arc<Blueprint>>,
    /// By what they depend on.
    preparations: HashMap<String, Option<Arc<Preparation>>>,
}

impl Planner {
    fn plan(&mut self, run: &Run) -> Result<PlannedRun, Problem> {
        let spec = &run.spec;
        let device = self.device(&spec.training)?;
        let dataset = self.dataset(&spec.dataset)?;
        let divided = dataset.divide(&spec.dataset, spec.seed)?;
        let (images, notes) = (divided.counts, Arc::clone(&divided.notes));
        let uneven = divided.uneven.clone();
        let classes = Arc::clone(&dataset.classes);
        let footprint = dataset.survey.footprint;
        // What the classes of folders are is known only here.
        if let Some(problem) = spec::pointless_metric(&spec.training, classes.len()) {
            return Err(problem);
        }
        if spec.training.class_weights.is_none() && spec.training.sampler.is_none() {
            self.notes.extend(uneven);
        }
        let stages = self.stages(spec, (images, &classes))?;
        let last = stages.last().map(|stage| Arc::clone(&stage.blueprint));
        let blueprint = match last {
            Some(blueprint) => blueprint,
            None => self.blueprint(spec, classes.len())?,
        };
        self.notes
            .extend(check_start(spec, &blueprint, &mut self.weights)?);
        let preparation = self.preparation(spec)?;
        let planned = PlannedRun {
            run: run.clone(),
            blueprint,
            stages,
            classes,
            images,
            footprint,
            notes,
            device,
            until: None,
            preparation,
        };
        self.decoded(&planned)?;
        Ok(planned)
    }

    /// Looks at where a run's decoded images go, once for those that have the same.
    fn decoded(&mut self, planned: &PlannedRun) -> Result<(), Problem> {
        let spec = &planned.run.spec;
        let key = format!("{:?} {}", spec.dataset, spec.backbone.input_size);
        let Some(images) = DecodedImages::of(planned).filter(DecodedImages::are_on_disk) else {
            return Ok(());
        };
        if self.decoded.insert(key) {
            check_disk(planned)?;
            self.notes.extend(images.note(planned));
        }
        Ok(())
    }

    /// What is done one after another.
    fn stages(
        &mut self,
        spec: &Arc<spec::Spec>,
        (images, classes): (Option<Counts>, &[String]),
    ) -> Result<Vec<PlannedStage>, Problem> {
        if spec.stage.is_empty() {
            // The run's own spec: a sweep has many.
            let stage = self.stage((None, Arc::clone(spec)), images, classes);
            return Ok(vec![stage?]);
        }
        let stages = spec.stages()?.into_iter().enumerate();
        stages
            .map(|(i, stage)| {
                let stage = self.stage((stage.name, Arc::new(stage.spec)), images, classes);
                stage.map_err(|problem| spec.in_stage(i, problem))
            })
            .collect()
    }

    /// What is done with a spec of its own.
    fn stage(
        &mut self,
        (name, spec): (Option<String>, Arc<spec::Spec>),
        images: Option<Counts>,
        classes: &[String],
    ) -> Result<PlannedStage, Problem> {
        let monitors: Vec<_> = spec.monitors().collect();
        check_monitors(monitors.iter(), &spec, images)?;
        if let Some(problem) = spec::unknown_weighted_class(&spec.training, classes) {
            return Err(problem);
        }
        let blueprint = self.blueprint(&spec, classes.len())?;
        blueprint.rate_factors(&spec)?;
        if self.device(&spec.training)?.device.is_cuda() {
            check_on_gpu(&spec)?;
        }
        Ok(PlannedStage {
            blueprint,
            name,
            spec,
        })
    }

    fn preparation(&mut self, spec: &spec::Spec) -> Result<Option<Arc<Preparation>>, Problem> {
        let start = &spec.training.initial_weights;
        let (backbone, images) = (&spec.backbone, (&spec.resize, &spec.normalization));
        let key = format!("{backbone:?} {start:?} {images:?}");
        if let Some(known) = self.preparations.get(&key) {
            return Ok(known.clone());
        }
        let found = Preparation::planned(spec)?.map(Arc::new);
        let said = found.as_ref().and_then(|found| found.assumption.clone());
        self.notes.extend(said);
        self.preparations.insert(key, found.clone());
        Ok(found)
    }

    fn blueprint(&mut self, spec: &spec::Spec, classes: usize) -> Result<Arc<Blueprint>, Problem> {
        let (backbone, freeze, head) = (&spec.backbone, &spec.freeze, &spec.head);
        let key = format!("{backbone:?} {freeze:?} {head:?} {classes}");
        if let Some(known) = self.blueprints.get(&key) {
            return Ok(Arc::clone(known));
        }
        let blueprint = Arc::new(Blueprint::new(spec, classes)?);
        self.notes
            .extend(idle_batch_norm(spec, &blueprint, classes)?);
        self.blueprints.insert(key, Arc::clone(&blueprint));
        Ok(blueprint)
    }

    fn device(&mut self, training: &spec::Training) -> Result<Chosen, Problem> {
        let wanted = (training.device, training.precision);
        if let Some((_, chosen)) = self.devices.iter().find(|(known, _)| *known == wanted) {
            return Ok(chosen.clone());
        }
        let chosen = device::choose(training)?;
        self.devices.push((wanted, chosen.clone()));
        Ok(chosen)
    }

    fn dataset(&mut self, dataset: &spec::Dataset) -> Result<&mut Surveyed, Problem> {
        match self.datasets.entry(format!("{dataset:?}")) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => {
                let survey =
                    data::survey(dataset).map_err(|error| error.into_problem("dataset.path"))?;
                Ok(place.insert(Surveyed {
                    classes: Arc::new(survey.classes.clone()),
                    survey,
                    divided: HashMap::new(),
                }))
            }
        }
    }
}

/// Refuses what a GPU does not compute.
fn check_on_gpu(spec: &spec::Spec) -> Result<(), Problem> {
    let (optimizer, training) = (&spec.optimizer, &spec.training);
    let on_cpu = [
        (
            optimizer.is_adjusted(),
            "optimizer.layer_decay, rates, clip_norm and l2_sp",
        ),
        (training.ema > 0.0, "training.ema"),
        (training.accumulate > 1, "training.accumulate"),
    ];
    let named: Vec<&str> = on_cpu
        .iter()
        .filter(|(is, _)| *is)
        .map(|(_, n)| *n)
        .collect();
    if named.is_empty() {
        return Ok(());
    }
    let message = format!("on a CPU only so far: {}", named.join("; "));
    let problem = Problem::new("training.device", message);
    Err(problem.help("set training.device = \"cpu\", or remove them"))
}

/// What is to be said of `freeze.batch_norm` where it changes nothing.
fn idle_batch_norm(
    spec: &spec::Spec,
    blueprint: &Blueprint,
    classes: usize,
) -> Result<Option<String>, Problem> {
    let mode = spec.freeze.batch_norm;
    let mut plain = spec.clone();
    plain.freeze.batch_norm = spec::BatchNormMode::default();
    if plain == *spec || Blueprint::new(&plain, classes)?.cut != blueprint.cut {
        return Ok(None);
    }
    Ok(Some(format!(
        "freeze.batch_norm = \"{mode}\" changes nothing where {} has no frozen batch norm",
        spec.backbone.arch
    )))
}

/// A dataset that runs share, with what each seed makes of it.
#[derive(Debug)]
struct Surveyed {
    survey: Survey,
    classes: Arc<Vec<String>>,
    divided: HashMap<u64, Divided>,
}

/// What a seed makes of a dataset.
#[derive(Debug)]
struct Divided {
    counts: Option<Counts>,
    notes: Arc<[String]>,
    /// What is to be said of classes of very different sizes.
    uneven: Option<String>,
}

impl Surveyed {
    fn divide(&mut self, dataset: &spec::Dataset, seed: u64) -> Result<&Divided, Problem> {
        let seed = match self.survey.depends_on_seed(dataset) {
            true => seed,
            false => 0,
        };
        match self.divided.entry(seed) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => {
                let division = self.survey.divide(dataset, seed)?;
                let notes = self.survey.notes.iter().cloned().chain(division.notes);
                Ok(place.insert(Divided {
                    counts: division.counts,
                    notes: notes.collect(),
                    uneven: uneven(&self.classes, &division.training, dataset.multi_label),
                }))
            }
        }
    }
}

/// What is said where the largest class has many times as many training images as the smallest.
fn uneven(classes: &[String], training: &[usize], multi_label: bool) -> Option<String> {
    const MANY: usize = 10;
    let sizes = || {
        classes
            .iter()
            .zip(training)
            .filter(|(_, count)| **count > 0)
    };
    let (large, most) = sizes().max_by_key(|(_, count)| **count)?;
    let (small, least) = sizes().min_by_key(|(_, count)| **count)?;
    let or_sampler = if multi_label {
        ""
    } else {
        " or training.sampler"
    };
    (*most >= MANY.saturating_mul(*least)).then(|| {
        format!(
            "the classes are of very different sizes: {} of \"{large}\", {least} of \"{small}\"; \
             training.class_weights{or_sampler} = \"balanced\" makes up for it",
            counted(*most, "training image")
        )
    })
}

/// Refuses to watch what is measured on validation images where there are none.
fn check_monitors<'a>(
    mut monitors: impl Iterator<Item = &'a spec::Monitor>,
    spec: &spec::Spec,
    images: Option<Counts>,
) -> Result<(), Problem> {
    let Some(monitor) = monitors.find(|monitor| monitor.needs_validation()) else {
        return Ok(());
    };
    if images.is_none_or(|images| images.validation > 0) {
        return Ok(());
    }
    let (key, metric) = (monitor.key, &monitor.metric);
    let split = spec.dataset.validation_split;
    let message = format!(
        "`{key}` watches \"{metric}\", but there are no validation images: no folder for them holds any, and \
         `dataset.validation_split = {split}` holds none out"
    );
    Err(Problem::new(key, message).help(
        "set `dataset.validation_split`, fill the folder val/, or watch a training metric, e.g. \"loss\"",
    ))
}
