//! `runner watch` and `runner report`.

use std::path::PathBuf;

use clap::Args;

use super::failure::Failure;
use super::results;
use crate::foreign;
use crate::report;
use crate::terminal;
use crate::watch::Watch;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  runner watch results/quickstart")]
pub(super) struct WatchArgs {
    /// A folder of results, results/<name>, finished or still growing
    results: PathBuf,
    /// The port of this machine; 0 takes a free one
    #[arg(long, value_name = "N", default_value_t = 8123, value_parser = port, allow_negative_numbers = true)]
    port: u16,
}

fn port(text: &str) -> Result<u16, &'static str> {
    text.parse()
        .map_err(|_| "expected a whole number from 0 to 65535")
}

pub(super) fn watch(args: &WatchArgs) -> Result<(), Failure> {
    results::results(&args.results, "watch")?;
    report::Experiment::read(&args.results)?;
    let watch = Watch::new(&args.results, args.port).map_err(|e| {
        Failure::other(format!(
            "port {} cannot be used: {e}; choose another with --port",
            args.port
        ))
    })?;
    let address = watch.address().map_err(Failure::other)?;
    terminal::print(&format!(
        "http://{address}/ serves {}; press Ctrl-C to stop\n",
        foreign::path(&args.results)
    ))?;
    watch.serve();
    Ok(())
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  runner report results/quickstart")]
pub(super) struct ReportArgs {
    /// Folders of results, results/<name>
    #[arg(required = true)]
    results: Vec<PathBuf>,
}

pub(super) fn report(args: &ReportArgs) -> Result<(), Failure> {
    for folder in &args.results {
        results::results(folder, "report")?;
        if let Some(page) = report::write(folder)?.last() {
            terminal::print(&format!("{}\n", foreign::path(page)))?;
        }
    }
    Ok(())
}
