use std::process::ExitCode;

use clap::Parser;
use runner::cli::Cli;
use runner::{ops, stop};

fn main() -> ExitCode {
    ops::keep_freed_memory();
    stop::survive_file_limits();
    runner::listen_for_aborts();
    Cli::parse().main()
}
