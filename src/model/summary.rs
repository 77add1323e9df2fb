//! A network's table, like Keras's `model.summary()`.

use std::fmt::Write as _;

use super::blueprint::{Blueprint, Link};
use crate::text::thousands;

/// The table: layer, kind, output shape, parameters, frozen or trained; then totals.
pub fn summary(blueprint: &Blueprint) -> String {
    let header = ["layer", "kind", "output shape", "parameters", ""].map(String::from);
    let rows: Vec<[String; 5]> = std::iter::once(header)
        .chain(
            blueprint
                .links
                .iter()
                .enumerate()
                .map(|(i, link)| row(link, i < blueprint.frozen)),
        )
        .collect();
    let widths: [usize; 5] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0));
    let rule = "─".repeat(widths.iter().sum::<usize>() + 2 * (widths.len() - 1));
    let mut text = String::new();
    for (i, [name, kind, shape, parameters, state]) in rows.iter().enumerate() {
        let [w0, w1, w2, w3, _] = widths;
        let line = format!("{name:<w0$}  {kind:<w1$}  {shape:<w2$}  {parameters:>w3$}  {state}");
        let _ = writeln!(text, "{}", line.trim_end());
        if i == 0 || i == blueprint.frozen && i + 1 < rows.len() {
            let _ = writeln!(text, "{rule}");
        }
    }
    let (total, trained) = (blueprint.parameter_count(), blueprint.trainable_count());
    let _ = writeln!(text, "{rule}");
    let _ = writeln!(
        text,
        "total parameters       {:>w$}",
        thousands(total),
        w = 12
    );
    let _ = writeln!(
        text,
        "trainable parameters   {:>w$}",
        thousands(trained),
        w = 12
    );
    let _ = writeln!(
        text,
        "other parameters       {:>w$}",
        thousands(total - trained),
        w = 12
    );
    text
}

fn row(link: &Link, frozen: bool) -> [String; 5] {
    let parameters: usize = link.parameters.iter().map(|p| p.elements()).sum();
    let state = match (parameters, frozen) {
        (0, _) => "",
        (_, true) => "frozen",
        (_, false) => "trained",
    };
    [
        link.name.clone(),
        link.layer.kind().into(),
        link.output.to_string(),
        thousands(parameters),
        state.into(),
    ]
}
