//! Tables, charts, logs, progress.
