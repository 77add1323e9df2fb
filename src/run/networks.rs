//! Networks that runs leave to those after them.
//!
//! Runs of a sweep often differ in what they train alone. What is frozen takes longer to be made, and to have its checksums
//! taken, than a small run; so the next run of the same network takes it over with what was found out of it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::planned::PlannedRun;
use super::start::{Download, Start};
use crate::features::Constant;
use crate::model::{Blueprint, Network, Weights};
use crate::spec::{self, Contents};

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
            initial_weights: spec.training.initial_weights.clone(),
            contents: planned.run.contents.clone(),
            seed: is_drawn.then_some(spec.seed),
            weights: given().map(|(n, t)| (n.clone(), t.clone())).collect(),
            download: None,
            bytes: size_of::<f32>() as u64 * planned.blueprint.parameter_count() as u64,
        })
    }

    /// Whether a run's network begins with the same frozen tensors.
    fn is_of(&self, planned: &PlannedRun) -> bool {
        let spec = &planned.run.spec;
        Arc::ptr_eq(&self.blueprint, &planned.blueprint)
            && self.initial_weights == spec.training.initial_weights
            && self.contents == planned.run.contents
            && self.seed.is_none_or(|seed| seed == spec.seed)
    }
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

    /// What a run that takes it over starts from.
    pub fn start(&self) -> Start {
        let origin = self.origin.as_ref();
        origin.map_or_else(Start::default, |origin| Start {
            weights: origin.weights.clone(),
            download: origin.download.clone(),
        })
    }

    /// The same for networks of the same kind.
    fn blueprint(&self) -> Option<*const Blueprint> {
        let origin = self.origin.as_ref()?;
        Some(Arc::as_ptr(&origin.blueprint))
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
        let last = idle.last().and_then(Made::blueprint);
        let is_other = |made: &Made| made.blueprint() != last;
        let other = idle.iter().position(is_other);
        let at = other.unwrap_or(idle.len().saturating_sub(2));
        bytes -= idle.remove(at).bytes();
    }
}
