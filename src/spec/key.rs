//! Keys of a spec as paths: `training.epochs`, `head.3.rate`, `sweep.axes."freeze.through"`.

/// The segments of a key; an element of a list has its index (from 0) as its segment.
pub(super) type KeyPath = Vec<String>;

/// Segments of a key at most; no key of a spec has nearly as many.
pub(super) const DEEPEST: usize = 32;

/// The key path for plain segments.
pub(super) fn path(segments: &[&str]) -> KeyPath {
    segments.iter().map(|s| s.to_string()).collect()
}

/// Splits a dotted key; a segment may be quoted, `"…"` or `'…'`, and then hold anything but its quote.
///
/// # Errors
/// Which character is wrong.
pub(super) fn parse(text: &str) -> Result<KeyPath, String> {
    let mut segments = KeyPath::new();
    let mut rest = text.trim();
    loop {
        let (segment, after) = first_segment(rest)?;
        segments.push(segment);
        if segments.len() > DEEPEST {
            return Err("the key is nested too deeply".into());
        }
        rest = match after.strip_prefix('.') {
            Some(rest) => rest,
            None if after.is_empty() => break,
            None => return Err(format!("`{after}` cannot follow in the key `{text}`")),
        };
    }
    Ok(normal(segments))
}

fn first_segment(text: &str) -> Result<(String, &str), String> {
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            return quoted
                .split_once(quote)
                .map(|(segment, rest)| (segment.to_owned(), rest))
                .ok_or_else(|| format!("the key has an opening {quote} but no closing one"));
        }
    }
    let end = text.find(|c| !is_bare(c)).unwrap_or(text.len());
    match text.split_at(end) {
        ("", "") => Err("a part of the key is missing".into()),
        ("", rest) => Err(format!("a key cannot begin with `{rest}`")),
        (segment, rest) => Ok((segment.to_owned(), rest)),
    }
}

fn is_bare(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// Splits `KEY=VALUE` at the first `=` outside quotes.
pub(super) fn split_assignment(text: &str) -> Option<(&str, &str)> {
    let mut open = None;
    for (at, c) in text.char_indices() {
        match (open, c) {
            (None, '=') => return Some((&text[..at], &text[at + 1..])),
            (None, '"' | '\'') => open = Some(c),
            (Some(quote), c) if quote == c => open = None,
            _ => {}
        }
    }
    None
}

/// The same key with a sweep's axis as one segment, however it was written:
/// `sweep.axes.freeze.through` is `sweep.axes."freeze.through"`.
pub(super) fn normal(mut path: KeyPath) -> KeyPath {
    if is_axes(path.get(..2).unwrap_or_default()) && path.len() > 3 {
        let axis = dotted(&path.split_off(2));
        path.push(axis);
    }
    path
}

/// Whether this is the table of the sweep's axes.
pub(super) fn is_axes(path: &[String]) -> bool {
    matches!(path, [sweep, axes] if sweep == "sweep" && axes == "axes")
}

/// Whether this is a value of a sweep's axis, or something inside it.
pub(super) fn is_in_axis(path: &[String]) -> bool {
    path.len() > 3 && is_axes(&path[..2])
}

/// The key of a sweep's axis, or of something below the `index`-th of its values.
pub(super) fn axis_path(axis: &str, index: usize, below: &[String]) -> KeyPath {
    let mut path = path(&["sweep", "axes", axis, &index.to_string()]);
    path.extend_from_slice(below);
    path
}

/// A key as it is written in a spec, segments quoted where they must be.
pub(super) fn dotted(path: &[String]) -> String {
    let segments: Vec<String> = path.iter().map(|s| quoted(s)).collect();
    segments.join(".")
}

fn quoted(segment: &str) -> String {
    if !segment.is_empty() && segment.chars().all(is_bare) {
        segment.to_owned()
    } else {
        format!("\"{segment}\"")
    }
}

/// What is left of `key` below `ancestor`, if it is there or below.
pub(super) fn below<'a>(key: &'a [String], ancestor: &[String]) -> Option<&'a [String]> {
    key.strip_prefix(ancestor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_split_at_dots_outside_quotes() {
        assert_eq!(parse("training.epochs").unwrap(), ["training", "epochs"]);
        assert_eq!(parse("head.3.rate").unwrap(), ["head", "3", "rate"]);
        let axis = ["sweep", "axes", "freeze.through"];
        for text in [
            "sweep.axes.\"freeze.through\"",
            "sweep.axes.'freeze.through'",
            "sweep.axes.freeze.through",
        ] {
            assert_eq!(parse(text).unwrap(), axis, "{text}");
            assert_eq!(
                dotted(&parse(text).unwrap()),
                "sweep.axes.\"freeze.through\""
            );
        }
        for wrong in ["", ".", "a.", ".a", "a..b", "a b", "\"a", "\"a\"b"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_assignment_splits_at_the_first_equals_sign_outside_quotes() {
        assert_eq!(split_assignment("a=b=c"), Some(("a", "b=c")));
        assert_eq!(split_assignment("\"a=b\"=c"), Some(("\"a=b\"", "c")));
        assert_eq!(split_assignment("a="), Some(("a", "")));
        assert_eq!(split_assignment("a"), None);
    }
}
