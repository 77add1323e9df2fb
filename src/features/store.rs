//! Features by what decides them: in memory, in the cache folder, or computed.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock, Weak};

use super::Error;
use super::budget::Room;
use super::compute::{self, Source};
use super::destination::{Destination, Kept};
use super::folder::Folder;
use super::key::{self, Key, Sum};
use super::policy::{self, Estimate, Reason};
use super::turn::Turn;
use super::{Features, OfSplit, Split};
use crate::claim::Claims;
use crate::data::{Batches, Data, Normalizer, Part, Resizing, View};
use crate::fetch::Cache;
use crate::graph::Stage;
use crate::model::Network;
use crate::progress::Progress;
use crate::spec::Spec;
use crate::stop::Stop;
use crate::text::thousands;

/// So many views' checksums are kept.
const VIEWS: usize = 8;

/// The features of one experiment's runs.
///
/// In memory they stay within the budget of the run that asks: those that no run uses and that were not
/// used for the longest time go first.
pub struct Store {
    folder: Folder,
    /// The last used at the end.
    kept: Vec<(Key, Arc<Features>)>,
    /// What decides the images of the views last seen, the last used at the end.
    images: Vec<(Weak<Part>, Vec<u32>, Sum)>,
    /// What has been said, not to be said again for every run.
    told: HashSet<String>,
    claims: Claims,
    stop: Stop,
}

/// What decides what a network's constant part gives for an image; found out once, as it reads every frozen tensor.
#[derive(Debug, Default)]
pub struct Constant(OnceLock<Vec<(Stage, Sum)>>);

impl Constant {
    fn of(&self, network: &Network) -> candle_core::Result<&[(Stage, Sum)]> {
        if let Some(stages) = self.0.get() {
            return Ok(stages);
        }
        let stages = key::stages(network)?;
        Ok(self.0.get_or_init(|| stages))
    }
}

/// Whose features are asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Amount {
    /// All images'.
    All,
    /// As many as there is room for, from the first image on.
    Some,
}

/// What decides the features of one run.
pub struct OfRun<'a> {
    spec: &'a Spec,
    network: &'a Network,
    data: &'a Data,
    resizing: Resizing,
    normalizer: &'a Normalizer,
    input: Sum,
    /// Of the constant part; empty where no split has features.
    stages: &'a [(Stage, Sum)],
}

impl Store {
    /// A store whose files are in the cache folder; it no longer computes once `stop` is wished. Processes elsewhere that
    /// compute have `patience` times a minute to show that they live.
    pub fn new(cache: &Cache, stop: Stop, patience: f64) -> Self {
        Store {
            folder: Folder::of(cache),
            kept: Vec::new(),
            images: Vec::new(),
            told: HashSet::new(),
            claims: Claims::new(patience),
            stop,
        }
    }

    /// What decides a view's images, computed once for images in memory.
    fn images(&mut self, view: &View) -> Result<Sum, Error> {
        let part = Arc::downgrade(view.part());
        let is_same = |(known, rows, _): &(Weak<Part>, Vec<u32>, Sum)| {
            Weak::ptr_eq(known, &part) && rows == view.rows()
        };
        let known = self.images.iter().position(is_same);
        let sum = match known {
            Some(i) => self.images.remove(i).2,
            None => key::images(view)?,
        };
        // Of images that are gone nothing is kept.
        self.images.retain(|(part, ..)| part.strong_count() > 0);
        let excess = (self.images.len() + 1).saturating_sub(VIEWS);
        self.images.drain(..excess);
        self.images.push((part, view.rows().to_vec(), sum));
        Ok(sum)
    }

    /// Features in memory or in the folder.
    fn find(&mut self, key: &Key, kept: &Kept, images: usize) -> Option<Arc<Features>> {
        let features = match self.kept.iter().position(|(kept, _)| kept == key) {
            Some(i) => self.kept.remove(i).1,
            None => {
                let file = self.folder.find(key, (images, kept.width()))?;
                tracing::debug!("features behind {} found in the cache folder", kept.name);
                Arc::new(Features::stored(kept.shapes.clone(), file))
            }
        };
        self.kept.push((*key, Arc::clone(&features)));
        Some(features)
    }

    /// Bytes that features in use leave of a budget.
    fn free(&self, budget: u64) -> u64 {
        let used = self.kept.iter().filter(|(_, f)| Arc::strong_count(f) > 1);
        budget.saturating_sub(used.map(|(_, f)| f.memory()).sum())
    }

    /// Forgets the longest unused features until `bytes` more keep to the budget.
    fn make_room(&mut self, bytes: u64, budget: u64) {
        let mut total: u64 = bytes + self.kept.iter().map(|(_, f)| f.memory()).sum::<u64>();
        self.kept.retain(|(_, features)| {
            let stays =
                total <= budget || features.memory() == 0 || Arc::strong_count(features) > 1;
            if !stays {
                total -= features.memory();
            }
            stays
        });
    }

    fn tell(&mut self, message: String) {
        if !self.told.contains(&message) {
            tracing::info!("{message}");
            self.told.insert(message);
        }
    }
}

impl<'a> OfRun<'a> {
    /// For the run that trains `network`, of which `constant` was or is found out, on `data`.
    ///
    /// # Errors
    /// What the device reports.
    pub fn new(
        spec: &'a Spec,
        (network, constant): (&'a Network, &'a Constant),
        data: &'a Data,
        (resizing, normalizer): (Resizing, &'a Normalizer),
    ) -> Result<Self, Error> {
        let blueprint = &network.blueprint;
        let mut wanted = Split::ALL.iter();
        let any = wanted.any(|split| policy::allowed(spec, blueprint, *split).is_ok());
        let stages = any.then(|| constant.of(network)).transpose()?;
        Ok(OfRun {
            spec,
            network,
            data,
            resizing,
            normalizer,
            input: key::input(normalizer, resizing, network),
            stages: stages.unwrap_or_default(),
        })
    }

    /// The features of a split for each view of its images, computed where `store` does not keep them yet; `None` where
    /// they are not worth it.
    ///
    /// They may be those of more images: what other seeds and splits share is computed once.
    ///
    /// # Errors
    /// What the device reports; [`Error::Interrupted`]. A cache folder that cannot be used is only warned of.
    pub fn get(
        &self,
        store: &mut Store,
        split: Split,
        progress: &dyn Progress,
    ) -> Result<Vec<Option<OfSplit>>, Error> {
        let views = 1..=policy::views(self.spec, split);
        views
            .map(|view| self.view(store, (split, view), progress))
            .collect()
    }

    /// [`Self::get`] for one view of the images, from 1.
    fn view(
        &self,
        store: &mut Store,
        (split, nth): (Split, usize),
        progress: &dyn Progress,
    ) -> Result<Option<OfSplit>, Error> {
        let mut why = None;
        let view = split.of(self.data);
        let extents = policy::extents(self.spec, &self.network.blueprint, view);
        // All of fewer images are better than some of more.
        let ways =
            [Amount::All, Amount::Some].map(|amount| extents.iter().map(move |e| (amount, e)));
        for (amount, extent) in ways.into_iter().flatten() {
            if amount == Amount::Some && !why.is_some_and(Reason::is_of_size) {
                break;
            }
            match self.try_get(store, (split, nth), (extent, amount), progress)? {
                Ok((features, images)) => {
                    let is_own = extent.rows() == view.rows();
                    let rows = (!is_own).then(|| view.rows().to_vec());
                    let of_split = OfSplit::new(features, rows, images);
                    let all = view.len() as u32;
                    let kept = (0..all).filter(|i| of_split.has(*i)).count();
                    if kept < view.len() {
                        store.tell(format!(
                            "features of {} of the {} {split} are kept: there is no room for more; those of the others \
                             are computed whenever they are needed (features.memory, features.disk)",
                            thousands(kept),
                            thousands(view.len())
                        ));
                    }
                    return Ok(Some(of_split));
                }
                Err(reason) => why = Some(reason),
            }
        }
        if let Some(reason) = why {
            store.tell(format!("features of the {split} are not kept: {reason}"));
        }
        Ok(None)
    }

    /// For each stage of the constant part the key of what it gives for images that `sum` tells.
    fn keys(&self, sum: &Sum, (amount, images): (Amount, usize)) -> Vec<(Key, Kept)> {
        let sum = match amount {
            Amount::All => *sum,
            Amount::Some => key::of_first(sum, images),
        };
        let graph = &self.network.blueprint.graph;
        let of_stage = |(stage, nodes): &(Stage, Sum)| {
            let key = key::key(&sum, &self.input, nodes);
            (key, Kept::of(graph, &stage.nodes))
        };
        self.stages.iter().map(of_stage).collect()
    }

    /// What there is for features that are not there yet.
    fn room(&self, store: &Store, budget: u64) -> Room {
        Room {
            memory: store.free(budget),
            ..Room::of(self.spec)
        }
    }

    fn try_get(
        &self,
        store: &mut Store,
        (split, nth): (Split, usize),
        (view, amount): (&View, Amount),
        progress: &dyn Progress,
    ) -> Result<Result<(Arc<Features>, usize), Reason>, Error> {
        let blueprint = &self.network.blueprint;
        let budget = match policy::allowed(self.spec, blueprint, split) {
            Ok(budget) => budget.0,
            Err(reason) => return Ok(Err(reason)),
        };
        if view.is_empty() {
            return Ok(Err(Reason::NoImages));
        }
        let estimate = Estimate::new(blueprint, view.len(), self.network.device().is_cpu());
        let (augmentation, seed) = (&self.spec.augmentation, self.spec.seed);
        let is_augmented = split == Split::Training && augmentation.is_active();
        let sum = match store.images(view)? {
            sum if is_augmented => key::augmented(&sum, augmentation, seed, nth),
            sum => sum,
        };
        let some = match amount {
            Amount::All => None,
            Amount::Some => Some(estimate.place_some(self.room(store, budget))),
        };
        // Those that are there take no further room; they may be of more images than there is room for now.
        let there = match some {
            None => vec![view.len()],
            Some(place) => {
                let least = place.map_or(1, |place| place.images);
                let parts = estimate.parts();
                parts.filter(|images| *images >= least).collect()
            }
        };
        for images in there {
            let keys = self.keys(&sum, (amount, images));
            let Some((key, last)) = keys.last() else {
                return Ok(Err(Reason::NothingFrozen));
            };
            if let Some(features) = store.find(key, last, images) {
                return Ok(Ok((features, images)));
            }
        }
        let room = self.room(store, budget);
        let place = match some.unwrap_or_else(|| estimate.place(room)) {
            Ok(place) => place,
            Err(reason) => return Ok(Err(reason)),
        };
        let images = place.images;
        let keys = self.keys(&sum, (amount, images));
        let Some(((key, last), below)) = keys.split_last() else {
            return Ok(Err(Reason::NothingFrozen));
        };
        let of_views = match policy::views(self.spec, split) {
            1 => String::new(),
            views => format!(", view {nth} of {views}"),
        };
        let what = format!("features of the {split} through {}{of_views}", last.name);
        let wait = || {
            let turn = (&store.claims, &store.stop);
            store.folder.turn(key, turn, &what, progress)
        };
        let _turn = match place.disk.then(wait).transpose()? {
            Some(Turn::Over) => match store.find(key, last, images) {
                Some(features) => return Ok(Ok((features, images))),
                None => None,
            },
            Some(Turn::Own(held)) => held,
            None => None,
        };
        let earlier = below.iter().zip(self.stages).rev();
        let shallower = earlier
            .filter_map(|((key, kept), (stage, _))| {
                let features = store.find(key, kept, images)?;
                Some((features, stage, &kept.name))
            })
            .next();
        let device = self.network.device();
        let changes = is_augmented.then_some((augmentation, seed));
        let batches = Batches::new(view, self.normalizer, self.resizing, changes, device);
        let (source, origin) = match &shallower {
            Some((features, stage, name)) => {
                (Source::Features(features, &stage.nodes), name.as_str())
            }
            None => (Source::Images(&batches, nth as u64), "the images"),
        };
        if place.memory {
            store.make_room(place.bytes, budget);
        }
        let mut kept = Destination::new((&store.folder, room.disk), place, key, last);
        tracing::debug!("{what} from {origin}");
        progress.start(&what, Some(images as u64), false);
        let computed = compute::forward(self.network, &source, images, progress, |values| {
            !store.stop.is_requested() && kept.push(values)
        });
        progress.finish();
        computed?;
        store.stop.check()?;
        let features = kept.finish(key, last, images);
        drop(shallower);
        Ok(features.map_or(Err(Reason::NotWritten), |features| {
            let features = Arc::new(features);
            store.make_room(features.memory(), budget);
            store.kept.push((*key, Arc::clone(&features)));
            Ok((features, images))
        }))
    }
}
