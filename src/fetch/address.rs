//! Addresses of servers, and names of commits in them.

use std::net::IpAddr;

use ureq::http::Uri;

/// Whether the address is of this very machine.
pub(crate) fn is_local(uri: &Uri) -> bool {
    let Some(host) = uri.host() else {
        return false;
    };
    let number = host.trim_start_matches('[').trim_end_matches(']');
    let number = number.parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost")
        || number.is_ok_and(|number| number.to_canonical().is_loopback())
}

/// Whether what is sent to the address is encrypted, or stays on this machine.
pub(crate) fn is_private(uri: &Uri) -> bool {
    uri.scheme_str() == Some("https") || is_local(uri)
}

/// Whether this is the name of a commit: SHA-1 or SHA-256 in lowercase hexadecimal.
pub(super) fn is_commit(text: &str) -> bool {
    let is_digit = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
    matches!(text.len(), 40 | 64) && text.bytes().all(is_digit)
}
