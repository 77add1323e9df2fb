//! What is said of a comparison in words.

use super::comparison::{ALPHA, Comparison, Group, Others, Verdict};
use super::difference::{Difference, Needed, Over};
use super::judge::MOST_WITH_ANSWERS;
use super::measure::{Measure, Unit};
use super::select::Optimistic;
use super::table::{images_title, shown, size_of_difference};
use crate::store::text;
use crate::text::thousands;

/// What stands below the table: what was done, and what to think of it.
pub fn notes(comparison: &Comparison) -> Vec<String> {
    let mut notes = Vec::new();
    let measure = comparison.deciding().map_or("", |measure| measure.name);
    if comparison.images > 1 {
        let [set, sets] = images_title(comparison);
        notes.push(format!(
            "measured on {} different {sets}, each ranked on its own: {measure} on one {set} does not compare with \
             {measure} on another",
            comparison.images
        ));
    }
    notes.extend(optimistic(comparison));
    notes.extend(tested(comparison));
    if !comparison.can_judge() && comparison.groups.len() > 1 && comparison.pooled.is_empty() {
        notes.push(
            "with one run each it cannot be told whether a difference is real; sweep the seed too"
                .into(),
        );
    }
    notes.extend(needed(comparison));
    notes.extend(front(comparison));
    if !comparison.repeated.is_empty() {
        notes.push(format!("averaged over: {}", comparison.repeated.join(", ")));
    }
    if !comparison.pooled.is_empty() {
        notes.push(format!(
            "a group has runs of different settings, which differ in: {}; ± is the deviation within a setting, and \
             differences are not tested",
            comparison.pooled.join(", ")
        ));
    }
    if comparison.paused > 0 {
        let paused = runs(comparison.paused);
        notes.push(format!(
            "left out: {paused} of settings that a search paused before the end; charts/search.svg shows how far each came"
        ));
    }
    let unfinished = comparison.unfinished.saturating_sub(comparison.paused);
    if unfinished > 0 {
        let unfinished = runs(unfinished);
        notes.push(format!("left out: {unfinished} that did not finish"));
    }
    if comparison.copies > 0 {
        let copies = runs(comparison.copies);
        notes.push(format!(
            "left out: {copies} that are copies of others, each counted once"
        ));
    }
    if comparison.has_again {
        notes.push(
            "lines with the same values have runs of the same seeds, which build on other models or were done by another \
             version"
                .to_owned(),
        );
    }
    notes.extend(others(comparison));
    notes
}

/// What is said of runs of earlier forms of the spec.
fn others(comparison: &Comparison) -> Option<String> {
    if let Some(key) = &comparison.asked_for {
        return Some(format!(
            "runs of earlier forms of the spec are included, as the present ones do not differ in {key}"
        ));
    }
    let Others { count, keys } = &comparison.others;
    if *count == 0 {
        return None;
    }
    let differ = match keys.as_slice() {
        [] => String::new(),
        keys => format!(" (they differ in {})", keys.join(", ")),
    };
    let runs = runs(*count);
    Some(format!(
        "left out: {runs} of earlier forms of the spec{differ}; compare --all shows them as groups of their own"
    ))
}

fn runs(count: usize) -> String {
    match count {
        1 => "1 run".to_owned(),
        n => format!("{n} runs"),
    }
}

/// What tells a group from the others, as `through=all, units=256`.
pub fn name_of(comparison: &Comparison, group: &Group) -> String {
    let pairs = comparison.axes.iter().zip(&group.point);
    let known = pairs.filter_map(|(key, value)| Some((key.clone(), value.clone()?)));
    text::point(&known.collect::<Vec<_>>(), ", ")
}

/// The best setting in a sentence, with what it reached; none where there is nothing to choose between.
pub fn answer(comparison: &Comparison) -> Option<String> {
    let (best, deciding) = (comparison.groups.first()?, comparison.deciding()?);
    if comparison.ranked().len() < 2 {
        return None;
    }
    let (name, by) = (name_of(comparison, best), deciding.name);
    let runs = match best.runs.len() {
        1 => "1 run".to_owned(),
        n => format!("mean of {n} runs"),
    };
    let chosen = shown(best.deciding()?, deciding.unit);
    let mut text = format!("best by {by}: {name} ({chosen}, {runs})");
    let reported = comparison.reported()?;
    if let Some(sample) = best.reported().filter(|_| reported != deciding) {
        text += &format!("; its {}: {}", reported.name, shown(sample, reported.unit));
    }
    let others = comparison.ranked().iter();
    let close = others.filter(|group| group.verdict == Verdict::WithinNoise);
    text += match close.count() {
        0 => "",
        1 => "; 1 other cannot be told from it",
        n => return Some(format!("{text}; {n} others cannot be told from it")),
    };
    Some(text)
}

/// Why the number of the best is too good.
pub fn optimistic(comparison: &Comparison) -> Option<String> {
    let measure = comparison.deciding()?.name;
    let is_choice = comparison.ranked().len() > 1;
    let why = match comparison.optimistic.filter(|_| is_choice)? {
        Optimistic::Asked => "as asked for",
        Optimistic::NoValidation => "as no validation images were kept (dataset.validation_split)",
        Optimistic::NoTest => "as there are no test images (dataset.test_split)",
    };
    Some(format!(
        "{measure} chose the best and is what is reported of it, {why}: that number is optimistic"
    ))
}

/// What stands in the columns of differences and p-values.
fn tested(comparison: &Comparison) -> Option<String> {
    let reported = comparison.reported()?;
    let groups = &comparison.groups;
    let differences: Vec<Difference> = groups.iter().filter_map(|g| g.difference).collect();
    if differences.is_empty() && !comparison.can_judge() {
        return None;
    }
    let mut parts = Vec::new();
    if comparison.can_judge() {
        parts.push("mean ± standard deviation (n runs)".to_owned());
    }
    if let Some(first) = differences.first() {
        let over = |over| differences.iter().any(|difference| difference.over == over);
        let images = first.images.unwrap_or(0);
        let images = format!("the {} {}", thousands(images), on(reported));
        let (runs_too, images_too) = (over(Over::RunsAndImages), over(Over::Images));
        let over = match (runs_too, images_too) {
            (true, _) => format!("runs and {images}"),
            (_, true) => format!("{images} alone"),
            _ => "runs".to_owned(),
        };
        let unit = match reported.unit {
            Unit::Share => ", in percentage points",
            Unit::Seconds => ", in seconds",
            Unit::Plain | Unit::Count => "",
        };
        parts.push(format!(
            "difference: {} less that of the best{unit}, with its 95 % interval over {over}",
            reported.name
        ));
        if runs_too && groups.len() > MOST_WITH_ANSWERS + 1 {
            parts.push(format!(
                "beyond the best {MOST_WITH_ANSWERS} over runs alone"
            ));
        }
    }
    if comparison.can_judge() {
        parts.push(format!(
            "p: t-test of {} against the best, two-sided, paired where both have the same seeds and folds, else Welch's; \
             corrected for the number of comparisons (Holm); ≈ best: p ≥ {ALPHA}, or the interval holds 0",
            reported.name
        ));
    }
    Some(parts.join("; "))
}

/// The settings that no other one beats in everything, where that is neither one nor all.
pub fn front(comparison: &Comparison) -> Option<String> {
    const MOST: usize = 6;
    let ranked = comparison.ranked();
    let on_front: Vec<&Group> = ranked.iter().filter(|group| group.is_on_front).collect();
    if on_front.len() < 2 || on_front.len() == ranked.len() || on_front.len() > MOST {
        return None;
    }
    let names = on_front.iter().map(|group| name_of(comparison, group));
    Some(format!(
        "Pareto front of {}, seconds and parameters, which no other setting beats in all of them: {}",
        comparison.reported()?.name,
        names.collect::<Vec<_>>().join("; ")
    ))
}

fn on(measure: &Measure) -> &'static str {
    use super::measure::Images;
    match measure.on {
        Images::Validation => "validation images",
        _ => "test images",
    }
}

/// What would tell the nearest other setting from the best.
pub fn needed(comparison: &Comparison) -> Option<String> {
    let reported = comparison.reported()?;
    let is_open = |group: &&Group| group.verdict == Verdict::WithinNoise;
    let next = comparison.ranked().iter().find(is_open)?;
    let difference = next.difference?;
    let size = size_of_difference(difference.mean, reported.unit);
    let name = name_of(comparison, next);
    let runs = next.runs.len();
    Some(match difference.needed? {
        Needed::Runs(needed) if needed <= runs => return None,
        Needed::Runs(needed) => format!(
            "the best and {name} differ by {size}, too little to tell with {runs} runs each; about {} runs each would tell \
             such a difference four times of five",
            thousands(needed)
        ),
        Needed::Images(needed) => format!(
            "the best and {name} differ by {size}, too little to tell on {} {}, whatever the number of runs; about {} would \
             tell such a difference four times of five",
            thousands(difference.images.unwrap_or(0)),
            on(reported),
            thousands(needed)
        ),
    })
}
