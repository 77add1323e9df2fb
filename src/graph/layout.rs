//! Between the network's layouts (channels last) and PyTorch's (channels first).

use super::parameter::Parameter;
use super::role::Role;

/// Reorders values from PyTorch's layout, as in files, to the network's.
pub fn from_file(parameter: &Parameter, values: &[f32]) -> Vec<f32> {
    match (parameter.role, parameter.extent.as_slice()) {
        (Role::Token | Role::Positions { .. }, _) => values.to_vec(),
        // [out, in, h, w] → [h, w, in, out]
        (Role::Kernel { .. }, &[h, w, i, o]) => turned(values, [o, i, h * w]),
        // [c, h, w] → [h, w, c]
        (_, &[h, w, c]) => turned(values, [c, 1, h * w]),
        _ => values.to_vec(),
    }
}

/// Reorders values from the network's layout to PyTorch's; the inverse of [`from_file`].
pub fn to_file(parameter: &Parameter, values: &[f32]) -> Vec<f32> {
    match (parameter.role, parameter.extent.as_slice()) {
        (Role::Token | Role::Positions { .. }, _) => values.to_vec(),
        (Role::Kernel { .. }, &[h, w, i, o]) => turned(values, [h * w, i, o]),
        (_, &[h, w, c]) => turned(values, [h * w, 1, c]),
        _ => values.to_vec(),
    }
}

/// So many values fill a line of the cache.
const LINE: usize = 16;

/// Turns a row-major tensor of this shape around: its axes in the opposite order.
///
/// Neighbours in one of the two are far apart in the other. A line's worth of both is carried over at a time, so that every
/// line is read and written once.
fn turned(values: &[f32], [a, b, c]: [usize; 3]) -> Vec<f32> {
    let mut result = vec![0.0; values.len()];
    let blocks = |n: usize| {
        (0..n)
            .step_by(LINE)
            .map(move |start| start..n.min(start + LINE))
    };
    for (xs, zs) in blocks(a).flat_map(|xs| blocks(c).map(move |zs| (xs.clone(), zs))) {
        for y in 0..b {
            for z in zs.clone() {
                let row = (z * b + y) * a;
                let to = result.get_mut(row + xs.start..row + xs.end);
                let from = xs.clone().map(|x| values.get((x * b + y) * c + z));
                for (to, from) in to.into_iter().flatten().zip(from) {
                    *to = from.copied().unwrap_or_default();
                }
            }
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Distribution;

    fn kernel(extent: &[usize], dense: bool) -> Parameter {
        Parameter {
            name: "k".into(),
            role: Role::Kernel { dense },
            extent: extent.to_vec(),
            initial: Distribution::Constant(0.0),
        }
    }

    #[test]
    fn a_convolution_kernel_goes_from_oihw_to_hwio() {
        // numpy: np.arange(24).reshape(2, 3, 2, 2).transpose(2, 3, 1, 0).ravel()
        let expected = [
            0, 12, 4, 16, 8, 20, 1, 13, 5, 17, 9, 21, 2, 14, 6, 18, 10, 22, 3, 15, 7, 19, 11, 23,
        ];
        let values: Vec<f32> = (0..24).map(|v| v as f32).collect();
        let here = from_file(&kernel(&[2, 2, 3, 2], false), &values);
        assert_eq!(here, expected.map(|v| v as f32));
    }

    #[test]
    fn every_layout_survives_the_way_to_the_file_and_back() {
        let values: Vec<f32> = (0..120).map(|v| v as f32).collect();
        let vector = Parameter {
            name: "v".into(),
            role: Role::Gamma,
            extent: vec![4, 5, 6],
            initial: Distribution::Constant(0.0),
        };
        for parameter in [
            kernel(&[2, 3, 4, 5], false),
            kernel(&[2, 3, 4, 5], true),
            vector,
        ] {
            assert_eq!(from_file(&parameter, &to_file(&parameter, &values)), values);
        }
    }
}
