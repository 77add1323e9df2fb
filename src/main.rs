use std::process::ExitCode;

use clap::Parser;
use runner::cli::Cli;
use runner::ops;

fn main() -> ExitCode {
    ops::keep_freed_memory();
    Cli::parse().main()
}
