//! The constant part's forward pass over a whole split.

use candle_core::{Result, Tensor};

use super::Features;
use crate::data::Batches;
use crate::graph::images_at_once;
use crate::model::Network;
use crate::progress::Progress;

/// Images in one chunk, at most.
const MOST: usize = 256;

/// Where a pass begins: what there is, and of which nodes.
pub(super) enum Source<'a> {
    /// As they are in an epoch, where they are augmented.
    Images(&'a Batches<'a>, u64),
    Features(&'a Features, &'a [usize]),
}

impl Source<'_> {
    fn nodes(&self) -> &[usize] {
        match self {
            Source::Images(..) => &[0],
            Source::Features(_, nodes) => nodes,
        }
    }

    fn chunk(&self, indices: &[u32], network: &Network) -> Result<Vec<Tensor>> {
        match self {
            Source::Images(batches, epoch) => {
                let (images, _) = batches.batch(indices, *epoch)?;
                Ok(vec![images])
            }
            Source::Features(features, _) => features.rows(indices, network.device()),
        }
    }
}

/// Carries `images` images from the source to the cut's frontier and gives `take` their values, image by image and
/// chunk by chunk in order, until it says that it needs no more.
///
/// A chunk is as large as the nodes' sizes say, whatever the batch size.
///
/// # Errors
/// What the device reports.
pub(super) fn forward(
    network: &Network,
    source: &Source<'_>,
    images: usize,
    progress: &dyn Progress,
    mut take: impl FnMut(&[f32]) -> bool,
) -> Result<()> {
    let order: Vec<u32> = (0..images as u32).collect();
    let (graph, cut) = (&network.blueprint.graph, &network.blueprint.cut);
    let start = source.nodes().iter().max().copied().unwrap_or(0);
    let mut passed = cut.constant();
    passed.retain(|node| *node > start);
    let chunk = images_at_once(graph, &passed).min(MOST);
    for indices in order.chunks(chunk) {
        let values = source.chunk(indices, network)?;
        let values = network.forward_between(source.nodes(), &values, cut.frontier())?;
        if !take(&by_image(&values)?) {
            break;
        }
        progress.advance(indices.len() as u64);
    }
    Ok(())
}

/// The values of each image, one node's behind another's.
fn by_image(values: &[Tensor]) -> Result<Vec<f32>> {
    let rows = |value: &Tensor| value.flatten_from(1);
    let rows: Vec<Tensor> = values.iter().map(rows).collect::<Result<_>>()?;
    Tensor::cat(&rows, 1)?.flatten_all()?.to_vec1()
}
