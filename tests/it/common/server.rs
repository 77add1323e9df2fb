//! A small HTTP server on this machine that can also misbehave.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What was asked.
#[derive(Clone, Debug)]
pub struct Request {
    pub path: String,
    /// Names in lowercase.
    pub headers: BTreeMap<String, String>,
    pub method: String,
    pub body: Vec<u8>,
    /// 0 for the server's first request.
    pub number: usize,
    /// Bytes of body it was answered with.
    pub sent: usize,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// `bytes=5-9` or `bytes=5-` of `length` bytes.
    fn range(&self, length: usize) -> Option<Range<usize>> {
        let (first, last) = self
            .header("range")?
            .strip_prefix("bytes=")?
            .split_once('-')?;
        let end = last.parse().map_or(length, |last: usize| last + 1);
        Some(first.parse().ok()?..end.min(length))
    }
}

/// What is answered.
pub struct Answer {
    status: &'static str,
    headers: Vec<String>,
    body: Vec<u8>,
    /// How much of the body is sent at all.
    sent: usize,
    /// Whether the connection then stays open, silent.
    silent: bool,
    /// Whether the body comes byte by byte, one after each pause.
    drip: Option<Duration>,
    /// Whether the body's length is announced; else it ends with the connection.
    announced: bool,
}

impl Answer {
    /// Only a status, e.g. `404 Not Found`.
    pub fn status(status: &'static str) -> Self {
        Answer {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            sent: 0,
            silent: false,
            drip: None,
            announced: true,
        }
    }

    /// All of `bytes`, whatever range was asked for.
    pub fn whole(bytes: &[u8]) -> Self {
        Answer {
            body: bytes.to_vec(),
            sent: bytes.len(),
            ..Answer::status("200 OK")
        }
    }

    /// The range asked for, or all of `bytes` where none was or `If-Range` names another version than `tag`.
    pub fn file(request: &Request, bytes: &[u8], tag: &str) -> Self {
        let same = request.header("if-range").is_none_or(|asked| asked == tag);
        let range = request.range(bytes.len()).filter(|_| same);
        let Some(range) = range else {
            return Answer::whole(bytes).with(&format!("ETag: {tag}"));
        };
        if range.is_empty() {
            return Answer::status("416 Range Not Satisfiable");
        }
        let place = format!("{}-{}/{}", range.start, range.end - 1, bytes.len());
        Answer {
            status: "206 Partial Content",
            ..Answer::whole(&bytes[range])
        }
        .with(&format!("ETag: {tag}"))
        .with(&format!("Content-Range: bytes {place}"))
    }

    pub fn redirect(location: &str) -> Self {
        Answer::status("302 Found").with(&format!("Location: {location}"))
    }

    /// The same with another status.
    pub fn answering(self, status: &'static str) -> Self {
        Answer { status, ..self }
    }

    /// Never a byte.
    pub fn silence() -> Self {
        Answer {
            silent: true,
            ..Answer::status("")
        }
    }

    pub fn with(mut self, header: &str) -> Self {
        self.headers.push(header.to_string());
        self
    }

    /// Without `Content-Length`.
    pub fn unannounced(self) -> Self {
        Answer {
            announced: false,
            ..self
        }
    }

    /// The connection ends after `bytes` of the body.
    pub fn cut(mut self, bytes: usize) -> Self {
        self.sent = bytes.min(self.body.len());
        self
    }

    /// Nothing more comes after `bytes` of the body, but the connection stays.
    pub fn stuck(self, bytes: usize) -> Self {
        Answer {
            silent: true,
            ..self.cut(bytes)
        }
    }

    /// The body comes byte by byte, with a pause before each.
    pub fn dripping(self, pause: Duration) -> Self {
        Answer {
            drip: Some(pause),
            ..self
        }
    }

    fn send(&self, stream: &mut TcpStream) -> std::io::Result<()> {
        if !self.status.is_empty() {
            write!(stream, "HTTP/1.1 {}\r\nConnection: close\r\n", self.status)?;
            if self.announced {
                write!(stream, "Content-Length: {}\r\n", self.body.len())?;
            }
            for header in &self.headers {
                write!(stream, "{header}\r\n")?;
            }
            stream.write_all(b"\r\n")?;
            let body = &self.body[..self.sent];
            let at_once = if self.drip.is_some() {
                1
            } else {
                body.len().max(1)
            };
            for piece in body.chunks(at_once) {
                self.drip.into_iter().for_each(thread::sleep);
                stream.write_all(piece)?;
                stream.flush()?;
            }
        }
        if self.silent {
            // Until the client gives up.
            let _ = stream.read(&mut [0]);
        }
        Ok(())
    }
}

/// Answers until the test ends.
pub struct Server {
    port: u16,
    log: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let log: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (answer, logged) = (Arc::new(answer), log.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, log) = (answer.clone(), logged.clone());
                thread::spawn(move || serve(stream, &*answer, &log));
            }
        });
        Server { port, log }
    }

    /// `http://127.0.0.1:PORT` and `path`.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The requests so far, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.log.lock().unwrap().clone()
    }

    /// Bytes of bodies sent so far.
    pub fn sent(&self) -> usize {
        self.requests().iter().map(|r| r.sent).sum()
    }
}

fn serve(mut stream: TcpStream, answer: &dyn Fn(&Request) -> Answer, log: &Mutex<Vec<Request>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut lines = reader.by_ref().lines();
    let first = lines.next().and_then(Result::ok).unwrap_or_default();
    let headers: BTreeMap<String, String> = lines
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_string()))
        })
        .collect();
    // Closed before it is read, the connection would be reset under the answer.
    let length = headers.get("content-length");
    let length = length.and_then(|value| value.parse().ok());
    let mut body = Vec::new();
    let _ = reader.take(length.unwrap_or(0)).read_to_end(&mut body);
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let answer = {
        let mut log = log.lock().unwrap();
        let mut request = Request {
            path,
            headers,
            method,
            body,
            number: log.len(),
            sent: 0,
        };
        let answer = answer(&request);
        request.sent = answer.sent;
        log.push(request);
        answer
    };
    let _ = answer.send(&mut stream);
}
