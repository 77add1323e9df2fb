//! `runner watch` and `runner report`.

use std::path::PathBuf;

use clap::Args;

use super::{Failure, meant};
use crate::report;
use crate::terminal;
use crate::watch::Watch;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  runner watch results/quickstart")]
pub(super) struct WatchArgs {
    /// A folder of results, results/<name>, finished or still growing
    results: PathBuf,
    /// The port of this machine; 0 takes a free one
    #[arg(long, value_name = "N", default_value_t = 8123)]
    port: u16,
}

pub(super) fn watch(args: &WatchArgs) -> Result<(), Failure> {
    meant::results(&args.results, "watch")?;
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
        args.results.display()
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
        meant::results(folder, "report")?;
        let written = match report::write(folder)?.last() {
            Some(page) => page.display().to_string(),
            None => format!("{}: no epoch has ended yet", folder.display()),
        };
        terminal::print(&format!("{written}\n"))?;
    }
    Ok(())
}
