//! What must hold after the first step: what is frozen has not moved.

use candle_core::Tensor;

use super::error::Error;
use crate::model::Network;

/// The bits of every frozen tensor, folded to one number each.
#[derive(Debug)]
pub struct FrozenGuard(Vec<(String, u64)>);

impl FrozenGuard {
    /// Remembers the network's frozen tensors.
    ///
    /// # Errors
    /// What the device reports.
    pub fn new(network: &Network) -> candle_core::Result<Self> {
        let prints = network
            .frozen()
            .map(|(name, tensor)| Ok((name.to_owned(), print(tensor)?)));
        prints.collect::<candle_core::Result<_>>().map(FrozenGuard)
    }

    /// Compares them with what they are now.
    ///
    /// # Errors
    /// The first tensor that moved.
    pub fn check(self, network: &Network) -> Result<(), Error> {
        for ((name, tensor), (_, before)) in network.frozen().zip(self.0) {
            if print(tensor)? != before {
                return Err(Error::FrozenMoved(name.to_owned()));
            }
        }
        Ok(())
    }
}

fn print(tensor: &Tensor) -> candle_core::Result<u64> {
    let values = tensor.flatten_all()?.to_vec1::<f32>()?;
    Ok(values.iter().fold(0, |hash: u64, value| {
        (hash.rotate_left(5) ^ u64::from(value.to_bits())).wrapping_mul(0x517c_c1b7_2722_0a95)
    }))
}
