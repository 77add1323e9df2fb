//! The report of an experiment on localhost, kept up to date while the experiment runs.

mod http;

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::record::{METRICS_FILE, RUNS_FILE};
use crate::report::{Experiment, Liveness, page};
use http::{Reply, Request};

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

    /// Serves until the process ends; a connection that fails does not end it.
    pub fn serve(&self) {
        std::thread::scope(|scope| {
            for connection in self.listener.incoming().flatten() {
                scope.spawn(move || {
                    if let Err(error) = http::answer(connection, &|request| self.reply(request)) {
                        tracing::debug!("a connection failed: {error}");
                    }
                });
            }
        });
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
