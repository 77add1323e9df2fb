//! Foreign text on a page and in pictures: names of classes and files, values of a spec, messages.

/// With the characters escaped that mean something in XML, and in place of those that it cannot hold, or that would
/// reorder the text around them, the sign for a character that cannot be shown.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if is_harmful(c) => out.push(char::REPLACEMENT_CHARACTER),
            c => out.push(c),
        }
    }
    out
}

/// A whole page without control characters and without those that reorder text.
pub fn harmless(page: String) -> String {
    if page.chars().any(is_harmful) {
        page.replace(
            is_harmful,
            char::REPLACEMENT_CHARACTER.encode_utf8(&mut [0; 4]),
        )
    } else {
        page
    }
}

/// Controls but line breaks and tabs, what XML 1.0 (2.2) excludes, and Unicode's embeddings, overrides and isolates.
fn is_harmful(c: char) -> bool {
    let is_control = c.is_control() && c != '\n' && c != '\t';
    let reorders = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    is_control || reorders || matches!(c, '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_place() {
        assert_eq!(
            escape("<b a='\"'>&\u{1b}\u{202e}"),
            "&lt;b a=&#39;&quot;&#39;&gt;&amp;\u{fffd}\u{fffd}"
        );
        assert_eq!(harmless("a\u{7}\u{2066}\n".into()), "a\u{fffd}\u{fffd}\n");
    }

    #[test]
    fn nouns_agree_with_their_number() {}
}
