//! What does runs: what they share, prepared once.
//!
//! Several may be done at a time. What they share — the dataset in memory, the frozen part's outputs, downloads — is
//! prepared for one after the other, on all threads; each trains on its own.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::error::Error;
use super::images;
use super::memory::Memory;
use super::networks::Networks;
use super::planned::PlannedRun;
use super::start::{self, Start, Upstream};
use crate::data::{self, Data, Loaded, Resizing, Wanted};
use crate::features::Store;
use crate::fetch::{self, Cache, Hub, Timeouts};
use crate::machine;
use crate::model::Blueprint;
use crate::progress::Progress;
use crate::spec::{DatasetName, Spec};
use crate::stop::Stop;

/// Does runs and keeps what they share.
pub struct Executor<'a> {
    pub(super) cache: Cache,
    pub(super) hub: Hub,
    pub(super) upstream: Upstream,
    pub(super) progress: &'a dyn Progress,
    pub(super) stop: Stop,
    pub(super) memory: Memory,
    pub(super) networks: Networks,
    shared: Mutex<Shared>,
    /// What was said of runs' data, once for all of them.
    said: Mutex<HashSet<String>>,
    /// Runs that cannot be done, by their ids: why.
    pub(super) unavailable: HashMap<String, String>,
}

/// What runs share, for one at a time.
pub(super) struct Shared {
    /// The last dataset read, by what decides what is read.
    loaded: Option<(String, Loaded)>,
    pub(super) features: Store,
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
    pub fn new(stop: Stop, progress: &'a dyn Progress) -> Result<Self, Error> {
        let (cache, hub) = (Cache::from_env()?, Hub::from_env());
        let patience = Timeouts::factor()?;
        Ok(Executor {
            shared: Mutex::new(Shared {
                loaded: None,
                features: Store::new(&cache, stop.clone(), patience),
            }),
            memory: Memory::new(machine::memory()),
            networks: Networks::default(),
            said: Mutex::default(),
            stop,
            cache,
            hub,
            upstream: Upstream::new(),
            progress,
            unavailable: HashMap::new(),
        })
    }

    /// Runs that build on others find their models there; the unavailable ones, by their ids, fail with what is said of
    /// each.
    pub fn set_starts(&mut self, upstream: Upstream, unavailable: HashMap<String, String>) {
        self.upstream = upstream;
        self.unavailable = unavailable;
    }

    /// Forgets what only further runs would use.
    pub fn rest(&self) {
        self.networks.forget();
    }

    /// What a run starts from, downloaded where it has to be.
    pub(super) fn start(
        &self,
        spec: &Spec,
        run: &str,
        blueprint: &Blueprint,
    ) -> Result<Start, Error> {
        let services = (&self.cache, &self.hub);
        start::weights(
            spec,
            run,
            blueprint,
            &self.upstream,
            services,
            self.progress,
        )
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
    pub(super) fn say_once(&self, remark: String) {
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
