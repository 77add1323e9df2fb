//! Everything that changes while a run trains.

use std::borrow::Cow;
use std::sync::Arc;

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::average::Average;
use super::checkpoint::Checkpoint;
use super::earlier::Earlier;
use super::early_stopping::{EarlyStopping, Watched};
use super::epoch::Epoch;
use super::error::Error;
use super::event::Batch;
use crate::metric::{Ranking, Tally};
use crate::model::weights::HostTensor;
use crate::model::{Network, Weights};
use crate::optim::{Optimizer, OptimizerState, Schedule, ScheduleState};

/// Changes with the layout of [`Saved`] and of the tensors' names.
const FORMAT: u32 = 2;

/// What the tensors of a checkpoint are for, before their names.
const WEIGHTS: &str = "weights.";
const OPTIMIZER: &str = "optimizer.";
const BEST: &str = "best.";
const AVERAGE: &str = "average.";
const RANKING: &str = "ranking.";
/// Of what stages before this one learned, and this one does not.
const EARLIER: &str = "earlier.";

/// Of the probabilities that the epoch in progress keeps.
const SCORES: &str = "scores";
const LABELS: &str = "labels";

/// The state of the loop; the weights are the network's.
pub(super) struct State {
    pub optimizer: Optimizer,
    pub schedule: Schedule,
    pub stopping: EarlyStopping,
    /// Of the weights, where it is what is evaluated and saved.
    pub average: Option<Average>,
    /// The weights of the best epoch, where they are wanted at the end.
    pub best: Option<Weights>,
    /// What earlier stages learned.
    earlier: Arc<Weights>,
    pub at: Position,
    /// Batches whose results are not read yet: a GPU need not wait for the host at each.
    pub unread: Vec<Unread>,
    /// The step as a GPU has it.
    #[cfg(feature = "cuda")]
    pub captured: super::gpu_step::GpuStep,
    /// Those that are read and not told of yet.
    pub untold: Vec<Batch>,
}

/// What a batch gave, where it was computed.
pub(super) struct Unread {
    /// From 1.
    pub epoch: usize,
    /// From 1, of as many.
    pub batch: usize,
    pub batches: usize,
    pub learning_rate: f64,
    /// Their mean.
    pub loss: Tensor,
    /// `[batch, classes]`
    pub logits: Tensor,
    pub labels: Vec<u32>,
}

/// How far a run is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Position {
    /// How many stages are done, and the epochs and updates of these.
    #[serde(default)]
    pub stages: usize,
    #[serde(default)]
    pub epochs_before: usize,
    #[serde(default)]
    pub steps_before: u64,
    /// Updates done, in all stages.
    pub step: u64,
    pub stopped_early: bool,
    /// From 1; 0 before the first epoch that was the best.
    pub best_epoch: usize,
    pub running: Running,
    /// Those that have ended, in all stages.
    pub epochs: Vec<Epoch>,
}

impl Position {
    /// Epochs of the present stage that have ended.
    pub fn epochs_of_stage(&self) -> usize {
        self.epochs.len().saturating_sub(self.epochs_before)
    }

    /// Updates of the present stage.
    pub fn steps_of_stage(&self) -> u64 {
        self.step.saturating_sub(self.steps_before)
    }
}

/// The epoch in progress.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Running {
    /// Batches done.
    pub batches: usize,
    /// Of the last batch.
    pub learning_rate: f64,
    /// Spent on them.
    pub seconds: f64,
    pub tally: Tally,
}

/// What of a state is no tensor.
#[derive(Serialize, Deserialize)]
struct Saved<'a> {
    format: u32,
    optimizer_steps: u64,
    schedule: ScheduleState,
    stopping: Watched,
    position: Cow<'a, Position>,
}

impl Running {
    /// An epoch before its first batch.
    pub fn new(tally: Tally) -> Self {
        Running {
            batches: 0,
            learning_rate: 0.0,
            seconds: 0.0,
            tally,
        }
    }
}

impl State {
    /// A run before its first batch.
    pub fn new(
        optimizer: Optimizer,
        schedule: Schedule,
        stopping: EarlyStopping,
        tally: Tally,
        earlier: &Earlier,
    ) -> Self {
        State {
            optimizer,
            schedule,
            stopping,
            average: None,
            best: None,
            earlier: Arc::clone(&earlier.learned),
            unread: Vec::new(),
            untold: Vec::new(),
            #[cfg(feature = "cuda")]
            captured: super::gpu_step::GpuStep::default(),
            at: Position {
                stages: earlier.stages,
                epochs_before: earlier.epochs.len(),
                steps_before: earlier.steps,
                step: earlier.steps,
                stopped_early: false,
                best_epoch: 0,
                running: Running::new(tally),
                epochs: earlier.epochs.clone(),
            },
        }
    }

    /// What `f` gives while the network has the weights that are evaluated and saved.
    pub fn as_result<T>(&self, f: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        match &self.average {
            Some(average) => average.during(f),
            None => f(),
        }
    }

    /// What a checkpoint holds, copied.
    pub fn checkpoint(&self, network: &Network) -> Result<Checkpoint, Error> {
        let optimizer = self.optimizer.state()?;
        let mut tensors = Weights::new();
        // Each is dropped once it is copied: the optimizer's are the most of what a run has in memory.
        for (name, tensor) in optimizer.tensors {
            tensors.insert(format!("{OPTIMIZER}{name}"), to_host(&tensor)?);
        }
        for (name, tensor) in network.learned()? {
            tensors.insert(format!("{WEIGHTS}{name}"), tensor);
        }
        for (name, tensor) in self.earlier.iter() {
            if !tensors.contains_key(&format!("{WEIGHTS}{name}")) {
                tensors.insert(format!("{EARLIER}{name}"), tensor.clone());
            }
        }
        for (name, tensor) in self.average.iter().flat_map(Average::tensors) {
            tensors.insert(format!("{AVERAGE}{name}"), to_host(tensor)?);
        }
        for (name, tensor) in self.best.iter().flatten() {
            tensors.insert(format!("{BEST}{name}"), tensor.clone());
        }
        let ranking = self.at.running.tally.ranking().map(ranking_to_host);
        for (name, tensor) in ranking.into_iter().flatten() {
            tensors.insert(format!("{RANKING}{name}"), tensor);
        }
        let saved = Saved {
            format: FORMAT,
            optimizer_steps: optimizer.steps,
            schedule: self.schedule.state(),
            stopping: self.stopping.watched(),
            position: Cow::Borrowed(&self.at),
        };
        // TOML keeps every bit of a float, NaN and infinities included; JSON does not.
        let state = toml::to_string(&saved).map_err(|e| Error::State(e.to_string()))?;
        Ok(Checkpoint { tensors, state })
    }

    /// Resumes from a checkpoint of the same run: this state, which is new, and the network's weights.
    ///
    /// # Errors
    /// Why it is none of this run.
    pub fn resume(&mut self, checkpoint: Checkpoint, network: &Network) -> Result<(), String> {
        let saved = Saved::read(&checkpoint.state)?;
        let mut tensors = checkpoint.tensors;
        let weights = take(&mut tensors, WEIGHTS);
        let slots = take(&mut tensors, OPTIMIZER);
        let best = take(&mut tensors, BEST);
        let averages = take(&mut tensors, AVERAGE);
        let ranking = take(&mut tensors, RANKING);
        let slots = slots.iter().map(|(name, tensor)| {
            let tensor = Tensor::from_slice(&tensor.data, tensor.shape.as_slice(), &Device::Cpu)?;
            Ok((name.clone(), tensor))
        });
        let optimizer = OptimizerState {
            steps: saved.optimizer_steps,
            tensors: slots
                .collect::<candle_core::Result<_>>()
                .map_err(|e| e.to_string())?,
        };
        self.optimizer
            .load_state(&optimizer)
            .map_err(|e| e.to_string())?;
        network.restore(&weights).map_err(|e| e.to_string())?;
        if let Some(average) = &self.average {
            average.resume(&averages)?;
        }
        self.schedule.load_state(saved.schedule);
        self.stopping.resume(saved.stopping);
        self.best = (!best.is_empty()).then_some(best);
        let mut at = saved.position.into_owned();
        at.running.tally = at.running.tally.as_in(&self.at.running.tally);
        self.at = at;
        let tally = &mut self.at.running.tally;
        let classes = tally.classes().len();
        if let Some(kept) = tally.ranking_mut() {
            put_back(kept, &ranking, classes)?;
        }
        Ok(())
    }
}

impl Saved<'_> {
    /// # Errors
    /// Another version's.
    fn read(state: &str) -> Result<Self, String> {
        let saved: Self = toml::from_str(state)
            .map_err(|e| format!("another version of the runner wrote it ({})", e.message()))?;
        match saved.format {
            FORMAT => Ok(saved),
            other => Err(format!(
                "another version of the runner wrote it (format {other}, here {FORMAT})"
            )),
        }
    }
}

/// Whether a checkpoint is of the stage that follows so many.
///
/// # Errors
/// Why it cannot be told.
pub(super) fn is_of_stage(checkpoint: &Checkpoint, stages: usize) -> Result<bool, String> {
    Ok(Saved::read(&checkpoint.state)?.position.stages == stages)
}

/// What was done before the stage that a checkpoint is of.
///
/// # Errors
/// Why it cannot be told.
pub(super) fn earlier(checkpoint: Checkpoint) -> Result<Earlier, String> {
    let Position {
        stages,
        epochs_before,
        steps_before,
        mut epochs,
        ..
    } = Saved::read(&checkpoint.state)?.position.into_owned();
    epochs.truncate(epochs_before);
    let mut tensors = checkpoint.tensors;
    Ok(Earlier {
        stages,
        epochs,
        steps: steps_before,
        learned: Arc::new(take(&mut tensors, EARLIER)),
    })
}

/// Takes out what begins with a prefix, without it.
fn take(tensors: &mut Weights, prefix: &str) -> Weights {
    let taken = tensors.extract_if(.., |name, _| name.starts_with(prefix));
    let bare = |name: String| name.strip_prefix(prefix).unwrap_or(&name).to_owned();
    taken.map(|(name, tensor)| (bare(name), tensor)).collect()
}

/// What a ranking keeps as tensors; the numbers of the labels are exact in float32.
fn ranking_to_host(ranking: &Ranking) -> [(&'static str, HostTensor); 2] {
    let (scores, labels) = ranking.kept();
    let tensor = |data: Vec<f32>| HostTensor {
        shape: vec![data.len()],
        data,
    };
    let labels = labels.iter().map(|label| *label as f32).collect();
    [(SCORES, tensor(scores.to_vec())), (LABELS, tensor(labels))]
}

/// The reverse of [`ranking_to_host`].
fn put_back(ranking: &mut Ranking, kept: &Weights, classes: usize) -> Result<(), String> {
    let values = |name| kept.get(name).map_or(&[][..], |tensor| &tensor.data);
    let labels = values(LABELS).iter().map(|label| *label as u32).collect();
    ranking.put_back(values(SCORES), labels, classes)
}

fn to_host(tensor: &Tensor) -> Result<HostTensor, Error> {
    Ok(HostTensor {
        shape: tensor.dims().to_vec(),
        data: tensor.flatten_all()?.to_vec1()?,
    })
}
