//! Grad-CAM: R. Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization"
//! (2017).

use candle_core::{Result, Tensor, bail};

use super::heat::Heat;
use super::method::Method;
use crate::graph::{Graph, Op, Shape};
use crate::model::Network;

/// The last map of a network before it is pooled, by how much each channel moves a class's logit.
struct GradCam {
    node: usize,
    place: String,
}

/// Grad-CAM, where there is a map of more than one place that all the rest is computed from, place by place until it is
/// pooled or flattened.
///
/// # Errors
/// Why there is none.
pub(super) fn of(graph: &Graph) -> std::result::Result<Box<dyn Method>, String> {
    let nodes = graph.nodes();
    if nodes
        .iter()
        .any(|node| matches!(node.output, Shape::Tokens { .. }))
    {
        return Err("Grad-CAM needs a map of features, and this network has tokens".into());
    }
    let is_passed = |i: usize| {
        nodes[i + 1..]
            .iter()
            .all(|n| n.inputs.iter().all(|k| *k >= i))
    };
    let is_pooled = |i: usize| matches!(nodes[i].op, Op::MaxPool(_) | Op::AveragePool(_));
    let is_map = |i: usize| matches!(nodes[i].output, Shape::Map { .. });
    let mut candidates = (1..nodes.len()).rev();
    let found = candidates
        .find(|&i| is_map(i) && nodes[i].output.places() > 1 && !is_pooled(i) && is_passed(i));
    match (found, found.map(|i| nodes[i].output)) {
        (Some(node), Some(Shape::Map { height, width, .. })) => Ok(Box::new(GradCam {
            node,
            place: format!("{} ({height}×{width})", graph.through(node)),
        })),
        _ => Err(
            "Grad-CAM needs a map of features with more than one place; a larger backbone.input_size gives one".into(),
        ),
    }
}

impl Method for GradCam {
    fn name(&self) -> &'static str {
        "Grad-CAM"
    }

    fn place(&self) -> &str {
        &self.place
    }

    fn is_of_class(&self) -> bool {
        true
    }

    /// `max(0, Σ α A)` over the channels of the map A, where α is the mean of the logit's gradient over a channel's places.
    fn heat(&self, network: &Network, image: &Tensor, class: usize) -> Result<Heat> {
        let Some(map) = network.values(image, &[self.node])?.pop() else {
            bail!("the network gives no map");
        };
        let (images, height, width, channels) = map.dims4()?;
        if images != 1 {
            bail!("{images} images at once");
        }
        let gradient = network.gradient(&map, self.node, class)?;
        let host = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
        let (map, gradient) = (host(&map)?, host(&gradient)?);
        let mut weights = vec![0f64; channels];
        for place in gradient.chunks_exact(channels) {
            let pairs = weights.iter_mut().zip(place);
            pairs.for_each(|(weight, gradient)| *weight += f64::from(*gradient));
        }
        let places = (height * width) as f64;
        let value = |place: &[f32]| {
            let terms = place.iter().zip(&weights);
            let sum: f64 = terms
                .map(|(value, weight)| f64::from(*value) * weight)
                .sum();
            (sum / places).max(0.0) as f32
        };
        Ok(Heat {
            height,
            width,
            values: map.chunks_exact(channels).map(value).collect(),
        })
    }
}
