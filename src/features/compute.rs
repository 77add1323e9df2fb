//! The frozen part's forward pass over a whole split.

use std::ops::Range;

use candle_core::{Result, Tensor};

use super::Features;
use crate::data::Batches;
use crate::fetch::Progress;
use crate::model::{Network, images_at_once};

/// Images in one chunk, at most.
const MOST: usize = 256;

/// What goes into the first link.
pub(super) enum Source<'a> {
    Images(&'a Batches<'a>),
    /// What the link before gives.
    Features(&'a Features),
}

impl Source<'_> {
    fn chunk(&self, indices: &[u32], network: &Network) -> Result<Tensor> {
        match self {
            // Never augmented, so that the epoch does not matter.
            Source::Images(batches) => batches.batch(indices, 0).map(|(images, _)| images),
            Source::Features(features) => features.rows(indices, network.device()),
        }
    }
}

/// Carries `images` images through `links` and gives `take` their values, chunk by chunk in order, until it
/// says that it needs no more.
///
/// A chunk is as large as the layers' sizes say, whatever the batch size.
///
/// # Errors
/// What the device reports.
pub(super) fn forward(
    network: &Network,
    links: Range<usize>,
    source: &Source<'_>,
    images: usize,
    progress: &dyn Progress,
    mut take: impl FnMut(&[f32]) -> bool,
) -> Result<()> {
    let order: Vec<u32> = (0..images as u32).collect();
    let passed = network.blueprint.links.get(links.clone());
    let chunk = images_at_once(passed.unwrap_or_default()).min(MOST);
    for indices in order.chunks(chunk) {
        let values = source.chunk(indices, network)?;
        let values = network.forward_frozen_links(links.clone(), &values)?;
        if !take(&values.flatten_all()?.to_vec1::<f32>()?) {
            break;
        }
        progress.advance(indices.len() as u64);
    }
    Ok(())
}
