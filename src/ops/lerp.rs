//! Moving values a part of the way to others.

use candle_core::{CpuStorage, InplaceOp2, Layout, Result, Tensor, Var, bail};
use rayon::prelude::*;

use super::cpu::{CHUNK, MIN_CHUNKS};
use super::read::values;
use super::simd::vectorized;

/// Moves `from` by `part` (in [0, 1]) of the way to `to`, in place, with the arithmetic of PyTorch's `lerp_`: nothing is
/// left of it where `part` is 1. Any equal shapes, f32.
///
/// # Errors
/// Shapes that differ, a type other than f32.
pub fn lerp(from: &Var, to: &Tensor, part: f64) -> Result<()> {
    if from.shape() != to.shape() {
        bail!("lerp: from {:?} to {:?}", from.dims(), to.dims());
    }
    let part = part as f32;
    if from.device().is_cpu() {
        return from.inplace_op2(&to.detach().contiguous()?, &LerpOp { part });
    }
    let (from_values, to) = (from.as_detached_tensor(), to.detach());
    let way = (&to - &from_values)?;
    from.set(&match part < 0.5 {
        true => (from_values + (way * f64::from(part))?)?,
        false => (to - (way * f64::from(1.0 - part))?)?,
    })
}

struct LerpOp {
    part: f32,
}

impl InplaceOp2 for LerpOp {
    fn name(&self) -> &'static str {
        "lerp"
    }

    fn cpu_fwd(
        &self,
        from: &mut CpuStorage,
        from_layout: &Layout,
        to: &CpuStorage,
        to_layout: &Layout,
    ) -> Result<()> {
        let to = values(to, to_layout)?;
        let (CpuStorage::F32(from), Some((start, end))) = (from, from_layout.contiguous_offsets())
        else {
            bail!("lerp: it takes contiguous f32");
        };
        let Some(from) = from.get_mut(start..end) else {
            bail!("lerp: a layout that does not fit its storage");
        };
        let part = self.part;
        let chunks = from.par_chunks_mut(CHUNK).zip(to.par_chunks(CHUNK));
        chunks.with_min_len(MIN_CHUNKS).for_each(|(from, to)| {
            vectorized(
                #[inline(always)]
                || {
                    let pairs = from.iter_mut().zip(to);
                    match part < 0.5 {
                        true => pairs.for_each(|(a, b)| *a += part * (b - *a)),
                        false => pairs.for_each(|(a, b)| *a = b - (b - *a) * (1.0 - part)),
                    }
                },
            );
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{flat, random};

    /// By the definition in float64, on values of more than one chunk.
    #[test]
    fn values_go_a_part_of_the_way() {
        let shape = [3, 7, 1001 * 8];
        for part in [0.0, 0.001, 0.499, 0.5, 0.9, 1.0] {
            let (a, b) = (random(&shape, 1), random(&shape, 2));
            let var = Var::from_tensor(&a).unwrap();
            lerp(&var, &b, part).unwrap();
            let pairs = flat(&a).into_iter().zip(flat(&b));
            for (found, (a, b)) in flat(var.as_tensor()).into_iter().zip(pairs) {
                let (a, b) = (f64::from(a), f64::from(b));
                let expected = a + part * (b - a);
                assert!(
                    (f64::from(found) - expected).abs() < 3e-7,
                    "{part}: {found}"
                );
            }
            if part == 1.0 {
                assert_eq!(flat(var.as_tensor()), flat(&b));
            }
        }
        let var = Var::from_tensor(&random(&[2], 1)).unwrap();
        assert!(lerp(&var, &random(&[3], 1), 0.5).is_err());
    }
}
