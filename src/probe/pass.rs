//! One pass over images, which keeps the pooled values at every boundary.

use candle_core::{Result, Tensor};

use super::boundary::{Boundary, numbers};
use crate::data::Batches;
use crate::graph::{Shape, images_at_once};
use crate::model::Network;
use crate::ops;
use crate::progress::Progress;
use crate::stop::Stop;

/// Images in one chunk, at most.
const MOST: usize = 256;
/// Bytes of one number.
const F32: u64 = 4;

/// The pooled values of some images at one boundary.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pooled {
    /// Numbers of one image.
    pub dimensions: usize,
    /// Image by image.
    pub values: Vec<f32>,
}

impl Pooled {
    /// How many images.
    pub fn len(&self) -> usize {
        self.values.len() / self.dimensions.max(1)
    }
}

/// Bytes that a pass over so many images keeps.
pub fn bytes(boundaries: &[Boundary], images: usize) -> u64 {
    let numbers: usize = boundaries.iter().map(|boundary| boundary.dimensions).sum();
    F32 * numbers as u64 * images as u64
}

/// Carries all images through the constant part of a network and keeps what each boundary gives: a table a boundary.
///
/// # Errors
/// What the device reports; a stop.
pub fn collect(
    network: &Network,
    batches: &Batches<'_>,
    boundaries: &[Boundary],
    (progress, stop): (&dyn Progress, &Stop),
) -> Result<Vec<Pooled>> {
    let graph = &network.blueprint.graph;
    let mut wanted: Vec<usize> = boundaries.iter().flat_map(|b| b.nodes.clone()).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let last = wanted.last().copied().unwrap_or(0);
    let passed: Vec<usize> = (1..=last).collect();
    let chunk = images_at_once(graph, &passed).min(MOST);
    let mut tables: Vec<Pooled> = boundaries
        .iter()
        .map(|boundary| Pooled {
            dimensions: boundary.dimensions,
            values: Vec::with_capacity(boundary.dimensions * batches.len()),
        })
        .collect();
    let order: Vec<u32> = (0..batches.len() as u32).collect();
    for indices in order.chunks(chunk) {
        stop.check().map_err(candle_core::Error::wrap)?;
        let (images, _) = batches.batch(indices, 0)?;
        let values = network.forward_between(&[0], &[images], &wanted)?;
        let shape = |node: usize| graph.nodes()[node].output;
        let pooled = wanted.iter().zip(&values);
        let pooled: Vec<Vec<f32>> = pooled
            .map(|(node, value)| pool(value, shape(*node)))
            .collect::<Result<_>>()?;
        for (table, boundary) in tables.iter_mut().zip(boundaries) {
            let parts: Vec<(&[f32], usize)> = boundary
                .nodes
                .iter()
                .filter_map(|node| {
                    let at = wanted.binary_search(node).ok()?;
                    Some((pooled[at].as_slice(), numbers(&graph.nodes()[*node])))
                })
                .collect();
            for image in 0..indices.len() {
                for (values, count) in &parts {
                    table
                        .values
                        .extend(&values[image * count..(image + 1) * count]);
                }
            }
        }
        progress.advance(indices.len() as u64);
    }
    Ok(tables)
}

/// A value `[batch, …]` as [`numbers`] numbers an image.
fn pool(value: &Tensor, shape: Shape) -> Result<Vec<f32>> {
    let pooled = match shape {
        Shape::Map { .. } => ops::global_average_pool(value)?,
        Shape::Tokens { .. } => {
            let first = value.narrow(1, 0, 1)?.squeeze(1)?;
            Tensor::cat(&[first, value.mean(1)?], 1)?
        }
        Shape::Vector { .. } => value.clone(),
    };
    pooled.flatten_all()?.to_vec1()
}
