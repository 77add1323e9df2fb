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
    fn thousands_are_set_apart() {
        assert_eq!(thousands(14_714_688), "14,714,688");
        assert_eq!(thousands(999), "999");
    }
}
