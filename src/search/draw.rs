//! Different points, drawn by the seed.

use std::collections::BTreeSet;

use super::space::{MOST_RUNS, Place, Point, Space, Values};
use crate::choice::{Mistake, Opt};
use crate::rng::{Purpose, Stream};
use crate::text::counted;

/// `samples` different points; `option` says how many.
///
/// # Errors
/// Nothing to draw from, and more points than there are.
pub(super) fn draw(option: &Opt, samples: usize, space: &Space) -> Result<Vec<Point>, Mistake> {
    if space.axes.is_empty() {
        let message = "there is nothing to draw from: [sweep.axes] is needed";
        return Err(Mistake::new("strategy", message));
    }
    check_count(option, samples, space)?;
    let mut stream = Stream::new(space.seed, Purpose::Sweep, 0, 0);
    if let Some(all) = space.count().filter(|all| *all <= 2 * MOST_RUNS) {
        let mut order: Vec<usize> = (0..all).collect();
        stream.shuffle(&mut order);
        let drawn = order.iter().take(samples);
        return Ok(drawn.map(|n| space.point(*n)).collect());
    }
    let mut seen = BTreeSet::new();
    let mut points = Vec::with_capacity(samples);
    // Of a range of few whole numbers there may be fewer.
    for _ in 0..samples.saturating_mul(100) {
        let point = random(space, &mut stream);
        if points.len() < samples && seen.insert(point.clone()) {
            points.push(point);
        }
    }
    match points.len() {
        found if found < samples => Err(too_few(option, found, samples)),
        _ => Ok(points),
    }
}

/// Refuses to ask for more points than there are.
fn check_count(option: &Opt, samples: usize, space: &Space) -> Result<(), Mistake> {
    match space.count() {
        Some(all) if samples > all => Err(too_few(option, all, samples)),
        _ => Ok(()),
    }
}

fn too_few(option: &Opt, found: usize, samples: usize) -> Mistake {
    let found = counted(found, "different point");
    let message = format!("only {found} can be drawn, not {samples}");
    let help = "lower `samples`, or widen the axes; lists alone can be run whole with `strategy = \"grid\"`";
    Mistake::new(option.name, message).help(help)
}

/// The next point of a stream.
pub(super) fn random(space: &Space, stream: &mut Stream) -> Point {
    let mut place = |values: &Values| match values {
        Values::Listed(length) => {
            let below = u32::try_from(*length).unwrap_or(u32::MAX);
            Place::Listed(stream.below(below) as usize)
        }
        Values::Range(range) => Place::Drawn(range.at(f64::from(stream.uniform()))),
    };
    space.axes.iter().map(|axis| place(&axis.values)).collect()
}
