//! Where the Hugging Face hub's files are.

use std::fmt;
use std::sync::Once;

use ureq::http::Uri;

use super::client::{Failure, Reply, is_private};
use crate::secret::{self, Secrets};

/// Used where `HF_ENDPOINT` is not set.
const DEFAULT_ENDPOINT: &str = "https://huggingface.co";

/// The Hugging Face hub, or a mirror of it.
#[derive(Clone, Debug)]
pub struct Hub {
    /// The address before `/datasets/...`, without a slash at its end.
    pub endpoint: String,
    token: Option<Token>,
}

impl Hub {
    /// The hub at `HF_ENDPOINT` (by default huggingface.co), with `HF_TOKEN` where it is set.
    pub fn from_env() -> Self {
        let text = |name| std::env::var(name).ok();
        let endpoint = text("HF_ENDPOINT").filter(|e| !e.trim().is_empty());
        let mut hub = Hub::at(
            endpoint.as_deref().unwrap_or(DEFAULT_ENDPOINT),
            text("HF_TOKEN").as_deref(),
        );
        if let Some(token) = hub.token.as_mut().filter(|token| !token.is_told) {
            token.is_told = secret::may_go_over_http();
            if !token.is_told {
                SAID.call_once(|| {
                    let host = &token.origin.host;
                    let allow = secret::OVER_HTTP;
                    tracing::warn!("HF_TOKEN is not sent to {host}, as HF_ENDPOINT is plain http; use https, or set {allow}=1 to send it unencrypted");
                });
            }
        }
        hub
    }

    /// The hub at `endpoint`; `token` is sent to this very host and to no other, over plain http only to this machine.
    pub fn at(endpoint: &str, token: Option<&str>) -> Self {
        let endpoint = endpoint.trim().trim_end_matches('/').to_string();
        let secret = token.map(str::trim).filter(|t| !t.is_empty());
        let token = secret.and_then(|secret| {
            let uri = endpoint.parse().ok()?;
            Some(Token {
                origin: Origin::of(&uri)?,
                is_told: is_private(&uri),
                secret: secret.to_string(),
            })
        });
        Hub { endpoint, token }
    }

    /// The address of a file in a model's repository.
    pub fn model(&self, repository: &str, revision: &str, path: &str) -> String {
        format!("{}/{repository}/resolve/{revision}/{path}", self.endpoint)
    }

    /// The address of a file in a dataset's repository.
    pub fn dataset(&self, repository: &str, revision: &str, path: &str) -> String {
        format!(
            "{}/datasets/{repository}/resolve/{revision}/{path}",
            self.endpoint
        )
    }

    /// What the hub asks of those who may read more than everyone.
    pub fn token(&self) -> Option<Token> {
        self.token.clone()
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

/// That a token is held back is said once.
static SAID: Once = Once::new();

impl Token {
    /// The `Authorization` header for a request to `uri`; none for any other host, port or scheme than its own.
    pub(super) fn header_for(&self, uri: &Uri) -> Option<String> {
        let is_its_own = Origin::of(uri).as_ref() == Some(&self.origin);
        (self.is_told && is_its_own).then(|| format!("Bearer {}", self.secret))
    }

    /// The answer without the token, which a server may repeat.
    pub(super) fn kept_from(&self, reply: Result<Reply, Failure>) -> Result<Reply, Failure> {
        let secrets = Secrets::of([self.secret.as_str()]);
        match reply {
            Ok(reply) => Ok(Reply {
                tag: reply.tag.filter(|tag| !secrets.are_in(tag)),
                commit: reply.commit.filter(|commit| !secrets.are_in(commit)),
                ..reply
            }),
            Err(failure) => Err(Failure {
                reason: secrets.masked(&failure.reason),
                ..failure
            }),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn header(endpoint: &str, url: &str) -> Option<String> {
        let token = Hub::at(endpoint, Some(" secret\n")).token()?;
        token.header_for(&url.parse().ok()?)
    }

    #[test]
    fn the_token_goes_to_the_endpoints_own_origin_only() {
        let endpoint = "https://hub.example/";
        assert_eq!(
            header(endpoint, "https://hub.example:443/a/b").as_deref(),
            Some("Bearer secret")
        );
        for other in [
            "http://hub.example/a",
            "https://hub.example:8443/a",
            "https://cdn.hub.example/a",
            "https://hub.example.evil/a",
        ] {
            assert_eq!(header(endpoint, other), None, "{other}");
        }
    }

    #[test]
    fn the_token_goes_over_plain_http_to_this_machine_only() {
        let sent = |endpoint: &str| header(endpoint, &format!("{endpoint}/a")).is_some();
        assert!(
            sent("http://127.0.0.1:8080")
                && sent("http://localhost")
                && sent("https://hub.example")
        );
        assert!(!sent("http://hub.example") && !sent("http://127.0.0.1.example"));
    }

    #[test]
    fn the_token_is_not_shown() {
        let shown = format!("{:?}", Hub::at("https://hub.example", Some("secret")));
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn addresses_are_the_hubs_resolve_addresses() {
        let hub = Hub::at("https://hub.example/", None);
        assert_eq!(
            hub.dataset("a/b", "main", "c/d.parquet"),
            "https://hub.example/datasets/a/b/resolve/main/c/d.parquet"
        );
        assert_eq!(
            hub.model("a/b", "main", "m.safetensors"),
            "https://hub.example/a/b/resolve/main/m.safetensors"
        );
    }
}
