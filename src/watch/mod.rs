//! The report of an experiment on localhost, kept up to date while the experiment runs.

mod http;

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use crate::report::{Experiment, Liveness, page};
use crate::store::{METRICS_FILE, RUNS_FILE};
use crate::terminal;
use http::{Reply, Request};

/// The pauses while connections cannot be accepted, which grow.
const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(1);

/// Waits where connections cannot be accepted, e.g. as descriptors have run out, and says so once.
#[derive(Default)]
struct Pause {
    next: Option<Duration>,
}

impl Pause {
    fn after(&mut self, error: &io::Error) {
        // The browser has gone before it was answered: the next one may be there already.
        if matches!(
            error.kind(),
            io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted
        ) {
            return;
        }
        let pause = self.next.unwrap_or_else(|| {
            terminal::say(&format!(
                "warning: no connection can be accepted now: {error}; retrying"
            ));
            SHORTEST
        });
        thread::sleep(pause);
        self.next = Some((pause * 2).min(LONGEST));
    }

    fn end(&mut self) {
        self.next = None;
    }
}

/// A server of one experiment's report; nobody but this machine can reach it.
pub struct Watch {
    folder: PathBuf,
    listener: TcpListener,
}

impl Watch {
    /// Takes a port of this machine, a free one where `port` is 0.
    ///
    /// # Errors
    /// A port that is taken.
    pub fn new(folder: &Path, port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        Ok(Watch {
            folder: folder.to_owned(),
            listener,
        })
    }

    /// Where the page is.
    ///
    /// # Errors
    /// The system's.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until the process ends; neither a connection that fails ends it, nor a lack of threads or descriptors.
    pub fn serve(&self) {
        let mut pause = Pause::default();
        std::thread::scope(|scope| {
            for connection in self.listener.incoming() {
                let connection = match connection {
                    Ok(connection) => connection,
                    Err(error) => {
                        pause.after(&error);
                        continue;
                    }
                };
                pause.end();
                // Shared, as a thread that cannot be made drops what it was to do.
                let connection = Arc::new(connection);
                let theirs = Arc::clone(&connection);
                let made = thread::Builder::new().spawn_scoped(scope, move || self.answer(&theirs));
                if made.is_err() {
                    self.answer(&connection);
                }
            }
        });
    }

    /// Answers a connection, whatever comes of it.
    fn answer(&self, connection: &TcpStream) {
        let attempt = || http::answer(connection, &|request| self.reply(request));
        // What panics is told by the hook; the browser asks again.
        if let Ok(Err(error)) = catch_unwind(AssertUnwindSafe(attempt)) {
            tracing::debug!("a connection failed: {error}");
        }
    }

    fn reply(&self, request: &Request) -> Reply {
        match request.path.as_str() {
            "/" => self.page(),
            "/version" => Reply::text(self.version()),
            _ => Reply::missing(),
        }
    }

    fn page(&self) -> Reply {
        // Before the tables are read: what changes meanwhile is then asked for again.
        let version = self.version();
        match Experiment::read(&self.folder) {
            Ok(experiment) => Reply::html(page(&experiment, Liveness::Live(version))),
            Err(error) => Reply::trouble(&error.to_string()),
        }
    }

    /// Changes whenever the tables do.
    fn version(&self) -> String {
        let of = |file: &str| {
            let metadata = fs::metadata(self.folder.join(file)).ok()?;
            let changed = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
            Some(format!("{}-{}", changed.as_nanos(), metadata.len()))
        };
        [METRICS_FILE, RUNS_FILE]
            .map(|file| of(file).unwrap_or_default())
            .join(" ")
    }
}
