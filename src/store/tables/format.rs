//! The tables' names, and the format that they are in.

/// The table with a row per run and epoch.
pub const METRICS_FILE: &str = "metrics.parquet";
/// The table with a row per run.
pub const RUNS_FILE: &str = "runs.parquet";

/// Changes with what the tables and ids of runs mean. 1, of version 0.1.0, was not written down.
pub(super) const FORMAT: &str = "2";
/// Where the format stands among a Parquet file's own key-value pairs.
pub(super) const FORMAT_KEY: &str = "runner.format";
