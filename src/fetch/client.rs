//! One GET request: redirects, ranges, time-outs, and what an answer means.

use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::time::Duration;

use ureq::http::{Response, StatusCode, Uri, header};
use ureq::{Agent, Body};

use super::address::{is_commit, is_local};
use super::minimum_rate::MinimumRate;
use super::remote::Token;
use super::timeouts::Timeouts;
use crate::secret::Secrets;

/// More redirects than this are a loop.
const MAX_REDIRECTS: usize = 10;

/// Why a request or an attempt at a download failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// For people.
    pub reason: String,
    /// Whether the same may go well a little later.
    pub again: bool,
    /// Whether what is kept of the file cannot be continued: it is longer than the file now is.
    pub stale: bool,
    /// Whether the server says that there is no such thing, or not for everyone.
    pub is_missing: bool,
    /// Bytes that came and were kept before it failed.
    pub gained: u64,
}

impl Failure {
    /// A failure that trying again does not mend.
    pub fn lasting(reason: impl Into<String>) -> Self {
        Failure {
            reason: reason.into(),
            again: false,
            stale: false,
            is_missing: false,
            gained: 0,
        }
    }

    /// A failure that may be gone a little later.
    pub fn passing(reason: impl Into<String>) -> Self {
        Failure {
            again: true,
            ..Failure::lasting(reason)
        }
    }
}

/// Which bytes to ask for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bytes<'a> {
    All,
    /// From here to the end, if the file still has this tag.
    From(u64, Option<&'a str>),
    /// From the first to before the second, if the file still has this tag.
    Within(u64, u64, Option<&'a str>),
}

/// A good answer.
pub(super) struct Reply {
    /// Where in the file the body lies, where the server kept to the range asked for; else the body is all of it.
    pub range: Option<Range<u64>>,
    /// The length of the whole file.
    pub total: Option<u64>,
    /// A strong ETag, fit for `If-Range`.
    pub tag: Option<String>,
    /// The commit of the repository that the file is of, where the server is the hub and says so.
    pub commit: Option<String>,
    pub body: Box<dyn Read>,
}

/// Sends requests and keeps connections.
pub(super) struct Client {
    outside: Agent,
    /// For this very machine: never through a proxy.
    local: Agent,
    /// How long a body may come too slowly.
    silence: Duration,
}

impl Client {
    pub fn new(timeouts: &Timeouts) -> Self {
        let config = || {
            Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(0)
                .max_redirects_will_error(false)
                .user_agent(concat!("runner/", env!("CARGO_PKG_VERSION")))
                .accept_encoding("identity")
                .timeout_resolve(Some(timeouts.connect))
                .timeout_connect(Some(timeouts.connect))
                .timeout_recv_response(Some(timeouts.silence))
                .timeout_per_read(Some(timeouts.silence))
        };
        Client {
            outside: config().build().new_agent(),
            local: config().proxy(None).build().new_agent(),
            silence: timeouts.silence,
        }
    }

    /// Asks for `bytes` of the file at `url`; no failure tells the token.
    pub fn get(
        &self,
        url: &str,
        token: Option<&Token>,
        bytes: Bytes<'_>,
    ) -> Result<Reply, Failure> {
        let reply = self.follow(url, token, bytes);
        match token {
            Some(token) => without_secrets(reply, &token.secrets()),
            None => reply,
        }
    }

    fn follow(&self, url: &str, token: Option<&Token>, bytes: Bytes<'_>) -> Result<Reply, Failure> {
        let mut uri = parse(url)?;
        let mut said = None;
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send(&uri, token, bytes)?;
            // The hub says it before it leads to where its large files lie.
            said = said.or_else(|| commit(&response));
            if !response.status().is_redirection() {
                let reply = reply(response, bytes, self.silence)?;
                return Ok(Reply {
                    commit: said,
                    ..reply
                });
            }
            uri = redirected(&uri, &response)?;
        }
        Err(Failure::lasting(format!(
            "more than {MAX_REDIRECTS} redirects"
        )))
    }

    fn send(
        &self,
        uri: &Uri,
        token: Option<&Token>,
        bytes: Bytes<'_>,
    ) -> Result<Response<Body>, Failure> {
        let agent = if is_local(uri) {
            &self.local
        } else {
            &self.outside
        };
        let mut request = agent.get(uri);
        let (range, tag) = match bytes {
            Bytes::All => (None, None),
            Bytes::From(start, tag) => (Some(format!("bytes={start}-")), tag),
            Bytes::Within(start, end, tag) => (
                Some(format!("bytes={start}-{}", end.saturating_sub(1))),
                tag,
            ),
        };
        if let Some(range) = range {
            request = request.header(header::RANGE, range);
        }
        if let Some(tag) = tag {
            request = request.header(header::IF_RANGE, tag);
        }
        if let Some(secret) = token.and_then(|t| t.header_for(uri)) {
            request = request.header(header::AUTHORIZATION, secret);
        }
        request.call().map_err(|e| unreachable(uri, e))
    }
}

fn parse(url: &str) -> Result<Uri, Failure> {
    let uri = url.parse::<Uri>().ok();
    uri.filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some())
        .ok_or_else(|| Failure::lasting("this is not an http:// or https:// address"))
}

/// An answer without secrets, which a server may repeat.
fn without_secrets(reply: Result<Reply, Failure>, secrets: &Secrets) -> Result<Reply, Failure> {
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

/// Where a redirect leads; from https never to http.
fn redirected(from: &Uri, response: &Response<Body>) -> Result<Uri, Failure> {
    let location = text(response, header::LOCATION)
        .ok_or_else(|| Failure::lasting("a redirect that does not say where"))?;
    let scheme = from.scheme_str().unwrap_or("https");
    let authority = from.authority().map_or("", |a| a.as_str());
    let absolute = if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else {
        location.to_string()
    };
    let to = parse(&absolute)?;
    if scheme == "https" && to.scheme_str() == Some("http") {
        let host = to.host().unwrap_or_default();
        return Err(Failure::lasting(format!(
            "a redirect from https to plain http, at {host}"
        )));
    }
    Ok(to)
}

fn text(response: &Response<Body>, name: header::HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}

/// What an answer says of the commit that its file is of.
fn commit(response: &Response<Body>) -> Option<String> {
    let said = response.headers().get("x-repo-commit")?.to_str().ok()?;
    is_commit(said).then(|| said.to_owned())
}

/// What the final answer to a request for `bytes` means.
fn reply(response: Response<Body>, bytes: Bytes<'_>, silence: Duration) -> Result<Reply, Failure> {
    let tag = text(&response, header::ETAG)
        .filter(|tag| tag.starts_with('"'))
        .map(str::to_string);
    let (range, total) = match response.status() {
        StatusCode::OK => (None, response.body().content_length()),
        StatusCode::PARTIAL_CONTENT => {
            let (range, total) = text(&response, header::CONTENT_RANGE)
                .and_then(content_range)
                .filter(|(range, _)| fits(range, bytes))
                .ok_or_else(|| Failure::lasting("the server sent other bytes than asked for"))?;
            (Some(range), total)
        }
        status => return Err(refused(status)),
    };
    Ok(Reply {
        range,
        total,
        tag,
        commit: None,
        body: Box::new(MinimumRate::new(
            response.into_body().into_reader(),
            silence,
        )),
    })
}

/// `bytes 5-9/20` → 5..10 of 20; the total may be `*`.
fn content_range(value: &str) -> Option<(Range<u64>, Option<u64>)> {
    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.trim().split_once('-')?;
    let first: u64 = first.parse().ok()?;
    let end = last.parse::<u64>().ok()?.checked_add(1)?;
    (first < end).then_some((first..end, total.trim().parse().ok()))
}

fn fits(range: &Range<u64>, bytes: Bytes<'_>) -> bool {
    match bytes {
        Bytes::All => false,
        Bytes::From(start, _) => range.start == start,
        Bytes::Within(start, end, _) => *range == (start..end),
    }
}

fn refused(status: StatusCode) -> Failure {
    let mut reason = format!("the server answered {status}");
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        reason.push_str(" (HF_TOKEN is the hub's access token)");
    }
    let stale = status == StatusCode::RANGE_NOT_SATISFIABLE;
    let busy = matches!(
        status,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
    );
    Failure {
        again: stale || busy || status.is_server_error(),
        stale,
        is_missing: matches!(
            status,
            StatusCode::NOT_FOUND | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
        ),
        ..Failure::lasting(reason)
    }
}

/// Why no answer came.
fn unreachable(uri: &Uri, error: ureq::Error) -> Failure {
    let host = uri.host().unwrap_or_default();
    match error {
        ureq::Error::HostNotFound => unknown_host(host),
        // The standard library has no kind for it, only these words.
        ureq::Error::Io(e) if e.to_string().starts_with("failed to lookup address") => {
            unknown_host(host)
        }
        ureq::Error::Io(e) if e.kind() == ErrorKind::ConnectionRefused => {
            Failure::lasting(format!("{host} refuses connections"))
        }
        ureq::Error::Io(e) => Failure::passing(format!("the connection to {host} broke: {e}")),
        ureq::Error::Timeout(_) => Failure::passing(format!("no answer from {host} in time")),
        ureq::Error::ConnectionFailed => Failure::passing(format!("cannot connect to {host}")),
        other => Failure::lasting(format!("{host}: {other}")),
    }
}

fn unknown_host(host: &str) -> Failure {
    Failure::lasting(format!(
        "the host {host} is unknown; is this machine offline?"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges_are_read_and_lies_refused() {
        assert_eq!(content_range("bytes 5-9/20"), Some((5..10, Some(20))));
        assert_eq!(content_range("bytes 0-0/*"), Some((0..1, None)));
        for wrong in [
            "bytes 9-5/20",
            "bytes */20",
            "5-9/20",
            "bytes 0-18446744073709551615/1",
        ] {
            assert_eq!(content_range(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_unknown_host_is_asked_for_once() {
        let uri = Uri::from_static("http://hub.example/a");
        let said = "failed to lookup address information: Name or service not known";
        let failure = unreachable(&uri, std::io::Error::other(said).into());
        assert!(!failure.again);
        assert!(
            failure.reason.contains("hub.example is unknown"),
            "{failure:?}"
        );
    }

    #[test]
    fn this_machine_is_known_by_its_numbers_and_its_one_name() {
        let is_local = |address: &str| is_local(&address.parse().unwrap());
        for local in [
            "localhost",
            "LOCALHOST:80",
            "127.0.0.1",
            "127.8.9.1:5000",
            "[::1]",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(is_local(&format!("http://{local}/a")), "{local}");
        }
        for other in [
            "127.example.com",
            "localhost.example",
            "10.0.0.1",
            "[::2]",
            "128.0.0.1",
        ] {
            assert!(!is_local(&format!("http://{other}/a")), "{other}");
        }
    }

    #[test]
    fn only_http_addresses_are_asked() {
        for wrong in ["file:///etc/passwd", "ftp://a/b", "/a", "not an address"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
