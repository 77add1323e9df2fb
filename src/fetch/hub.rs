//! Where the Hugging Face hub's files are.

use std::sync::Once;

use super::remote::Token;
use crate::secret;

/// Used where `HF_ENDPOINT` is not set.
const DEFAULT_ENDPOINT: &str = "https://huggingface.co";

/// That a token is held back is said once.
static SAID: Once = Once::new();

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
        let token = hub.token.as_mut();
        if let Some(host) = token.and_then(|token| token.held_back(secret::may_go_over_http())) {
            SAID.call_once(|| {
                let allow = secret::OVER_HTTP;
                tracing::warn!("HF_TOKEN is not sent to {host}, as HF_ENDPOINT is plain http; use https, or set {allow}=1 to send it unencrypted");
            });
        }
        hub
    }

    /// The hub at `endpoint`; `token` is sent to this very host and to no other, over plain http only to this machine.
    pub fn at(endpoint: &str, token: Option<&str>) -> Self {
        let endpoint = endpoint.trim().trim_end_matches('/').to_string();
        let secret = token.map(str::trim).filter(|t| !t.is_empty());
        let token = secret.and_then(|secret| Token::of(secret, &endpoint));
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
