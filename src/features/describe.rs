//! What `runner check` says about features.

use std::fmt::Write as _;

use super::Split;
use super::budget::Room;
use super::policy::{self, Estimate, Reason, Storage};
use crate::data::Counts;
use crate::model::Blueprint;
use crate::spec::Spec;
use crate::text::{bytes, thousands};

/// A line for the whole, and a line for the images of each split or of those kept together: which are kept, where, how
/// large, and why or why not.
///
/// Empty where nothing is frozen.
pub fn describe(
    spec: &Spec,
    blueprint: &Blueprint,
    images: Option<Counts>,
    on_cpu: bool,
) -> String {
    let mut text = String::new();
    let allowed = |split| policy::allowed(spec, blueprint, split);
    match allowed(Split::Test) {
        Ok(budget) => {
            let frontier = policy::frontier(blueprint);
            let (each, budget) = (bytes(policy::bytes_each(blueprint) as u64), bytes(budget.0));
            let _ = writeln!(
                text,
                "features               {each} per image through {frontier}, at most {budget} in memory"
            );
        }
        Err(reason) => {
            let _ = writeln!(text, "features               none: {reason}");
            return text;
        }
    }
    let whole = Room::of(spec);
    let mut room = whole;
    for (splits, count) in policy::together(spec, blueprint, images.unwrap_or_default()) {
        let names: Vec<&str> = splits.iter().map(|split| split.adjective()).collect();
        let name = names.join(", ");
        let allowed = splits.first().map(|split| allowed(*split));
        let line = match (allowed, images.map(|_| count)) {
            (Some(Err(reason)), _) => format!("not kept: {reason}"),
            (_, None) => "kept where they fit".into(),
            (_, Some(images)) => {
                let views = splits
                    .first()
                    .map_or(1, |split| policy::views(spec, *split));
                let estimate = Estimate::new(blueprint, images, on_cpu);
                let place = estimate.place_some(policy::left(whole, room, &splits));
                room = room.less(place.map_or(0, |place| place.in_memory()));
                kept((images, views), &estimate, place)
            }
        };
        let _ = writeln!(text, "  {name:20} {line}");
    }
    text
}

fn kept(
    (images, views): (usize, usize),
    estimate: &Estimate,
    place: Result<Storage, Reason>,
) -> String {
    let of_views = match views {
        1 => String::new(),
        views => format!("{} views of ", thousands(views)),
    };
    let (size, each) = (bytes(estimate.bytes), thousands(images / views.max(1)));
    let all = format!("{size} for {of_views}{each}");
    match place {
        Ok(place) if place.images < images => {
            let whereabouts = match place.memory {
                true => "in memory",
                false => "in the cache folder",
            };
            let (kept, each) = (bytes(place.bytes), thousands(place.images / views.max(1)));
            format!(
                "{all}: {kept} for {each} {whereabouts}, the others computed whenever they are needed"
            )
        }
        Ok(place) => {
            let place = match (place.memory, place.disk) {
                (true, true) => "in memory and in the cache folder",
                (true, false) => "in memory (not cached: recomputing is faster)",
                (false, _) => "in the cache folder (too large for memory)",
            };
            format!("{all}, {place}")
        }
        Err(Reason::NoImages) => "none".into(),
        Err(reason) => format!("{all}, not kept: {reason}"),
    }
}
