//! Numbers and times as people read them.

/// 14 714 688 as `14,714,688`.
pub fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 run`, `3 runs`, `1,200 classes`.
pub fn counted(n: usize, what: &str) -> String {
    let ending = match (n, what.ends_with('s')) {
        (1, _) => "",
        (_, true) => "es",
        _ if what.ends_with("tch") => "es",
        _ => "s",
    };
    format!("{} {what}{ending}", thousands(n))
}

/// A time that is estimated: to 5 seconds below 2 minutes, to minutes below 2 hours, else to tenths of an hour.
pub fn about(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    if seconds < 120.0 {
        format!("about {} s", ((seconds / 5.0).ceil() * 5.0).max(5.0))
    } else if seconds < 7200.0 {
        format!("about {} min", (seconds / 60.0).round())
    } else {
        format!("about {:.1} h", seconds / 3600.0)
    }
}

/// `1.3 G`
pub fn si(n: u64) -> String {
    let value = n as f64;
    [(1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")]
        .into_iter()
        .find(|(unit, _)| value >= *unit)
        .map_or_else(
            || n.to_string(),
            |(unit, letter)| format!("{:.1} {letter}", value / unit),
        )
}

/// `59.1 MiB`, `12 B`.
pub fn bytes(n: u64) -> String {
    let value = n as f64;
    [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)]
        .into_iter()
        .map(|(unit, shift)| (unit, (1u64 << shift) as f64))
        .find(|(_, one)| value >= *one)
        .map_or_else(
            || format!("{n} B"),
            |(unit, one)| format!("{:.1} {unit}", value / one),
        )
}

/// `1.25 GiB` or `48 MiB`: bytes that are estimated.
pub fn about_bytes(n: u64) -> String {
    let (mib, gib) = (f64::from(1 << 20), f64::from(1 << 30));
    match n as f64 {
        large if large >= gib => format!("{:.2} GiB", large / gib),
        small => format!("{:.0} MiB", (small / mib).max(1.0)),
    }
}

/// A word as a shell takes it: `training.epochs=3`, `'a=[1, 2]'`.
pub fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "._-=/:,…".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// Bytes in lowercase hexadecimal.
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    let bytes = bytes.as_ref().iter();
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

/// `text` in at most `width` characters, shortened in the middle: `block4_…_bn`.
pub fn shorten(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(1);
    let front = kept.div_ceil(2);
    let mut short: String = text.chars().take(front).collect();
    short.push('…');
    short.extend(text.chars().skip(length - (kept - front)));
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimated_times_are_round() {
        for (seconds, text) in [
            (0.0, "about 5 s"),
            (61.0, "about 65 s"),
            (125.0, "about 2 min"),
            (9000.0, "about 2.5 h"),
        ] {
            assert_eq!(about(seconds), text);
        }
    }

    #[test]
    fn what_is_counted_has_its_plural() {
        for (n, what, text) in [
            (1, "run", "1 run"),
            (1200, "run", "1,200 runs"),
            (0, "class", "0 classes"),
            (2, "batch", "2 batches"),
            (3, "epoch", "3 epochs"),
        ] {
            assert_eq!(counted(n, what), text);
        }
    }

    #[test]
    fn bytes_have_the_largest_unit_that_is_not_more() {
        for (n, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (61_970_000, "59.1 MiB"),
            (3 << 40, "3.0 TiB"),
        ] {
            assert_eq!(bytes(n), text);
        }
        assert_eq!(about_bytes(1), "1 MiB");
        assert_eq!(about_bytes(5 << 28), "1.25 GiB");
        assert_eq!(hex([0, 10, 255]), "000aff");
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(thousands(14_714_688), "14,714,688");
        assert_eq!(thousands(999), "999");
    }
}
