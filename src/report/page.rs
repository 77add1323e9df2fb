//! `report.html`: everything on one page that asks for nothing from outside.

use super::html::escape;
use super::{Experiment, charts, sections};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const LIVE_SCRIPT: &str = include_str!("live.js");

/// Whether the page is a file, or is served while the experiment may still run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Liveness {
    Still,
    /// Asks the server whether the tables are still those of this version.
    Live(String),
}

/// The whole page.
pub fn page(experiment: &Experiment, liveness: Liveness) -> String {
    let name = escape(&experiment.name);
    let (script, refresh, version) = match liveness {
        Liveness::Still => (SCRIPT.to_owned(), "", String::new()),
        Liveness::Live(version) => (
            format!("{SCRIPT}{LIVE_SCRIPT}"),
            "<noscript><meta http-equiv=\"refresh\" content=\"5\"></noscript>\n",
            format!(" data-version=\"{}\"", escape(&version)),
        ),
    };
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n{refresh}\
         <link rel=\"icon\" href=\"data:,\">\n<title>{name}: results</title>\n\
         <style>\n{STYLE}{}</style>\n</head>\n<body{version}>\n\
         <a class=\"skip\" href=\"#answer\">To the answer</a>\n<main id=\"main\">\n{}</main>\n\
         <div id=\"tip\" role=\"status\" hidden></div>\n<script>\n{script}</script>\n</body>\n</html>\n",
        charts::STYLE,
        sections::all(experiment)
    )
}
