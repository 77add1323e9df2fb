//! `learning_rate.svg`: the loss of a short trial by its learning rate.

use super::chart::{Chart, Entry};
use super::frame::{Axis, about_axis, plot, ticks};
use super::scale::Scale;
use super::svg::{Anchor, Svg, color};
use crate::analysis::Unit;
use crate::train::RateCurve;

/// None where nothing was tried.
pub fn rate(experiment: &str, curve: &RateCurve) -> Option<Chart> {
    curve.tried.first()?;
    let y = Scale::fit(curve.tried.iter().map(|tried| tried.loss));
    let mut notes = vec![
        "One batch after another, each with a larger rate; the line is a mean over the batches so far of which older ones \
         count less."
            .to_owned(),
    ];
    notes.push(about_axis(&y, Unit::Plain));
    let title = format!("{experiment}: loss by learning rate");
    let chart = Chart::of_one("learning_rate.svg".into(), title, |width| {
        draw(width, curve, &y)
    });
    let legend = curve
        .steepest
        .map(|_| Entry::line("reference", "where the loss falls the fastest"));
    Some(chart.with_legend(legend).with_notes(notes))
}

fn draw(width: f64, curve: &RateCurve, y: &Scale) -> Svg {
    let x = Scale::fit(curve.tried.iter().map(|tried| tried.learning_rate));
    let x_axis = Axis {
        ticks: ticks(&x, Unit::Plain, (width / 90.0) as usize),
        label: x.label("learning rate"),
    };
    let y_axis = Axis {
        ticks: ticks(y, Unit::Plain, 8),
        label: y.label("loss"),
    };
    let (frame, mut svg) = plot((width, 280.0), "loss by learning rate", &x_axis, &y_axis);
    if let Some(place) = curve.steepest.and_then(|rate| x.place(rate)) {
        let at = frame.x(place);
        svg.line((at, frame.top), (at, frame.bottom()), "reference");
        let rate = format!("{:.1e}", curve.steepest.unwrap_or_default());
        svg.text((at + 5.0, frame.top + 10.0), Anchor::Start, "small", &rate);
    }
    let points: Vec<(f64, f64)> = curve
        .tried
        .iter()
        .filter_map(|tried| {
            let (x, y) = (x.place(tried.learning_rate)?, y.place(tried.loss)?);
            Some((frame.x(x), frame.y(y)))
        })
        .collect();
    svg.path(&points, &format!("line {}", color(0)));
    svg
}
