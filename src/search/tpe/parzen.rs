//! The density of points: a kernel at each of them, and one over everything.

use std::f64::consts::{PI, SQRT_2};

use statrs::function::erf::{erf, erf_inv};

use crate::rng::Stream;
use crate::search::space::{Place, Point, Space, Values};

/// The width of a kernel of one point, on an axis from 0 to 1; of more points it shrinks as Scott's rule says. Both as in
/// Optuna's multivariate estimator.
const WIDTH: f64 = 0.2;
/// No kernel is narrower, so that what is good is still looked at closely when many points are known.
const NARROWEST: f64 = 0.01;
/// What the kernel over everything is centred on, and its width.
const PRIOR: (f64, f64) = (0.5, 1.0);

/// The density of some points of a space.
pub(super) struct Parzen<'a> {
    space: &'a Space,
    points: Vec<&'a Point>,
    width: f64,
}

impl<'a> Parzen<'a> {
    pub fn new(space: &'a Space, points: Vec<&'a Point>) -> Self {
        let (count, axes) = (points.len().max(1) as f64, space.axes.len() as f64);
        let width = WIDTH * count.powf(-1.0 / (axes + 4.0));
        Parzen {
            space,
            points,
            width: width.max(NARROWEST),
        }
    }

    /// The logarithm of the density at a point.
    pub fn log_density(&self, point: &Point) -> f64 {
        let kernels = self
            .points
            .iter()
            .map(|known| self.log_kernel(Some(known), point));
        let all: Vec<f64> = kernels.chain([self.log_kernel(None, point)]).collect();
        let largest = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = all.iter().map(|log| (log - largest).exp()).sum();
        largest + (sum / all.len() as f64).ln()
    }

    /// A point that is likely where the density is high.
    pub fn draw(&self, stream: &mut Stream) -> Point {
        let kernel = stream.below(self.points.len() as u32 + 1) as usize;
        let known = self.points.get(kernel);
        let axes = self.space.axes.iter().enumerate();
        axes.map(|(at, axis)| {
            let known = known.map(|point| point[at]);
            match axis.values {
                Values::Listed(length) => {
                    let is_own = stream.uniform() < 0.5;
                    match known {
                        Some(place) if is_own => place,
                        _ => Place::Listed(stream.below(length as u32) as usize),
                    }
                }
                Values::Range(range) => {
                    let (centre, width) = self.bell(known, &axis.values);
                    let part = normal_between(centre, width, f64::from(stream.uniform()));
                    Place::Drawn(range.at(part))
                }
            }
        })
        .collect()
    }

    /// The kernel of a known point, or that over everything, at a point.
    fn log_kernel(&self, known: Option<&Point>, point: &Point) -> f64 {
        let axes = self.space.axes.iter().enumerate();
        axes.map(|(at, axis)| {
            let known = known.map(|known| known[at]);
            match (axis.values, point[at]) {
                (Values::Range(range), Place::Drawn(value)) => {
                    let (centre, width) = self.bell(known, &axis.values);
                    log_normal(range.part(value), centre, width)
                }
                (Values::Listed(length), place) => listed(known, length, known == Some(place)).ln(),
                (Values::Range(_), Place::Listed(_)) => 0.0,
            }
        })
        .sum()
    }

    /// Centre and width of the kernel on an axis that is a range, from 0 to 1.
    fn bell(&self, known: Option<Place>, values: &Values) -> (f64, f64) {
        match (known, values) {
            (Some(Place::Drawn(value)), Values::Range(range)) => (range.part(value), self.width),
            _ => PRIOR,
        }
    }
}

/// The probability of a written value, the known one or another: half is spread evenly over all of them, the other half is
/// the known one's.
fn listed(known: Option<Place>, length: usize, is_known: bool) -> f64 {
    let even = 1.0 / length.max(1) as f64;
    match known {
        None => even,
        Some(_) if is_known => 0.5 + 0.5 * even,
        Some(_) => 0.5 * even,
    }
}

/// The part of a normal distribution below a value.
fn below(x: f64, centre: f64, width: f64) -> f64 {
    0.5 * (1.0 + erf((x - centre) / (width * SQRT_2)))
}

/// The density at `x` of a normal distribution that has nothing outside of 0 to 1.
fn log_normal(x: f64, centre: f64, width: f64) -> f64 {
    let inside = below(1.0, centre, width) - below(0.0, centre, width);
    let z = (x - centre) / width;
    -0.5 * z * z - (width * (2.0 * PI).sqrt()).ln() - inside.ln()
}

/// The value below which a part of it lies.
fn normal_between(centre: f64, width: f64, part: f64) -> f64 {
    let (low, high) = (below(0.0, centre, width), below(1.0, centre, width));
    let at = low + part * (high - low);
    (centre + width * SQRT_2 * erf_inv(2.0 * at - 1.0)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::range::{Range, Scale};
    use crate::search::space::listed as listed_axes;

    fn space() -> Space {
        let mut space = listed_axes(&[3, 1]);
        space.axes[1].values = Values::Range(Range {
            min: 0.0,
            max: 2.0,
            scale: Scale::Linear,
            is_whole: false,
        });
        space
    }

    fn point(listed: usize, drawn: f64) -> Point {
        vec![Place::Listed(listed), Place::Drawn(drawn)]
    }

    #[test]
    fn the_density_sums_to_one() {
        let space = space();
        let known = [point(0, 0.1), point(2, 1.9)];
        let density = Parzen::new(&space, known.iter().collect());
        let steps = 2000;
        let at = |listed: usize, n: usize| {
            let x = 2.0 * (n as f64 + 0.5) / steps as f64;
            density.log_density(&point(listed, x)).exp() / steps as f64
        };
        let sum: f64 = (0..3)
            .flat_map(|listed| (0..steps).map(move |n| (listed, n)))
            .map(|(listed, n)| at(listed, n))
            .sum();
        assert!((sum - 1.0).abs() < 1e-4, "{sum}");
    }

    /// ```python
    /// import numpy as np
    /// from scipy.stats import truncnorm
    /// def t(x, c, w): return truncnorm.pdf(x, -c / w, (1 - c) / w, loc=c, scale=w)
    /// w = 0.2 * 2 ** (-1 / 6)
    /// def p(i, x):
    ///     s, o = 0.5 + 0.5 / 3, 0.5 / 3
    ///     return np.log((t(x, .05, w) * (s if i == 0 else o) + t(x, .95, w) * (s if i == 2 else o)
    ///                    + t(x, .5, 1) / 3) / 3)
    /// print(p(0, 0.1), p(1, 0.5), p(2, 0.9))
    /// ```
    #[test]
    fn the_density_is_that_of_scipys_truncated_normals() {
        let space = space();
        let known = [point(0, 0.1), point(2, 1.9)];
        let density = Parzen::new(&space, known.iter().collect());
        for (at, expected) in [
            (point(0, 0.2), EXPECTED[0]),
            (point(1, 1.0), EXPECTED[1]),
            (point(2, 1.8), EXPECTED[2]),
        ] {
            let found = density.log_density(&at);
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
    }

    const EXPECTED: [f64; 3] = [
        -0.116_093_252_404_487_26,
        -2.020_794_781_362_601_3,
        -0.116_093_252_404_487_26,
    ];

    #[test]
    fn draws_follow_the_density() {
        let space = space();
        let known = [point(0, 0.1)];
        let density = Parzen::new(&space, known.iter().collect());
        let mut stream = Stream::new(3, crate::rng::Purpose::Sweep, 0, 0);
        let drawn: Vec<Point> = (0..4000).map(|_| density.draw(&mut stream)).collect();
        let near = |point: &&Point| point[0] == Place::Listed(0) && point[1] < Place::Drawn(0.5);
        let count = drawn.iter().filter(near).count() as f64 / 4000.0;
        let steps = 500;
        let part: f64 = (0..steps)
            .map(|n| {
                let x = 0.5 * (n as f64 + 0.5) / steps as f64;
                density.log_density(&point(0, x)).exp() * 0.25 / steps as f64
            })
            .sum();
        assert!((count - part).abs() < 0.03, "{count} {part}");
    }
}
