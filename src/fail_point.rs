//! Deaths on purpose, for the tests: `RUNNER_FAIL_POINT=<file>:<n>:<stage>` aborts the process when it comes to
//! that stage of writing a file whose name contains `<file>` for the `n`th time.
//!
//! Stages of a file are `begun` (still empty), `half`, `written` (not synced) and `renamed`; at `full` the disk is, for
//! this once, and the process continues. `batch:<n>:panic` panics in the `n`th batch that is trained.
//!
//! Only with the feature `fail-points`, which `cargo test` turns on: without it no variable is read, and nothing fails.

use std::path::Path;

pub use point::is_here;

/// Dies here where the tests want it.
pub fn reached(path: &Path, stage: &str) {
    if is_here(path, stage) {
        std::process::abort();
    }
}

/// Panics here where the tests want it.
pub fn panics(name: &str) {
    assert!(
        !is_here(Path::new(name), "panic"),
        "a fail point is reached"
    );
}

#[cfg(not(feature = "fail-points"))]
mod point {
    use std::path::Path;

    /// Whether the process is to die here: never.
    pub fn is_here(_: &Path, _: &str) -> bool {
        false
    }
}

#[cfg(feature = "fail-points")]
mod point {
    use std::path::Path;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    pub(super) struct Point {
        file: String,
        stage: String,
        /// How often it is to be passed before.
        left: AtomicU32,
    }

    static POINT: OnceLock<Option<Point>> = OnceLock::new();

    impl Point {
        pub(super) fn parse(text: &str) -> Option<Self> {
            let mut parts = text.splitn(3, ':');
            let file = parts.next()?.to_owned();
            let left = parts.next()?.parse::<u32>().ok()?.checked_sub(1)?;
            Some(Point {
                file,
                stage: parts.next()?.to_owned(),
                left: AtomicU32::new(left),
            })
        }

        /// Whether this is the time.
        pub(super) fn is(&self, path: &Path, stage: &str) -> bool {
            let named = |name: &std::ffi::OsStr| name.to_string_lossy().contains(&self.file);
            let is_here = self.stage == stage && path.file_name().is_some_and(named);
            // Once only: after 0 it wraps around.
            is_here && self.left.fetch_sub(1, Ordering::Relaxed) == 0
        }
    }

    /// Whether the process is to die here.
    pub fn is_here(path: &Path, stage: &str) -> bool {
        let point = POINT.get_or_init(|| Point::parse(&std::env::var("RUNNER_FAIL_POINT").ok()?));
        point.as_ref().is_some_and(|point| point.is(path, stage))
    }
}

#[cfg(all(test, feature = "fail-points"))]
mod tests {
    use std::path::Path;

    use super::point::Point;

    #[test]
    fn a_point_is_met_at_the_nth_time_only_at_its_file_and_stage() {
        let point = Point::parse("runs.parquet:2:half").unwrap();
        let runs = Path::new("a/runs.parquet.tmp");
        assert!(!point.is(runs, "half"));
        assert!(!point.is(runs, "written"));
        assert!(!point.is(Path::new("runs.parquet/b.tmp"), "half"));
        assert!(point.is(runs, "half"));
        assert!(!point.is(runs, "half"));
        for wrong in ["", "a", "a:b:c", "a:0:half", "a:1"] {
            assert!(Point::parse(wrong).is_none(), "{wrong}");
        }
    }
}
