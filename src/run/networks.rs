//! Networks that runs leave to those after them.
//!
//! Runs of a sweep often differ in what they train alone. What is frozen takes longer to be made, and to have its checksums
//! taken, than a small run; so the next run that freezes the same takes it over with what was found out of it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::planned::{PlannedRun, PlannedStage};
use super::start::{Download, Start};
use crate::features::Constant;
use crate::model::{Blueprint, Network, Weights};
use crate::spec::{self, Backbone, Contents};

/// So many bytes of networks are kept for runs that come later than the next, as where seeds alternate.
const SPARE: u64 = 16 << 20;

/// What of a file's tensors training changes is kept for the next run up to so many bytes.
const GIVEN: u64 = 4 << 20;

/// A network with what it was made of and what was found out of its frozen part.
#[derive(Debug)]
pub(super) struct Made {
    pub network: Network,
    /// What decides the values of its constant part.
    pub constant: Constant,
    /// The checksum of a file of its frozen tensors.
    pub frozen: OnceLock<String>,
    /// None where no other run can take it over.
    origin: Option<Origin>,
}

/// What decides a network before it is trained.
#[derive(Debug)]
struct Origin {
    blueprint: Arc<Blueprint>,
    backbone: Backbone,
    initial_weights: Option<PathBuf>,
    contents: Contents,
    /// None where all that is frozen comes from files.
    seed: Option<u64>,
    /// Of what it starts from, what training changes.
    weights: Weights,
    download: Option<Download>,
    /// Of its tensors.
    bytes: u64,
}

impl Origin {
    /// Of a network just made of these weights.
    fn of(planned: &PlannedRun, network: &Network, weights: &Weights) -> Option<Self> {
        let spec = &planned.run.spec;
        if !may_be_shared(planned) || network.frozen().next().is_none() {
            return None;
        }
        let is_drawn = network
            .frozen()
            .any(|(name, _)| !weights.contains_key(name));
        let changed = network.changed();
        let given = || {
            changed
                .iter()
                .filter_map(|(name, _)| weights.get_key_value(name))
        };
        let values = given().map(|(_, tensor)| tensor.data.len() as u64);
        if size_of::<f32>() as u64 * values.sum::<u64>() > GIVEN {
            return None;
        }
        Some(Origin {
            blueprint: Arc::clone(&planned.blueprint),
            backbone: spec.backbone.clone(),
            initial_weights: spec.training.initial_weights.clone(),
            contents: planned.run.contents.clone(),
            seed: is_drawn.then_some(spec.seed),
            weights: given().map(|(n, t)| (n.clone(), t.clone())).collect(),
            download: None,
            bytes: bytes(&planned.blueprint),
        })
    }

    /// Whether a run's network begins with the same frozen tensors.
    fn is_of(&self, planned: &PlannedRun) -> bool {
        let spec = &planned.run.spec;
        let is_its = Arc::ptr_eq(&self.blueprint, &planned.blueprint);
        // A file of a whole network gives tensors to the head too.
        let may_differ = self.initial_weights.is_none();
        (is_its || may_differ && freeze_the_same(&self.blueprint, &planned.blueprint))
            && self.backbone == spec.backbone
            && self.initial_weights == spec.training.initial_weights
            && self.contents == planned.run.contents
            && self.seed.is_none_or(|seed| seed == spec.seed)
    }
}

/// Of a network's tensors.
fn bytes(blueprint: &Blueprint) -> u64 {
    size_of::<f32>() as u64 * blueprint.parameter_count() as u64
}

/// Whether the same tensors are frozen.
fn freeze_the_same(one: &Blueprint, other: &Blueprint) -> bool {
    one.frozen_parameters().eq(other.frozen_parameters())
}

/// Whether a run's network can be that of another run: it is made once, on a CPU, of what stands in the spec.
fn may_be_shared(planned: &PlannedRun) -> bool {
    let spec = &planned.run.spec;
    let is_anchored = spec.optimizer.l2_sp.is_some();
    let builds_on_runs = matches!(spec.backbone.weights, spec::Weights::Experiment(_));
    let is_single = planned.stages.len() == 1;
    is_single && !is_anchored && !builds_on_runs && planned.device.device.is_cpu()
}

impl Made {
    /// A network that was just made of these weights for a run, to be left to others; not where nothing is known of the run.
    pub fn new(network: Network, of: Option<(&PlannedRun, &Weights)>) -> Self {
        Made {
            origin: of.and_then(|(planned, weights)| Origin::of(planned, &network, weights)),
            network,
            constant: Constant::default(),
            frozen: OnceLock::new(),
        }
    }

    /// The same, whose weights were downloaded from there.
    pub fn downloaded(mut self, download: Option<Download>) -> Self {
        if let Some(origin) = &mut self.origin {
            origin.download = download;
        }
        self
    }

    /// With its frozen tensors, the network of a run that takes it over and starts from these weights.
    ///
    /// # Errors
    /// As [`Network::new`].
    pub fn again(self, stage: &PlannedStage, weights: &Weights) -> candle_core::Result<Self> {
        let PlannedStage {
            blueprint, spec, ..
        } = stage;
        let is_same = self.network.blueprint.has_constant_part_of(blueprint);
        let network = self
            .network
            .again(Blueprint::clone(blueprint), weights, spec.seed)?;
        Ok(Made {
            network: network.computing_in(spec.training.precision),
            constant: if is_same {
                self.constant
            } else {
                Constant::default()
            },
            frozen: self.frozen,
            origin: self.origin.map(|origin| Origin {
                blueprint: Arc::clone(blueprint),
                bytes: bytes(blueprint),
                ..origin
            }),
        })
    }

    /// What a run that takes it over starts from.
    pub fn start(&self) -> Start {
        let origin = self.origin.as_ref();
        origin.map_or_else(Start::default, |origin| Start {
            weights: origin.weights.clone(),
            download: origin.download.clone(),
        })
    }

    /// Whether both freeze the same tensors.
    fn is_like(&self, other: &Made) -> bool {
        freeze_the_same(&self.network.blueprint, &other.network.blueprint)
    }

    fn bytes(&self) -> u64 {
        self.origin.as_ref().map_or(0, |origin| origin.bytes)
    }
}

/// The networks that no run has at the moment, those left last at the end.
#[derive(Debug, Default)]
pub(super) struct Networks(Mutex<Vec<Made>>);

impl Networks {
    /// One that a run can take over. Where there is none, no more are kept than take little memory: the run makes its own.
    pub fn take(&self, planned: &PlannedRun) -> Option<Made> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_its = |made: &Made| made.origin.as_ref().is_some_and(|o| o.is_of(planned));
        match idle.iter().rposition(is_its) {
            Some(at) if may_be_shared(planned) => Some(idle.remove(at)),
            _ => {
                forget(&mut idle, 0);
                None
            }
        }
    }

    /// Leaves one to others.
    pub fn leave(&self, made: Made) {
        if made.origin.is_none() {
            return;
        }
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(made);
        // The next run wants the last one, however large it is.
        forget(&mut idle, 1);
    }

    /// Forgets all, where no further run begins soon.
    pub fn forget(&self) {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.clear();
    }
}

/// Forgets networks until the rest takes little memory, or only so many are left: those of other kinds than the last first.
/// Of the same kind the last but one, and not the first: where more seeds alternate than there is room for, each is wanted
/// again once all others were, and some of them are then there.
fn forget(idle: &mut Vec<Made>, keep: usize) {
    let mut bytes: u64 = idle.iter().map(Made::bytes).sum();
    while bytes > SPARE && idle.len() > keep {
        let Some(last) = idle.last() else { break };
        let other = idle.iter().position(|made| !made.is_like(last));
        let at = other.unwrap_or(idle.len().saturating_sub(2));
        bytes -= idle.remove(at).bytes();
    }
}
