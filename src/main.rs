use std::process::ExitCode;

use clap::Parser;
use runner::cli::Cli;

fn main() -> ExitCode {
    Cli::parse().main()
}
