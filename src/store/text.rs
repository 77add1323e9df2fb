//! Short forms of names and numbers, for the terminal and the charts.

use crate::spec::AxisValue;
pub(crate) use crate::text::shorten;

/// The shortest endings of dotted keys that still tell them apart: `freeze.through` → `through`.
pub(crate) fn short_keys<'a>(keys: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let last = |key: &'a str| key.rsplit('.').next().unwrap_or(key).trim_matches('"');
    let keys: Vec<&str> = keys.into_iter().collect();
    keys.iter()
        .map(|&key| {
            let unique = keys
                .iter()
                .filter(|&&other| last(other) == last(key))
                .count()
                == 1;
            if unique { last(key) } else { key }.to_owned()
        })
        .collect()
}

/// A value of an axis, short: `1e-5` where the number itself would show as `0.00001`.
pub(crate) fn value(value: &AxisValue) -> String {
    match value {
        AxisValue::Float(v) => number(*v, 5),
        other => other.to_string(),
    }
}

/// A point as `through=block4_pool,seed=1`; empty without a sweep.
pub(crate) fn point(point: &[(String, AxisValue)], separator: &str) -> String {
    let keys = short_keys(point.iter().map(|(key, _)| key.as_str()));
    let parts: Vec<String> = keys
        .iter()
        .zip(point)
        .map(|(key, (_, v))| format!("{key}={}", value(v)))
        .collect();
    parts.join(separator)
}

/// A number with about `digits` significant digits and no needless zeros: `0.3`, `1e-5`, `1200`.
pub(crate) fn number(value: f64, digits: usize) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let magnitude = value.abs().log10().floor();
    if !(-3.0..6.0).contains(&magnitude) {
        let text = format!("{value:.*e}", digits.saturating_sub(1));
        return match text.split_once('e') {
            Some((mantissa, exponent)) => format!("{}e{exponent}", without_zeros(mantissa)),
            None => text,
        };
    }
    let decimals = (digits as f64 - 1.0 - magnitude).max(0.0) as usize;
    without_zeros(&format!("{value:.decimals$}")).to_owned()
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    }
}

/// A share as `85.1%`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_lose_their_middle() {
        assert_eq!(shorten("block4_pool", 11), "block4_pool");
        assert_eq!(shorten("block4_pool", 7), "blo…ool");
        assert_eq!(shorten("übergröße", 4), "üb…e");
        assert_eq!(shorten("abc", 1), "…");
    }

    #[test]
    fn keys_are_shortened_only_where_that_is_unambiguous() {
        assert_eq!(short_keys(["freeze.through", "seed"]), ["through", "seed"]);
        assert_eq!(
            short_keys(["optimizer.name", "dataset.name", "seed"]),
            ["optimizer.name", "dataset.name", "seed"]
        );
    }

    #[test]
    fn numbers_are_short_and_keep_their_value() {
        let cases = [
            (0.30000000000000004, "0.3"),
            (1e-5, "1e-5"),
            (0.00025, "2.5e-4"),
            (0.001, "0.001"),
            (1200.0, "1200"),
            (3e6, "3e6"),
            (0.0, "0"),
            (-0.5, "-0.5"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value, 3), text);
        }
        assert_eq!(percent(0.8512), "85.1%");
    }
}
