//! As much of HTTP/1.1 (RFC 9112) as one page needs: GET, and a reply that ends the connection.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A head longer than this is no browser's.
const LONGEST_HEAD: u64 = 16 * 1024;
const PATIENCE: Duration = Duration::from_secs(10);

/// What a browser asks for.
pub struct Request {
    pub method: String,
    /// Without the query.
    pub path: String,
    pub host: String,
}

/// What it gets.
pub struct Reply {
    status: &'static str,
    kind: &'static str,
    body: String,
}

impl Reply {
    pub fn html(body: String) -> Self {
        Reply {
            status: "200 OK",
            kind: "text/html; charset=utf-8",
            body,
        }
    }

    pub fn text(body: String) -> Self {
        Reply {
            status: "200 OK",
            kind: "text/plain; charset=utf-8",
            body,
        }
    }

    pub fn missing() -> Self {
        Reply {
            status: "404 Not Found",
            ..Reply::text("there is only one page: /\n".into())
        }
    }

    pub fn trouble(message: &str) -> Self {
        Reply {
            status: "500 Internal Server Error",
            ..Reply::text(format!("{message}\n"))
        }
    }

    fn refused() -> Self {
        Reply {
            status: "403 Forbidden",
            ..Reply::text("this page is for this machine alone\n".into())
        }
    }
}

/// Reads one request and answers it.
///
/// # Errors
/// A connection that breaks, or says what is no request.
pub fn answer(stream: &TcpStream, reply: &dyn Fn(&Request) -> Reply) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = read(&mut BufReader::new(stream.take(LONGEST_HEAD)))?;
    let reply = match request.method.as_str() {
        // A page elsewhere whose name is made to lead here must not read the results.
        _ if !is_local(&request.host) => Reply::refused(),
        "GET" | "HEAD" => reply(&request),
        _ => Reply {
            status: "405 Method Not Allowed",
            ..Reply::text("only GET\n".into())
        },
    };
    let body = if request.method == "HEAD" {
        ""
    } else {
        &reply.body
    };
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n{body}",
        reply.status,
        reply.kind,
        reply.body.len()
    )?;
    stream.flush()
}

fn read(lines: &mut impl BufRead) -> io::Result<Request> {
    let wrong = || io::Error::new(io::ErrorKind::InvalidData, "not an HTTP request");
    let mut first = String::new();
    lines.read_line(&mut first)?;
    let mut words = first.split_whitespace();
    let (method, target) = words.next().zip(words.next()).ok_or_else(wrong)?;
    let mut host = String::new();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Err(wrong());
        }
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("host") => {
                host = value.trim().to_owned()
            }
            None if line.trim_end().is_empty() => break,
            _ => {}
        }
    }
    Ok(Request {
        method: method.to_owned(),
        path: target.split('?').next().unwrap_or_default().to_owned(),
        host,
    })
}

fn is_local(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    ["127.0.0.1", "localhost"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_to_the_end_of_its_head() {
        let text = "GET /version?x=1 HTTP/1.1\r\nAccept: */*\r\nhost: localhost:8000\r\n\r\nrest";
        let request = read(&mut text.as_bytes()).unwrap();
        let found = (
            request.method.as_str(),
            request.path.as_str(),
            request.host.as_str(),
        );
        assert_eq!(found, ("GET", "/version", "localhost:8000"));
        for wrong in ["", "GET\r\n\r\n", "GET / HTTP/1.1\r\nhost: a"] {
            assert!(read(&mut wrong.as_bytes()).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn names_of_other_machines_are_refused() {
        assert!(is_local("127.0.0.1:80") && is_local("localhost"));
        assert!(!is_local("evil.example:80") && !is_local(""));
    }
}
