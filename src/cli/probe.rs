//! `runner probe SPEC`.

use super::failure::Failure;
use super::format::table;
use super::given::spec;
use super::log::start_log;
use super::probe_args::ProbeArgs;
use crate::experiment;
use crate::sink::progress::{self, Verbosity};
use crate::terminal;

pub(super) fn run(args: &ProbeArgs, verbosity: Verbosity) -> Result<(), Failure> {
    let spec = spec(&args.spec.spec, verbosity)?;
    let (reporter, log) = progress::for_stderr(verbosity);
    start_log(log, verbosity);
    let overrides = &args.spec.overrides;
    let probed = experiment::probe(&spec, overrides, &args.results, &*reporter);
    reporter.close();
    let probed = probed?;
    let rows = probed.table();
    let numbers: Vec<usize> = (2..rows.first().map_or(0, Vec::len)).collect();
    terminal::print(&table(&rows, &numbers))?;
    Ok(terminal::print(&format!("\n{}", probed.text()))?)
}
