//! `runner check --learning-rate`.

use std::fmt::Write as _;
use std::path::Path;

use super::{Checked, Error};
use crate::atomic::write_atomically;
use crate::foreign;
use crate::report::charts;
use crate::run::Executor;
use crate::sink::progress::Reporter;
use crate::stop::Stop;

impl Checked {
    /// Tries learning rates with the first run, writes the curve as SVG and says what it suggests; nothing else is kept.
    ///
    /// # Errors
    /// What stops training, and a file that cannot be written.
    pub fn learning_rate(&self, file: &Path, reporter: &dyn Reporter) -> Result<String, Error> {
        let Some(planned) = self.0.plan.runs.first() else {
            return Ok(String::new());
        };
        let executor = Executor::new(Stop::default(), reporter)?;
        let curve = executor.rate(planned)?;
        let mut text = String::new();
        if let Some(chart) = charts::rate(&planned.run.spec.name, &curve) {
            let svg = chart.standalone();
            write_atomically(file, svg.as_bytes()).map_err(|source| Error::Write {
                path: file.to_owned(),
                source,
            })?;
            let _ = writeln!(text, "learning rates         {}", foreign::path(file));
        }
        let suggested = [
            (curve.steepest, "where the loss falls the fastest"),
            (curve.tenth_of_least, "a tenth of where it is least"),
        ];
        for (rate, why) in suggested {
            if let Some(rate) = rate {
                let _ = writeln!(text, "  {rate:.1e}              {why}");
            }
        }
        if curve.steepest.is_none() {
            let _ = writeln!(
                text,
                "  no rate is suggested: the loss fell with none of them; does anything train, and are the images normalized?"
            );
        }
        let stage = planned.stages.first();
        if let Some(name) = stage.and_then(|stage| stage.name.as_ref()) {
            let _ = writeln!(
                text,
                "  tried with what the first stage, {}, trains",
                foreign::one_line(name)
            );
        }
        if self.0.plan.runs.len() > 1 {
            let _ = writeln!(text, "  tried with the first run, {}", planned.run.id);
        }
        Ok(text)
    }
}
