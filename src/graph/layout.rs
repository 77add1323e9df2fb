//! Between the network's layouts (channels last) and PyTorch's (channels first).

use super::parameter::Parameter;
use super::role::Role;

/// Reorders values from PyTorch's layout, as in files, to the network's.
pub fn from_file(parameter: &Parameter, values: &[f32]) -> Vec<f32> {
    match (parameter.role, parameter.extent.as_slice()) {
        (Role::Token | Role::Positions { .. }, _) => values.to_vec(),
        // [out, in, h, w] → [h, w, in, out]
        (Role::Kernel { .. }, &[h, w, i, o]) => permute(values, [o, i, h, w], [2, 3, 1, 0]),
        // [c, h, w] → [h, w, c]
        (_, &[h, w, c]) => permute(values, [1, c, h, w], [0, 2, 3, 1]),
        _ => values.to_vec(),
    }
}

/// Reorders values from the network's layout to PyTorch's; the inverse of [`from_file`].
pub fn to_file(parameter: &Parameter, values: &[f32]) -> Vec<f32> {
    match (parameter.role, parameter.extent.as_slice()) {
        (Role::Token | Role::Positions { .. }, _) => values.to_vec(),
        (Role::Kernel { .. }, &[h, w, i, o]) => permute(values, [h, w, i, o], [3, 2, 0, 1]),
        (_, &[h, w, c]) => permute(values, [1, h, w, c], [0, 3, 1, 2]),
        _ => values.to_vec(),
    }
}

/// Transposes a row-major tensor: axis `k` of the result is axis `axes[k]` of `values`.
fn permute(values: &[f32], shape: [usize; 4], axes: [usize; 4]) -> Vec<f32> {
    let strides = [
        shape[1] * shape[2] * shape[3],
        shape[2] * shape[3],
        shape[3],
        1,
    ];
    let [n0, n1, n2, n3] = axes.map(|axis| shape[axis]);
    let [s0, s1, s2, s3] = axes.map(|axis| strides[axis]);
    let mut result = Vec::with_capacity(values.len());
    for i in 0..n0 {
        for j in 0..n1 {
            for k in 0..n2 {
                let base = i * s0 + j * s1 + k * s2;
                result.extend((0..n3).filter_map(|l| values.get(base + l * s3)));
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
