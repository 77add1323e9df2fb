//! What every method says of itself.

use candle_core::{Result, Tensor};

use super::heat::Heat;
use crate::model::Network;

/// A way to say what a network's answer rests on, for a network that it fits.
pub trait Method {
    /// What it is called: `Grad-CAM`.
    fn name(&self) -> &'static str;

    /// Where in the network it looks: `layer4 (7×7)`.
    fn place(&self) -> &str;

    /// Whether it shows something else for each class.
    fn is_of_class(&self) -> bool;

    /// How much each place of an image `[1, height, width, 3]` counts for the logit of `class`.
    ///
    /// # Errors
    /// What the device reports.
    fn heat(&self, network: &Network, image: &Tensor, class: usize) -> Result<Heat>;
}
