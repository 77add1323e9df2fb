//! A file on a server, and what the server asks of those who want it.

use std::fmt;

use ureq::http::Uri;

use super::address::is_private;
use crate::secret::Secrets;

/// A file somewhere else.
#[derive(Clone, Debug)]
pub struct Remote {
    /// Its address, http or https.
    pub url: String,
    /// Where the cache keeps it, below its root, parts joined by `/`.
    pub path_in_cache: String,
    /// Its length in bytes, where known.
    pub size: Option<u64>,
    /// The SHA-256 of its bytes in lowercase hexadecimal, where known.
    pub sha256: Option<String>,
    /// Sent along with the requests to the one host it belongs to.
    pub token: Option<Token>,
    /// The spec's key that names a local copy instead, for messages.
    pub key: &'static str,
}

impl Remote {
    /// The name to show: the last part of the place in the cache.
    pub(super) fn name(&self) -> &str {
        self.path_in_cache
            .rsplit('/')
            .next()
            .unwrap_or(&self.path_in_cache)
    }
}

/// A secret and the only place it is told to. It is never shown.
#[derive(Clone)]
pub struct Token {
    origin: Origin,
    /// Whether it may be sent there at all.
    is_told: bool,
    secret: String,
}

impl Token {
    /// A secret for the server at this address; over plain http it is told to this machine only. None where the address
    /// has no host.
    pub(super) fn of(secret: &str, address: &str) -> Option<Self> {
        let uri = address.parse().ok()?;
        Some(Token {
            origin: Origin::of(&uri)?,
            is_told: is_private(&uri),
            secret: secret.to_owned(),
        })
    }

    /// The server's host where the secret is held back from it; `is_allowed` tells it all the same.
    pub(super) fn held_back(&mut self, is_allowed: bool) -> Option<&str> {
        self.is_told |= is_allowed;
        (!self.is_told).then_some(self.origin.host.as_str())
    }

    /// The `Authorization` header for a request to `uri`; none for any other host, port or scheme than its own.
    pub(super) fn header_for(&self, uri: &Uri) -> Option<String> {
        let is_its_own = Origin::of(uri).as_ref() == Some(&self.origin);
        (self.is_told && is_its_own).then(|| format!("Bearer {}", self.secret))
    }

    /// What must not be shown of what a server answers, which may repeat it.
    pub(super) fn secrets(&self) -> Secrets {
        Secrets::of([self.secret.as_str()])
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token for {}", self.origin.host)
    }
}

/// Scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Origin {
    fn of(uri: &Uri) -> Option<Self> {
        let scheme = uri.scheme_str()?.to_ascii_lowercase();
        let default = if scheme == "https" { 443 } else { 80 };
        Some(Origin {
            host: uri.host()?.to_ascii_lowercase(),
            port: uri.port_u16().unwrap_or(default),
            scheme,
        })
    }
}
