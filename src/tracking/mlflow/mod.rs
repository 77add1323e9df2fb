//! Runs logged to an MLflow server.

mod access;
mod answer;
mod job;
mod kept;
mod logger;
mod server;

pub(super) use logger::KIND;
