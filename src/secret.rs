//! Secrets in texts that are shown or written: tokens that a server repeats, passwords in addresses.

use std::collections::HashSet;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};

/// What stands in place of a secret.
const MASK: &str = "***";
/// This many characters of a secret in a row are taken for a piece of it.
const PIECE: usize = 8;
/// Shorter secrets cannot be told from ordinary text.
const SHORTEST: usize = 4;

/// The variable that allows secrets to be sent unencrypted.
pub(crate) const OVER_HTTP: &str = "RUNNER_TOKENS_OVER_HTTP";

/// Whether secrets may be sent unencrypted, as a variable of the environment says.
pub(crate) fn may_go_over_http() -> bool {
    let value = std::env::var(OVER_HTTP).unwrap_or_default();
    matches!(value.trim(), "1" | "true" | "yes")
}

/// Secrets in every form in which they may come back. They are never shown.
#[derive(Clone, Default)]
pub(crate) struct Secrets {
    /// Pieces of the longer forms, and the shorter forms, in lowercase.
    pieces: HashSet<Vec<u8>>,
    /// Whether one of them is so short that it is in every text.
    is_hopeless: bool,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

impl Secrets {
    /// These secrets: as they are, percent-encoded, in base64 (also inside something longer), in hexadecimal, escaped for
    /// JSON and for HTML.
    pub fn of<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all = Secrets::default();
        for secret in secrets.into_iter().map(str::trim) {
            if secret.is_empty() {
                continue;
            }
            all.is_hopeless |= secret.len() < SHORTEST;
            for form in forms(secret) {
                all.add(form.to_ascii_lowercase().as_bytes());
            }
        }
        all
    }

    fn add(&mut self, form: &[u8]) {
        if form.len() < PIECE {
            if form.len() >= SHORTEST {
                self.pieces.insert(form.to_vec());
            }
        } else {
            self.pieces.extend(form.windows(PIECE).map(<[u8]>::to_vec));
        }
    }

    /// Whether the text holds a piece of a secret.
    pub fn are_in(&self, text: &str) -> bool {
        self.is_hopeless || self.found(text).contains(&true)
    }

    /// The text with `***` in place of every piece of a secret.
    pub fn masked(&self, text: &str) -> String {
        if self.is_hopeless {
            return MASK.to_owned();
        }
        let found = self.found(text);
        let mut out = String::with_capacity(text.len());
        let mut was_masked = false;
        for (at, c) in text.char_indices() {
            let is_masked = found[at..at + c.len_utf8()].contains(&true);
            match (is_masked, was_masked) {
                (true, false) => out.push_str(MASK),
                (true, true) => {}
                (false, _) => out.push(c),
            }
            was_masked = is_masked;
        }
        out
    }

    /// For each byte of the text, whether it belongs to a piece.
    fn found(&self, text: &str) -> Vec<bool> {
        let lower = text.to_ascii_lowercase().into_bytes();
        let mut found = vec![false; lower.len()];
        for length in SHORTEST..=PIECE {
            for (at, window) in lower.windows(length).enumerate() {
                if self.pieces.contains(window) {
                    found[at..at + length].fill(true);
                }
            }
        }
        found
    }
}

/// The forms in which a secret may come back.
fn forms(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let hex = |byte: &u8| format!("{byte:02x}");
    let percent = |byte: &u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(*byte).to_string()
        }
        _ => format!("%{byte:02x}"),
    };
    let percent: String = bytes.iter().map(percent).collect();
    let json = serde_json::Value::from(secret).to_string();
    let escapes = [
        ("&", "&amp;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ("\"", "&quot;"),
        ("'", "&#39;"),
    ];
    let html = escapes
        .iter()
        .fold(secret.to_owned(), |text, (from, to)| text.replace(from, to));
    let mut forms = vec![
        secret.to_owned(),
        percent.replace("%20", "+"),
        percent.replace('%', "%25"),
        percent,
        bytes.iter().map(|byte| format!("%{byte:02x}")).collect(),
        bytes.iter().map(hex).collect(),
        json.trim_matches('"').to_owned(),
        html,
    ];
    // Inside something longer, a secret begins at one of three places of a group of three bytes.
    for before in 0..3 {
        let padded = [&[0; 2][..before], bytes].concat();
        let (skipped, kept) = ([0, 2, 3][before], padded.len() * 8 / 6);
        for engine in [&BASE64_STANDARD_NO_PAD, &BASE64_URL_SAFE_NO_PAD] {
            let encoded = engine.encode(&padded);
            forms.extend(encoded.get(skipped..kept.max(skipped)).map(str::to_owned));
        }
    }
    forms
}

/// The text with `*` for every character of the user and the password that stand before the host of an address; as long
/// as before.
pub(crate) fn without_passwords(text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let mut at = 0;
    while at < chars.len() {
        // One slash is left of two in an address that was taken for a path.
        let is_start = chars[at] == ':' && chars.get(at + 1) == Some(&'/') && at > 0;
        if !is_start || !chars[at - 1].is_ascii_alphanumeric() {
            at += 1;
            continue;
        }
        let start = at + 1 + chars[at + 1..].iter().take_while(|c| **c == '/').count();
        let is_end = |c: &char| c.is_whitespace() || "/?#\"'`<>".contains(*c);
        let length = chars[start..].iter().take_while(|c| !is_end(c)).count();
        let authority = &mut chars[start..start + length];
        if let Some(end) = authority.iter().rposition(|c| *c == '@') {
            authority[..end].fill('*');
        }
        at = start + length;
    }
    chars.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "mlf_don't tell/anybody+1";

    #[test]
    fn a_secret_is_masked_in_every_form() {
        let secrets = Secrets::of([SECRET]);
        let standard = |text: &str| base64::prelude::BASE64_STANDARD.encode(text);
        let url = |text: &str| base64::prelude::BASE64_URL_SAFE.encode(text);
        for text in [
            SECRET.to_owned(),
            SECRET.to_uppercase(),
            "mlf_don%27t%20tell%2Fanybody%2B1".into(),
            "mlf_don%27t+tell%2fanybody%2b1".into(),
            "mlf_don%2527t%2520tell%252Fanybody%252B1".into(),
            "mlf_don&#39;t tell/anybody+1".into(),
            SECRET.bytes().map(|byte| format!("{byte:02X}")).collect(),
            standard(SECRET),
            standard(&format!("Bearer {SECRET}")),
            url(&format!("user:{SECRET}")),
            standard(&format!("{{\"token\":\"{SECRET}\"}}")),
            // Cut, as long messages are.
            SECRET[..12].to_owned(),
        ] {
            let shown = secrets.masked(&format!("before {text} after"));
            assert!(secrets.are_in(&text), "{text}");
            assert!(
                shown.starts_with("before ") && shown.ends_with(" after"),
                "{shown}"
            );
            assert!(shown.contains(MASK) && shown.len() < 40, "{text}: {shown}");
        }
        let plain = "the server answered 403 Forbidden: größer";
        assert_eq!(secrets.masked(plain), plain);
        assert!(!format!("{secrets:?}").contains("mlf"));
    }

    #[test]
    fn short_secrets_are_masked_too() {
        assert_eq!(
            Secrets::of(["word"]).masked("the word is out"),
            "the *** is out"
        );
        assert_eq!(Secrets::of(["ab"]).masked("a cab"), MASK);
        assert_eq!(Secrets::of(["", " "]).masked("a cab"), "a cab");
    }

    #[test]
    fn passwords_in_addresses_are_not_shown() {
        for (text, shown) in [
            ("https://hub.example/a@b", "https://hub.example/a@b"),
            (
                "see https://me:pw@hub.example/a.",
                "see https://*****@hub.example/a.",
            ),
            (
                "http://s@cr@t@hub.example:80",
                "http://******@hub.example:80",
            ),
            (
                "/here/https:/me:pw@host/x is missing",
                "/here/https:/*****@host/x is missing",
            ),
            (
                "mlflow = \"http://u:ö@h\" # mail a@b",
                "mlflow = \"http://***@h\" # mail a@b",
            ),
            ("C:/a@b nonsense", "C:/*@b nonsense"),
            ("key: value", "key: value"),
        ] {
            assert_eq!(without_passwords(text), shown);
        }
    }
}
