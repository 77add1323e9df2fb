//! Probes of a backbone: one pass over the images, no training.

use super::error::Error;
use super::executor::Executor;
use super::planned::PlannedRun;
use super::start;
use crate::data::{Batches, Data};
use crate::features::Split;
use crate::machine;
use crate::model::{Blueprint, Network};
use crate::probe::{self, Boundary, PROBES, Parts, Pooled, Row};
use crate::spec::{FreezeThrough, Problem, Spec, Weights};
use crate::text::{bytes, thousands};

/// Fits are done on double precision copies of the widest tables.
const COPIES: u64 = 6;

impl Executor<'_> {
    /// What probes say of every boundary of a run's backbone, with all of it frozen and without augmentation. Rows are of a
    /// `backbone` by its name.
    ///
    /// # Errors
    /// Data or weights that cannot be had; too few images of a part; more memory than there is.
    pub fn probe(&self, planned: &PlannedRun, backbone: &str) -> Result<Vec<Row>, Error> {
        let (run, device) = (&planned.run, &planned.device.device);
        let mut spec = Spec::clone(&run.spec);
        spec.freeze.through = FreezeThrough::All;
        spec.freeze.train = None;
        spec.freeze.batch_norm = Default::default();
        let blueprint = Blueprint::new(&spec, planned.classes.len())?;
        let initial = self.start(&spec, &run.id, &blueprint)?;
        let preparation = start::preparation(&spec, &run.id, &self.upstream)?;
        let resizing = preparation.resizing;
        let data = self.prepare(|shared| self.data(shared, planned, resizing))?;
        let boundaries = probe::boundaries(&blueprint);
        check(&data, &boundaries)?;
        let normalizer = preparation.normalizer(&spec, &data.train)?;
        let network = Network::new(blueprint, &initial.weights, spec.seed, device)?
            .computing_in(spec.training.precision);
        let collect = |split: Split| -> Result<Vec<Pooled>, Error> {
            let batches = Batches::new(split.of(&data), &normalizer, resizing, None, device);
            let what = format!("{backbone} on {split}");
            self.progress
                .start(&what, Some(batches.len() as u64), false);
            let told = (self.progress, &self.stop);
            let tables = probe::collect(&network, &batches, &boundaries, told);
            self.progress.finish();
            self.stop.check()?;
            Ok(tables?)
        };
        let [training, validation, test] = Split::ALL.map(collect);
        let tables = training?.into_iter().zip(validation?).zip(test?);
        let what = format!("probes of {backbone}");
        self.progress
            .start(&what, Some(boundaries.len() as u64), false);
        let mut rows = Vec::new();
        for (boundary, ((training, validation), test)) in boundaries.iter().zip(tables) {
            let labels = Split::ALL.map(|split| split.of(&data).labels().collect());
            let parts = Parts::new([training, validation, test], labels, data.classes.len());
            let operations = operations(&spec, data.classes.len(), boundary)?;
            for probe in PROBES {
                self.stop.check()?;
                rows.push(Row {
                    backbone: backbone.to_owned(),
                    boundary: boundary.name.clone(),
                    layers: boundary.layers,
                    training_operations: operations,
                    is_pretrained: spec.backbone.weights != Weights::Random,
                    ..probe::fit(probe, &parts)?
                });
            }
            self.progress.advance(1);
        }
        self.progress.finish();
        Ok(rows)
    }
}

/// What a training step computes for an image where the backbone is frozen up to a boundary, and what is frozen was
/// computed before.
fn operations(spec: &Spec, classes: usize, boundary: &Boundary) -> Result<u64, Error> {
    let mut frozen = spec.clone();
    frozen.freeze.through = FreezeThrough::Layer(boundary.name.clone());
    let blueprint = Blueprint::new(&frozen, classes)?;
    let graph = &blueprint.graph;
    let constant = blueprint.cut.constant().into_iter();
    let nodes = constant.filter_map(|node| graph.nodes().get(node));
    let once: u64 = nodes.map(|node| graph.multiplications(node)).sum();
    Ok(blueprint.cost(0).training.saturating_sub(once))
}

/// Refuses what cannot be probed.
fn check(data: &Data, boundaries: &[Boundary]) -> Result<(), Problem> {
    if data.train.label_sets().is_some() {
        let message = "probes tell one class of an image from others, and `dataset.multi_label` gives several";
        return Err(Problem::new("dataset.multi_label", message));
    }
    if data.train.is_empty() || data.validation.is_empty() {
        let which = match data.train.is_empty() {
            true => "training",
            false => "validation",
        };
        let message = format!(
            "there are no {which} images: probes learn from training images and are chosen by validation images"
        );
        return Err(Problem::new("dataset.validation_split", message)
            .help("set dataset.validation_split, e.g. to 0.1"));
    }
    let images = Split::ALL.map(|split| split.of(data).len()).iter().sum();
    let widest = boundaries.iter().map(|boundary| boundary.dimensions).max();
    let widest = 4 * widest.unwrap_or(0) as u64 * images as u64;
    let needed = probe::bytes(boundaries, images) + COPIES * widest;
    match machine::memory() {
        Some(there) if needed > there => {
            let message = format!(
                "the pooled features of {} images take {} of memory, and there are {}",
                thousands(images),
                bytes(needed),
                bytes(there)
            );
            Err(Problem::new("dataset.train_limit", message)
                .help("probe a part of the images: --set dataset.train_limit=N --set dataset.test_limit=N"))
        }
        _ => Ok(()),
    }
}
