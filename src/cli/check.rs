//! `runner check SPEC`.

use super::args::CheckArgs;
use super::failure::Failure;
use super::given::{is_published_alone, spec};
use super::log::start_log;
use crate::experiment::{Checked, Look};
use crate::foreign;
use crate::graph::Detail;
use crate::inference;
use crate::sink::progress::{self, Verbosity};
use crate::terminal::{self, Stream};

pub(super) fn run(args: &CheckArgs, verbosity: Verbosity) -> Result<(), Failure> {
    let overrides = &args.spec.overrides;
    let (spec, look) = (spec(&args.spec.spec, verbosity)?, look(verbosity));
    if is_published_alone(&spec, overrides)? {
        if args.pictures.is_some() {
            let shown = spec.display();
            return Err(Failure::usage(format!(
                "{shown} has no [dataset], so there are no training images for --pictures to show"
            )));
        }
        if args.learning_rate.is_some() {
            let shown = spec.display();
            return Err(Failure::usage(format!(
                "{shown} has no [dataset], so there is nothing to train for --learning-rate"
            )));
        }
        let shown = (look.detail, look.width);
        return Ok(terminal::print(&inference::check_published(
            &spec, overrides, shown,
        )?)?);
    }
    let (reporter, log) = progress::for_stderr(verbosity);
    // Before the plan, which may have something to say.
    start_log(log, verbosity);
    let checked = Checked::new(&spec, overrides, &*reporter)?;
    terminal::print(&checked.text(look))?;
    if args.pictures.is_none() && args.learning_rate.is_none() {
        return Ok(());
    }
    let pictures = args.pictures.as_deref();
    let pictures = pictures.map(|file| checked.pictures(file, &*reporter).map(|()| file));
    let rates = args.learning_rate.as_deref();
    let rates = rates.map(|file| checked.learning_rate(file, &*reporter));
    reporter.close();
    if let Some(file) = pictures.transpose()? {
        terminal::print(&format!("\npictures  {}\n", foreign::path(file)))?;
    }
    if let Some(text) = rates.transpose()? {
        terminal::print(&format!("\n{text}"))?;
    }
    Ok(())
}

/// How `runner check` shows networks: with -v each node, as wide as the terminal.
fn look(verbosity: Verbosity) -> Look {
    let usual = Look::default();
    Look {
        detail: match verbosity {
            Verbosity::Verbose => Detail::Nodes,
            _ => usual.detail,
        },
        width: terminal::width(Stream::Out).unwrap_or(usual.width),
    }
}
