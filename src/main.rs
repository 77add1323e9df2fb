use std::process::ExitCode;

use runner::{cli, ops, stop};

fn main() -> ExitCode {
    ops::keep_freed_memory();
    stop::survive_file_limits();
    runner::listen_for_aborts();
    cli::main()
}
