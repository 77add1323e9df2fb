//! What decides features' values, as one number.

use std::collections::HashMap;
use std::fmt;

use candle_core::{Result, Tensor};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::data::{self, Normalizer, Resizing, View};
use crate::graph::{Node, Stage};
use crate::model::Network;
use crate::spec::Augmentation;

/// Bytes of images that one thread hashes.
const BLOCK: usize = 1 << 20;

/// A SHA-256.
pub(super) type Sum = [u8; 32];

/// The SHA-256 over everything that decides the values: the images' bytes, how they become the network's
/// input, every node before them with its tensors' bytes, and the arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key(Sum);

/// In lowercase hexadecimal.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
impl Key {
    pub fn for_test(name: &str) -> Self {
        Key(Sha256::digest(name).into())
    }
}

/// The key of what a stage, of which [`stages`] gives the sum, gives for the images.
pub(super) fn key(images: &Sum, input: &Sum, stage: &Sum) -> Key {
    let mut hasher = Sha256::new();
    hasher.update(images);
    hasher.update(input);
    hasher.update(stage);
    Key(hasher.finalize().into())
}

/// The images of a view: their size and bytes, in their order.
///
/// # Errors
/// Images on disk that cannot be read.
pub(super) fn images(view: &View) -> std::result::Result<Sum, data::Error> {
    let images = &view.part().images;
    let mut hasher = Sha256::new();
    for n in [view.len(), images.height, images.width, images.channels] {
        hasher.update((n as u64).to_le_bytes());
    }
    let at_once = (BLOCK / images.image_len().max(1)).max(1);
    let rows: Vec<usize> = (0..view.len()).collect();
    let blocks: Vec<_> = rows
        .par_chunks(at_once)
        .map(|rows| {
            let mut block = Sha256::new();
            let images = rows.iter().filter_map(|&i| view.image(i));
            images.for_each(|image| block.update(image));
            block.finalize()
        })
        .collect();
    images.confirm()?;
    blocks.iter().for_each(|block| hasher.update(block));
    Ok(hasher.finalize().into())
}

/// The first so many of the images that `images` tells.
pub(super) fn of_first(images: &Sum, count: usize) -> Sum {
    let mut hasher = Sha256::new();
    hasher.update(images);
    hasher.update(format!("the first {count}"));
    hasher.finalize().into()
}

/// Images as `images` tells, changed at random as they are in a view (from 1).
pub(super) fn augmented(images: &Sum, spec: &Augmentation, seed: u64, view: usize) -> Sum {
    let mut hasher = Sha256::new();
    hasher.update(images);
    hasher.update(format!("{:?} {seed} {view}", spec.of_an_epoch()));
    hasher.finalize().into()
}

/// How images become the network's input, and by which arithmetic everything is computed.
pub(super) fn input(normalizer: &Normalizer, resizing: Resizing, network: &Network) -> Sum {
    let mut hasher = Sha256::new();
    hasher.update(format!("{resizing:?} {:?} ", normalizer.order));
    for number in normalizer.mean.iter().chain(&normalizer.std) {
        hasher.update(number.to_bits().to_le_bytes());
    }
    let (place, precision) = (network.device().location(), network.precision());
    hasher.update(format!("{place:?} {precision} {}", arithmetic()));
    hasher.finalize().into()
}

/// The code that computes, and the processor's instructions it chooses among.
fn arithmetic() -> String {
    #[cfg(target_arch = "x86_64")]
    let instructions = [
        is_x86_feature_detected!("avx512f"),
        is_x86_feature_detected!("avx2"),
        is_x86_feature_detected!("fma"),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let instructions = ();
    let processor = std::env::consts::ARCH;
    format!(
        "{processor} {instructions:?} {}",
        env!("FORWARD_ARITHMETIC")
    )
}

/// The stages of the constant part behind the images, each with what decides its values for an image.
///
/// # Errors
/// What the device reports.
pub(super) fn stages(network: &Network) -> Result<Vec<(Stage, Sum)>> {
    let (graph, cut) = (&network.blueprint.graph, &network.blueprint.cut);
    let tensors: HashMap<&str, &Tensor> = network.frozen().collect();
    let constant = cut.constant();
    let nodes = constant.par_iter().filter_map(|i| graph.nodes().get(*i));
    let own: Vec<Sum> = nodes
        .map(|node| sum(node, &tensors))
        .collect::<Result<_>>()?;
    let mut sums: HashMap<usize, Sum> = HashMap::new();
    for (i, own) in constant.iter().zip(own) {
        let inputs = graph.nodes().get(*i).map(|node| node.inputs.as_slice());
        let sum = joined(&sums, inputs.unwrap_or_default(), &own);
        sums.insert(*i, sum);
    }
    let stages = cut.stages(graph).into_iter().skip(1);
    Ok(stages
        .map(|stage| {
            let sum = joined(&sums, &stage.nodes, &[]);
            (stage, sum)
        })
        .collect())
}

/// Of what some nodes give, and something more.
fn joined(sums: &HashMap<usize, Sum>, nodes: &[usize], more: &[u8]) -> Sum {
    let mut hasher = Sha256::new();
    let found = nodes.iter().filter_map(|node| sums.get(node));
    found.for_each(|sum| hasher.update(sum));
    hasher.update(more);
    hasher.finalize().into()
}

/// A node itself, with its frozen tensors.
fn sum(node: &Node, tensors: &HashMap<&str, &Tensor>) -> Result<Sum> {
    let mut hasher = Sha256::new();
    hasher.update(format!("{:?} {:?} ", node.op, node.output));
    let found = node.parameters.iter();
    for tensor in found.filter_map(|parameter| tensors.get(parameter.name.as_str())) {
        let values = tensor.flatten_all()?.to_vec1::<f32>()?;
        for values in values.chunks(4096) {
            let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            hasher.update(bytes);
        }
    }
    Ok(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::data::{Images, Part};
    use crate::model::{Blueprint, Weights};
    use crate::spec::{FreezeThrough, Normalization, NormalizationScheme, Precision, Spec};

    fn part(data: Vec<u8>, width: usize) -> View {
        let images = Images {
            count: data.len() / width,
            data,
            ..Images::empty(1, width, 1)
        };
        Part {
            labels: vec![0; images.count],
            images,
            files: None,
            originals: None,
            label_sets: None,
        }
        .into()
    }

    fn network(seed: u64, through: &str) -> Network {
        let text = "name = 't'\ndataset = { name = 'digits' }\n\
            backbone = { arch = 'squeezenet1_1', weights = 'random', input_size = 32 }\n\
            head = [{ layer = 'global_average_pooling' }, { layer = 'dense', units = 'classes' }]";
        let mut spec: Spec = toml::from_str(text).unwrap();
        spec.freeze.through = FreezeThrough::Layer(through.into());
        let blueprint = Blueprint::new(&spec, 10).unwrap();
        Network::new(blueprint, &Weights::new(), seed, &Device::Cpu).unwrap()
    }

    fn stage_sums(seed: u64, through: &str) -> Vec<Sum> {
        let stages = stages(&network(seed, through)).unwrap();
        stages.into_iter().map(|(_, sum)| sum).collect()
    }

    #[test]
    fn a_shallower_boundary_of_the_same_network_has_a_stage_of_the_deeper() {
        let (deep, shallow) = (stage_sums(1, "fire4"), stage_sums(1, "fire3"));
        assert!(deep.contains(shallow.last().unwrap()));
        assert_ne!(deep.last(), shallow.last());
        assert_ne!(deep.last(), stage_sums(2, "fire4").last());
    }

    #[test]
    fn images_and_their_normalization_decide() {
        let images = |data, width| images(&part(data, width)).unwrap();
        assert_ne!(images(vec![1, 2], 1), images(vec![2, 1], 1));
        assert_ne!(images(vec![1, 2], 1), images(vec![1, 2], 2));
        let normalizer = |scheme| {
            let spec = Normalization {
                scheme,
                ..Normalization::default()
            };
            Normalizer::new(&spec, &View::default())
        };
        let unit = normalizer(NormalizationScheme::Unit);
        let symmetric = normalizer(NormalizationScheme::Symmetric);
        let network = network(1, "fire4");
        let of = |normalizer, size| input(normalizer, Resizing::squash(size), &network);
        assert_ne!(of(&unit, 32), of(&symmetric, 32));
        assert_ne!(of(&unit, 32), of(&unit, 64));
        let before = of(&unit, 32);
        let network = network.computing_in(Precision::Bf16);
        assert_ne!(input(&unit, Resizing::squash(32), &network), before);
    }
}
