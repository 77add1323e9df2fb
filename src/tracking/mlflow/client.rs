//! One request to an MLflow server and what its answer means. Secrets come from MLflow's own variables.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use ureq::http::{HeaderValue, Response, StatusCode, Uri, header};
use ureq::{Agent, Body, RequestBuilder};

use crate::fetch::{is_local, is_private};
use crate::secret::{self, Secrets, may_go_over_http, without_passwords};

/// A server answers within this, or is down.
const ANSWER: Duration = Duration::from_secs(5);
/// It may take longer to store a file.
const STORED: Duration = Duration::from_secs(60);
/// Longer answers are none of MLflow's.
const LONGEST_ANSWER: u64 = 64 << 20;
/// Of what a server says, so much is shown.
const SHOWN: usize = 200;

/// Why a request was not done.
#[derive(Debug)]
pub(super) enum Failure {
    /// The same may go well a little later.
    Down(String),
    /// The server understood, and does not do it.
    Refused {
        /// MLflow's word for it, e.g. `RESOURCE_DOES_NOT_EXIST`; empty where it is not MLflow that answers.
        code: String,
        text: String,
    },
}

impl Failure {
    /// A refusal that is not MLflow's.
    pub fn refused(text: impl Into<String>) -> Self {
        Failure::Refused {
            code: String::new(),
            text: text.into(),
        }
    }
}

/// Talks to one server.
pub(super) struct Client {
    agent: Agent,
    /// Without a slash at its end.
    address: String,
    /// The `Authorization` header, never shown.
    secret: Option<HeaderValue>,
    /// Whether there is one that is not sent, as it could be read on its way.
    is_withheld: bool,
    secrets: Secrets,
    patience: f64,
}

impl Client {
    pub fn new(address: &str, patience: f64) -> Self {
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
        let variable = |name: &str| std::env::var(name).ok();
        let secret = secret(variable);
        let may_be_sent = uri.as_ref().is_some_and(is_private) || may_go_over_http();
        let is_withheld = secret.is_some() && !may_be_sent;
        Client {
            agent: config.build().new_agent(),
            address: address.trim_end_matches('/').to_owned(),
            secrets: secrets(variable, secret.as_ref()),
            secret: secret.filter(|_| may_be_sent),
            is_withheld,
            patience,
        }
    }

    /// What to say where the server is not told who logs.
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

    /// Asks for something, e.g. `runs/get`, with one value for the query.
    pub fn get(&self, what: &str, key: &str, value: &str) -> Result<Value, Failure> {
        let request = self.agent.get(self.url(what)).query(key, value);
        self.answer(self.authorized(request).call())
    }

    /// Has something done, e.g. `runs/create`.
    pub fn post(&self, what: &str, body: &Value) -> Result<Value, Failure> {
        let request = self.authorized(self.agent.post(self.url(what)));
        let request = request.header(header::CONTENT_TYPE, "application/json");
        self.answer(request.send(&body.to_string()))
    }

    /// Stores a file under a path of the server's artifacts.
    pub fn put(&self, path: &str, file: &Path) -> Result<(), Failure> {
        let unreadable = |error: std::io::Error| {
            Failure::refused(format!("{} cannot be read: {error}", file.display()))
        };
        let body = File::open(file).map_err(unreadable)?;
        let path: Vec<String> = path.split('/').map(encoded).collect();
        let url = format!(
            "{}/api/2.0/mlflow-artifacts/artifacts/{}",
            self.address,
            path.join("/")
        );
        let request = self.authorized(self.agent.put(url));
        let stored = Some(STORED.mul_f64(self.patience));
        let request = request.config().timeout_recv_response(stored).build();
        self.answer(request.send(&body)).map(|_| ())
    }

    /// What an answer means; no failure tells a secret that the server repeats.
    fn answer(&self, result: Result<Response<Body>, ureq::Error>) -> Result<Value, Failure> {
        let mask = |text: String| without_passwords(&self.secrets.masked(&text));
        answer(result, &self.secrets).map_err(|failure| match failure {
            Failure::Down(text) => Failure::Down(mask(text)),
            Failure::Refused { code, text } => Failure::Refused {
                code,
                text: mask(text),
            },
        })
    }

    fn authorized<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        match &self.secret {
            Some(secret) => request.header(header::AUTHORIZATION, secret),
            None => request,
        }
    }

    fn url(&self, what: &str) -> String {
        format!("{}/api/2.0/mlflow/{what}", self.address)
    }
}

/// The `Authorization` header of MLflow's variables, in the order that MLflow itself looks at them.
fn secret(variable: impl Fn(&str) -> Option<String>) -> Option<HeaderValue> {
    let set = |name| variable(name).filter(|text| !text.is_empty());
    let user = set("MLFLOW_TRACKING_USERNAME").zip(set("MLFLOW_TRACKING_PASSWORD"));
    let basic = |(user, password): (String, String)| {
        let pair = BASE64_STANDARD.encode(format!("{user}:{password}"));
        format!("Basic {pair}")
    };
    let token = || set("MLFLOW_TRACKING_TOKEN").map(|token| format!("Bearer {}", token.trim()));
    let mut value = HeaderValue::from_str(&user.map(basic).or_else(token)?).ok()?;
    value.set_sensitive(true);
    Some(value)
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

/// Everything of MLflow's variables that must not be shown, however a server repeats it.
fn secrets(variable: impl Fn(&str) -> Option<String>, header: Option<&HeaderValue>) -> Secrets {
    let names = ["MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"];
    let mut all: Vec<String> = names.into_iter().filter_map(variable).collect();
    let header = header.and_then(|header| header.to_str().ok());
    let pair = header.and_then(|header| header.strip_prefix("Basic "));
    all.extend(pair.map(str::to_owned));
    Secrets::of(all.iter().map(String::as_str))
}

fn answer(
    result: Result<Response<Body>, ureq::Error>,
    secrets: &Secrets,
) -> Result<Value, Failure> {
    let mut response = result.map_err(|error| Failure::Down(why(&error)))?;
    let status = response.status();
    let body = response.body_mut().with_config().limit(LONGEST_ANSWER);
    let body = body.read_to_string();
    if status.is_success() {
        let body = body.map_err(|error| Failure::Down(why(&error)))?;
        let json = serde_json::from_str(&body);
        // Storing a file answers nothing, or `{}`.
        return match body.trim().is_empty() {
            true => Ok(Value::Null),
            false => json.map_err(|_| Failure::refused("the answer is not MLflow's")),
        };
    }
    let body: Value = serde_json::from_str(&body.unwrap_or_default()).unwrap_or_default();
    let part = |name: &str| body.get(name).and_then(Value::as_str);
    let mut text = format!("the server answered {status}");
    if let Some(message) = part("message") {
        // Masked before it is cut, so that no beginning of a secret is left.
        let message = secrets.masked(message);
        text += &format!(": {}", message.chars().take(SHOWN).collect::<String>());
    }
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        // It may repeat what it was sent.
        text = format!(
            "the server answered {status} (MLFLOW_TRACKING_USERNAME with MLFLOW_TRACKING_PASSWORD, or \
             MLFLOW_TRACKING_TOKEN, are for access)"
        );
    }
    let is_busy = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status);
    if status.is_server_error() || is_busy {
        return Err(Failure::Down(text));
    }
    let code = part("error_code").unwrap_or_default().to_owned();
    Err(Failure::Refused { code, text })
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
    fn secrets_are_read_as_mlflow_reads_them_and_not_shown() {
        let header = |set: &[(&str, &str)]| {
            let find = |name: &str| set.iter().find(|(known, _)| *known == name);
            let header = secret(|name| find(name).map(|(_, value)| (*value).to_owned()))?;
            assert!(!format!("{header:?}").contains("Aladdin"));
            Some(header.to_str().unwrap().to_owned())
        };
        let user = ("MLFLOW_TRACKING_USERNAME", "Aladdin");
        let password = ("MLFLOW_TRACKING_PASSWORD", "open sesame");
        let token = ("MLFLOW_TRACKING_TOKEN", "t");
        // Expected: RFC 7617, section 2.
        let basic = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
        assert_eq!(header(&[user, password, token]).as_deref(), Some(basic));
        assert_eq!(header(&[user, token]).as_deref(), Some("Bearer t"));
        assert_eq!(header(&[user]), None);
        assert_eq!(header(&[("MLFLOW_TRACKING_TOKEN", "a\r\nb")]), None);
    }

    #[test]
    fn parts_of_paths_are_encoded() {
        assert_eq!(encoded("heat_a.b c/ü.svg"), "heat_a.b%20c%2F%C3%BC.svg");
    }
}
