//! Which boundaries are worth training.

use super::row::Row;
use crate::spec::FreezeThrough;

/// What the probes of one backbone say.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    pub backbone: String,
    /// The boundary with the most accurate probe, and that accuracy.
    pub best: (String, f64),
    /// As `freeze.through` takes them; none where nothing can be told. Worth training, from the cheapest: the deepest that the
    /// validation images cannot tell from the best, the best and what is just above it where these are others, and everything
    /// where the backbone's last layers tell less.
    pub boundaries: Vec<String>,
    /// Why.
    pub reason: String,
}

/// Two accuracies on the same images that are nearer than so many standard errors are not told apart.
const NOISE: f64 = 1.0;

/// Says for each backbone what to train, from the best linear probe at each boundary.
pub fn advise(rows: &[Row]) -> Vec<Advice> {
    let mut backbones: Vec<&str> = rows.iter().map(|row| row.backbone.as_str()).collect();
    backbones.dedup();
    let of = |backbone: &str| advise_one(rows, backbone);
    backbones.into_iter().filter_map(of).collect()
}

/// At each boundary of a backbone, from shallow to deep, the more accurate of its linear probes.
pub fn best_linear<'a>(rows: &'a [Row], backbone: &str) -> Vec<&'a Row> {
    let mut depths: Vec<&Row> = Vec::new();
    let linear = rows
        .iter()
        .filter(|row| row.is_linear && row.backbone == backbone);
    for row in linear {
        match depths.last_mut() {
            Some(last) if last.layers == row.layers => {
                if row.val_accuracy > last.val_accuracy {
                    *last = row;
                }
            }
            _ => depths.push(row),
        }
    }
    depths
}

fn advise_one(rows: &[Row], backbone: &str) -> Option<Advice> {
    let depths = best_linear(rows, backbone);
    let mut best = 0;
    for (place, row) in depths.iter().enumerate() {
        if row.val_accuracy > depths[best].val_accuracy {
            best = place;
        }
    }
    let top = *depths.get(best)?;
    let is_as_good = |row: &&&Row| row.val_accuracy >= top.val_accuracy - NOISE * top.val_std;
    let deepest = depths
        .iter()
        .rposition(|row| is_as_good(&row))
        .unwrap_or(best);
    let above = best.saturating_sub(1);
    let mut places = vec![deepest, best, above];
    // Behind layers without weights the same trains.
    places.dedup_by_key(|place| depths[*place].training_operations);
    let percent = |row: &Row| format!("{:.1} %", row.val_accuracy * 100.0);
    let last = *depths.last()?;
    let mut boundaries: Vec<String> = places
        .iter()
        .map(|place| depths[*place].boundary.clone())
        .collect();
    let chance = 1.0 / top.classes.max(1) as f64;
    let reason = match deepest + 1 == depths.len() {
        _ if top.val_accuracy - 2.0 * top.val_std <= chance => {
            let reason = format!(
                "no boundary tells the {} classes surely better than guessing ({} at best): too few images, or weights that \
                 know nothing of such images",
                top.classes,
                percent(top)
            );
            return Some(Advice {
                backbone: backbone.to_owned(),
                best: (top.boundary.clone(), top.val_accuracy),
                boundaries: Vec::new(),
                reason,
            });
        }
        true => format!(
            "what the whole backbone gives is as good as anything before it ({} against {}): a head on it is the cheapest, \
             and training the last layers too may add to it",
            percent(last),
            percent(top)
        ),
        false => {
            boundaries.push(FreezeThrough::NOTHING.to_owned());
            format!(
                "the layers behind it tell less of these classes ({} at {}, {} at {}){}: train them, and see whether all of \
                 it gains, as it may with thousands of images",
                percent(depths[deepest]),
                depths[deepest].boundary,
                percent(last),
                last.boundary,
                match last.is_pretrained {
                    true => ", as they are made for those that the weights were trained on",
                    false => "",
                }
            )
        }
    };
    Some(Advice {
        backbone: backbone.to_owned(),
        best: (top.boundary.clone(), top.val_accuracy),
        boundaries,
        reason,
    })
}
