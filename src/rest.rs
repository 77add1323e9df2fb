//! One request to a server with a REST interface, and what its answer means.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use ureq::http::{HeaderValue, Response, StatusCode, Uri, header};
use ureq::{Agent, Body, RequestBuilder};

use crate::fetch::{is_local, is_private};
use crate::secret::{self, Secrets, may_go_over_http, without_passwords};

/// A server answers within this, or is down.
const ANSWER: Duration = Duration::from_secs(5);
/// It may take longer to store a file.
const STORED: Duration = Duration::from_secs(60);
/// Longer answers are not read.
const LONGEST_ANSWER: u64 = 64 << 20;
/// Of what a server says, so much is shown.
const SHOWN: usize = 200;

/// Why a server did not take something.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The same may go well a little later.
    Down(String),
    /// The server understood, and does not do it.
    Refused {
        /// The server's own word for it; empty where it is another that answers.
        code: String,
        text: String,
    },
}

impl Failure {
    /// A refusal that is not the server's own.
    pub fn refused(text: impl Into<String>) -> Self {
        Failure::Refused {
            code: String::new(),
            text: text.into(),
        }
    }
}

/// How a server is told who asks.
pub(crate) struct Access {
    /// The `Authorization` header, never shown.
    pub header: Option<HeaderValue>,
    /// What must not be shown, however a server repeats it.
    pub secrets: Secrets,
    /// What is for access, told to whoever is refused.
    pub hint: &'static str,
}

/// Talks to one server.
pub(crate) struct Client {
    /// What the server is called, e.g. `MLflow`.
    name: &'static str,
    agent: Agent,
    /// Without a slash at its end.
    address: String,
    access: Access,
    /// Whether there is a header that is not sent, as it could be read on its way.
    is_withheld: bool,
    patience: f64,
}

impl Client {
    /// Talks to the server at an address; it has `patience` times the usual time to answer.
    pub fn new(name: &'static str, address: &str, access: Access, patience: f64) -> Self {
        let answer = Some(ANSWER.mul_f64(patience));
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("runner/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(answer)
            .timeout_connect(answer)
            .timeout_send_request(answer)
            .timeout_per_write(answer)
            .timeout_recv_response(answer)
            .timeout_recv_body(answer);
        let uri = address.parse::<Uri>().ok();
        if uri.as_ref().is_some_and(is_local) {
            config = config.proxy(None);
        }
        let may_be_sent = uri.as_ref().is_some_and(is_private) || may_go_over_http();
        let is_withheld = access.header.is_some() && !may_be_sent;
        Client {
            name,
            agent: config.build().new_agent(),
            address: address.trim_end_matches('/').to_owned(),
            access: Access {
                header: access.header.filter(|_| may_be_sent),
                ..access
            },
            is_withheld,
            patience,
        }
    }

    /// What to say where the server is not told who asks.
    pub fn warning(&self) -> Option<String> {
        let allow = secret::OVER_HTTP;
        self.is_withheld.then(|| {
            format!(
                "the token or password for it is not sent, as the address is plain http; use https, or set {allow}=1 \
                 to send it unencrypted"
            )
        })
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// Asks for what is at a path, with a value for the query.
    pub fn get(&self, path: &str, query: Option<(&str, &str)>) -> Result<Value, Failure> {
        let request = self.agent.get(self.url(path)).query_pairs(query);
        self.answer(self.authorized(request).call())
    }

    /// Sends JSON to a path.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let request = self.authorized(self.agent.post(self.url(path)));
        let request = request.header(header::CONTENT_TYPE, "application/json");
        self.answer(request.send(&body.to_string()))
    }

    /// Stores a file at a path, whose parts are encoded.
    pub fn put(&self, path: &str, file: &Path) -> Result<(), Failure> {
        let unreadable = |error: std::io::Error| {
            Failure::refused(format!("{} cannot be read: {error}", file.display()))
        };
        let body = File::open(file).map_err(unreadable)?;
        let path: Vec<String> = path.split('/').map(encoded).collect();
        let request = self.authorized(self.agent.put(self.url(&path.join("/"))));
        let stored = Some(STORED.mul_f64(self.patience));
        let request = request.config().timeout_recv_response(stored).build();
        self.answer(request.send(&body)).map(|_| ())
    }

    /// What an answer means; no failure tells a secret that the server repeats.
    fn answer(&self, result: Result<Response<Body>, ureq::Error>) -> Result<Value, Failure> {
        let mask = |text: String| without_passwords(&self.access.secrets.masked(&text));
        answer(result, self.name, &self.access).map_err(|failure| match failure {
            Failure::Down(text) => Failure::Down(mask(text)),
            Failure::Refused { code, text } => Failure::Refused {
                code,
                text: mask(text),
            },
        })
    }

    fn authorized<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        match &self.access.header {
            Some(secret) => request.header(header::AUTHORIZATION, secret),
            None => request,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.address)
    }
}

/// A part of a path, percent-encoded (RFC 3986).
fn encoded(part: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    part.bytes().map(encode).collect()
}

fn answer(
    result: Result<Response<Body>, ureq::Error>,
    name: &str,
    access: &Access,
) -> Result<Value, Failure> {
    let mut response = result.map_err(|error| Failure::Down(why(&error)))?;
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_plain = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    let body = response.body_mut().with_config().limit(LONGEST_ANSWER);
    let body = body.read_to_string();
    if status.is_success() {
        let body = body.map_err(|error| Failure::Down(why(&error)))?;
        let json = serde_json::from_str(&body);
        // Storing a file answers nothing, or `{}`.
        return match body.trim().is_empty() {
            true => Ok(Value::Null),
            false => json.map_err(|_| Failure::refused(format!("the answer is not {name}'s"))),
        };
    }
    let body = body.unwrap_or_default();
    let json: Value = serde_json::from_str(&body).unwrap_or_default();
    let part = |name: &str| json.get(name).and_then(Value::as_str);
    let mut text = format!("the server answered {status}");
    if let Some(message) = part("message").or_else(|| is_plain.then(|| last(&body))?) {
        // Masked before it is cut, so that no beginning of a secret is left.
        let message = access.secrets.masked(message);
        text += &format!(": {}", message.chars().take(SHOWN).collect::<String>());
    }
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        // It may repeat what it was sent.
        text = format!("the server answered {status} ({})", access.hint);
    }
    let is_busy = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status);
    if status.is_server_error() || is_busy {
        return Err(Failure::Down(text));
    }
    let code = part("error_code").unwrap_or_default().to_owned();
    Err(Failure::Refused { code, text })
}

/// The last line that says something, which of a traceback is the error.
fn last(text: &str) -> Option<&str> {
    let mut lines = text.lines().rev().map(str::trim);
    lines.find(|line| line.contains(char::is_alphanumeric))
}

fn why(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            "it refuses connections".into()
        }
        ureq::Error::Timeout(_) => "no answer in time".into(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_paths_are_encoded() {
        assert_eq!(encoded("heat_a.b c/ü.svg"), "heat_a.b%20c%2F%C3%BC.svg");
    }
}
