//! Two convolutions of the same input whose results lie beside each other, as fire blocks have them: each is written into its
//! columns, and not copied there.

use candle_core::{Device, Result, Tensor, bail};

use super::banded::Finished;
use super::finish::Finish;
use super::finished::{Parts, conv2d_finished};
use super::shape::Shape;
use super::way::{can_fill, checked, fill};
use crate::ops::concat::concat;
use crate::ops::cpu::{Shared, filled};
use crate::ops::read::read;

/// As [`concat`] of two [`conv2d_finished`], to the same bits.
///
/// # Errors
/// As these.
pub fn conv2d_beside(x: &Tensor, both: [&Finished<'_>; 2]) -> Result<Tensor> {
    let [first, second] = both;
    let shapes = [shape(x, first)?, shape(x, second)?];
    let maps = shapes.map(|s| [s.n, s.ho, s.wo]);
    if maps[0] != maps[1] {
        bail!(
            "conv2d_beside: maps of {:?} and {:?} differ",
            maps[0],
            maps[1]
        );
    }
    let [n, ho, wo] = maps[0];
    let width = shapes.iter().map(|s| s.cout).sum();
    let parts = |of: &Finished<'_>, s: &Shape| Parts::new(&of.epilogue, &[n, ho, wo, s.cout]);
    let [of_first, of_second] = [parts(first, &shapes[0])?, parts(second, &shapes[1])?];
    let y = read([x, first.kernel, second.kernel], |[x, first, second]| {
        of_first.with(|finish| {
            let first = (&shapes[0], first, finish.in_columns(0, width));
            of_second.with(|finish| {
                let second = (&shapes[1], second, finish.in_columns(shapes[0].cout, width));
                computed(x, [first, second])
            })
        })?
    })??;
    match y {
        Some(y) => Tensor::from_vec(y, (n, ho, wo, width), &Device::Cpu),
        None => {
            let alone = |of: &Finished<'_>| conv2d_finished(x, of.kernel, &of.config, &of.epilogue);
            concat(&alone(first)?, &alone(second)?)
        }
    }
}

fn shape(x: &Tensor, of: &Finished<'_>) -> Result<Shape> {
    checked(x, of.kernel, None, &of.config)
}

/// Both results; none where one of them goes a way that cannot leave columns to others.
fn computed(x: &[f32], both: [(&Shape, &[f32], Finish<'_>); 2]) -> Option<Vec<f32>> {
    if !both.iter().all(|(s, _, finish)| can_fill(s, *finish)) {
        return None;
    }
    let count = both.iter().map(|(s, ..)| s.rows() * s.cout).sum();
    let fill_both = |out: &Shared<'_>| {
        for (s, kernel, finish) in both {
            // SAFETY: one after the other; it was asked whether they can.
            unsafe { fill(s, x, kernel, finish, out) };
        }
    };
    // SAFETY: the columns of both are all that there are.
    Some(unsafe { filled(count, fill_both) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::activation::Function;
    use crate::ops::conv2d::{Conv2dConfig, Epilogue, Padding};
    use crate::ops::testing::{flat, random};

    #[test]
    fn both_have_the_bytes_that_they_have_alone() {
        // The ways: pixel by pixel and Winograd's, both pixel by pixel, depthwise, on few positions.
        for (map, kernels, function) in [
            (
                [3, 9, 8, 16],
                [[1, 1, 16, 21], [3, 3, 16, 64]],
                Function::Relu,
            ),
            (
                [2, 16, 16, 48],
                [[3, 3, 48, 64], [1, 1, 48, 64]],
                Function::Relu,
            ),
            ([2, 7, 7, 5], [[1, 1, 5, 3], [5, 5, 5, 40]], Function::Relu6),
            ([2, 7, 7, 5], [[1, 1, 5, 3], [5, 5, 5, 40]], Function::Gelu),
            ([2, 7, 7, 5], [[3, 3, 1, 5], [1, 1, 5, 9]], Function::Relu),
            ([2, 2, 2, 8], [[1, 1, 8, 8], [3, 3, 8, 8]], Function::Relu),
        ] {
            let x = random(&map, 1);
            let tensors = kernels.map(|kernel| (random(&kernel, 2), random(&kernel[3..], 3)));
            let both = [0, 1].map(|i| Finished {
                kernel: &tensors[i].0,
                config: Conv2dConfig {
                    padding: Padding::Each(kernels[i][0] / 2),
                    ..Conv2dConfig::default()
                },
                epilogue: Epilogue {
                    bias: Some(tensors[i].1.clone()),
                    function: Some(function),
                    ..Epilogue::default()
                },
            });
            let alone = |of: &Finished<'_>| {
                conv2d_finished(&x, of.kernel, &of.config, &of.epilogue).unwrap()
            };
            let wanted = concat(&alone(&both[0]), &alone(&both[1])).unwrap();
            let beside = conv2d_beside(&x, [&both[0], &both[1]]).unwrap();
            assert_eq!(beside.dims(), wanted.dims());
            assert_eq!(flat(&beside), flat(&wanted), "{kernels:?} {function:?}");
        }
    }

    #[test]
    fn maps_of_other_sizes_are_refused() {
        let (x, kernel) = (random(&[1, 8, 8, 4], 1), random(&[3, 3, 4, 4], 2));
        let of = |padding| Finished {
            kernel: &kernel,
            config: Conv2dConfig {
                padding: Padding::Each(padding),
                ..Conv2dConfig::default()
            },
            epilogue: Epilogue::default(),
        };
        let error = conv2d_beside(&x, [&of(1), &of(0)]).unwrap_err();
        assert!(error.to_string().contains("differ"), "{error}");
    }
}
